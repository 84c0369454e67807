"""The rows of a completed backtest: its trades, its curves and its provenance."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from backtests import provenance
from backtests.bars_used import BarsUsed
from backtests.engine.results import OpenPosition, Result, Trade
from backtests.engine.simulation import Scenario, Simulation
from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.research.analysis import worst_drawdowns
from backtests.services.result_hash import result_hash_of
from tradedesk.core.bars import session_dates
from tradedesk.core.metrics import Metrics, measure, session_ends
from tradedesk.core.money import to_decimal

# Decimal places of the invested fraction: hundredths of a percent, to keep the stored JSON small.
INVESTED_PLACES = 4


def trade_rows(backtest: Backtest, result: Result) -> list[BacktestTrade]:
    """The closed trades in the order of their exits, then the open positions, valued at the last close."""
    closed = [_closed_trade_row(backtest, trade) for trade in result.trades]
    return closed + [_open_position_row(backtest, position) for position in result.open_positions]


def curve_row(backtest: Backtest, simulation: Simulation) -> BacktestCurve:
    """Equity, buy and hold, and the invested fraction of the equity, at the end of each session, and the worst
    drawdowns over all bars, as the headline's."""
    result, benchmark = simulation.result, simulation.benchmark
    ends = session_ends(result.time)
    equity = result.equity[ends]
    invested = np.divide(result.invested[ends], equity, out=np.zeros(len(ends)), where=equity > 0.0)
    drawdowns = worst_drawdowns(session_dates(result.time), result.equity, float(backtest.initial_capital))
    return BacktestCurve(
        backtest=backtest,
        time=result.time[ends].astype("datetime64[s]").astype(int).tolist(),
        equity=equity.tolist(),
        buy_and_hold=benchmark.equity[ends].tolist(),
        invested=(invested.round(INVESTED_PLACES) + 0.0).tolist(),
        drawdowns=[each.as_dict() for each in drawdowns],
    )


def completed_provenance(
    backtest: Backtest,
    used: Mapping[str, BarsUsed],
    scenario: Scenario,
    trades: Sequence[BacktestTrade],
    curve: BacktestCurve,
) -> dict[str, Any]:
    """provenance.describe, with the number of bars of each symbol before the start, and the result hash. seed:
    None, because a backtest uses no random numbers."""
    described = provenance.describe(backtest.kind, used)
    start, _ = backtest.period
    for symbol, data in described["data"].items():
        traded = len(scenario.bars[symbol].since(start)) if symbol in scenario.bars else 0
        data["bars_before"] = data["count"] - traded
    return described | {"seed": None, "result": result_hash_of(trades, curve), "repeats": backtest.repeats}


def buy_and_hold_metrics(benchmark: Result, capital: float) -> Metrics:
    """The metrics of buy and hold, by the same formulas."""
    return measure(benchmark.time, benchmark.equity, capital=capital, exposure=benchmark.exposure)


def _closed_trade_row(backtest: Backtest, trade: Trade) -> BacktestTrade:
    return BacktestTrade(
        backtest=backtest,
        symbol=trade.symbol,
        quantity=to_decimal(trade.quantity),
        entry_time=trade.entry_time,
        entry_price=to_decimal(trade.entry_price),
        initial_stop_price=_optional(trade.initial_stop),
        stop_price=_optional(trade.stop_price),
        target_price=_optional(trade.target_price),
        exit_time=trade.exit_time,
        exit_price=to_decimal(trade.exit_price),
        exit_reason=trade.exit_reason.value,
        commission=to_decimal(trade.commission),
        pnl=to_decimal(trade.pnl),
        return_fraction=trade.return_fraction,
        r_multiple=trade.r_multiple,
    )


def _open_position_row(backtest: Backtest, position: OpenPosition) -> BacktestTrade:
    paid = position.quantity * position.entry_price + position.commission
    return BacktestTrade(
        backtest=backtest,
        symbol=position.symbol,
        quantity=to_decimal(position.quantity),
        entry_time=position.entry_time,
        entry_price=to_decimal(position.entry_price),
        initial_stop_price=_optional(position.initial_stop),
        stop_price=_optional(position.stop_price),
        target_price=_optional(position.target_price),
        exit_price=to_decimal(position.last_price),
        commission=to_decimal(position.commission),
        pnl=to_decimal(position.unrealized_pnl),
        return_fraction=position.unrealized_pnl / paid,
    )


def _optional(price: float | None) -> Decimal | None:
    return None if price is None else to_decimal(price)
