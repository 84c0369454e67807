"""A backtest as JSON, in the API's names.

Prices and dollars are numbers, `*_pct` is percent in results and a fraction in rules, times are ISO 8601 in UTC.
"""

from datetime import UTC, datetime
from typing import Any

from backtests.charts.comparison import normalized
from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.reports.comparison import Comparison


def backtest_payload(backtest: Backtest, *, full: bool) -> dict[str, Any]:
    """The backtest; full adds provenance, curves, trades and open positions (two queries more)."""
    payload: dict[str, Any] = {
        "id": backtest.pk,
        "strategy_id": backtest.strategy_id,
        "strategy_name": backtest.strategy_name,
        "kind": backtest.kind,
        "parameters": backtest.parameters,
        "symbols": backtest.symbols,
        "timeframe": backtest.timeframe,
        "start_date": backtest.start_date.isoformat(),
        "end_date": backtest.end_date.isoformat(),
        "initial_capital": float(backtest.initial_capital),
        "rules": backtest.rules,
        "costs": backtest.costs,
        "status": backtest.status,
        "progress": backtest.progress,
        "stage": backtest.stage,
        "error": backtest.error or None,
        "metrics": backtest.metrics or None,
        "doubled_costs": backtest.doubled_costs or None,
        "created_at": iso(backtest.created_at),
        "started_at": iso(backtest.started_at),
        "finished_at": iso(backtest.finished_at),
    }
    return payload | _results(backtest) if full else payload


def trade_payload(trade: BacktestTrade) -> dict[str, Any]:
    """A closed trade."""
    return {
        "symbol": trade.symbol,
        "shares": float(trade.quantity),
        "entry_time": iso(trade.entry_time),
        "entry_price": float(trade.entry_price),
        "exit_time": iso(trade.exit_time),
        "exit_price": float(trade.exit_price),
        "exit_reason": trade.exit_reason,
        "pnl": float(trade.pnl),
        "return_pct": trade.return_fraction * 100,
        "commission": float(trade.commission),
        "r_multiple": trade.r_multiple,
    }


def open_position_payload(trade: BacktestTrade) -> dict[str, Any]:
    """A trade that was still open at the end, marked at the last close."""
    return {
        "symbol": trade.symbol,
        "shares": float(trade.quantity),
        "entry_time": iso(trade.entry_time),
        "entry_price": float(trade.entry_price),
        "last_price": float(trade.exit_price),
        "stop_price": float(trade.stop_price),
        "target_price": None if trade.target_price is None else float(trade.target_price),
        "unrealized_pnl": float(trade.pnl),
        "return_pct": trade.return_fraction * 100,
        "commission": float(trade.commission),
    }


def comparison_payload(comparison: Comparison) -> dict[str, Any]:
    """The backtests in short with their equity on one scale, and what to mind. One query."""
    curves = BacktestCurve.objects.in_bulk([backtest.pk for backtest in comparison.backtests])
    compared = []
    for backtest in comparison.backtests:
        curve = curves.get(backtest.pk, BacktestCurve())
        equity = normalized(curve, float(backtest.initial_capital)).tolist()
        points = [{"time": t, "value": value} for t, value in zip(_times(curve), equity, strict=True)]
        compared.append(backtest_payload(backtest, full=False) | {"normalized_equity": points})
    return {"notes": comparison.notes, "backtests": compared}


def _results(backtest: Backtest) -> dict[str, Any]:
    trades = list(backtest.trades.all())
    curve = BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()
    points = zip(_times(curve), curve.equity, strict=True)
    return {
        "provenance": backtest.provenance,
        "equity_curve": [{"time": t, "equity": equity} for t, equity in points],
        "trades": [trade_payload(trade) for trade in trades if not trade.is_open],
        "open_positions": [open_position_payload(trade) for trade in trades if trade.is_open],
    }


def _times(curve: BacktestCurve) -> list[str | None]:
    return [iso(datetime.fromtimestamp(seconds, UTC)) for seconds in curve.time]


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, as JSON carries every moment."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
