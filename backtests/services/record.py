"""What a completed backtest leaves: the rows of its trades and its curves, and what they were made from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backtests import provenance
from backtests.engine.results import OpenPosition, Result, Trade
from backtests.engine.simulation import Scenario, Simulation
from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.services.result_hash import result_hash_of
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import Metrics, measure, session_ends
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.models import BarSeries

# Places of the fraction of the equity in positions: hundredths of a percent, in a third of the bytes.
INVESTED_PLACES = 4


def trades_of(backtest: Backtest, result: Result) -> list[BacktestTrade]:
    """The closed trades in the order they were sold, then what is still open, marked at the last close."""
    closed = [_closed(backtest, trade) for trade in result.trades]
    return closed + [_open(backtest, position) for position in result.open_positions]


def curve_of(backtest: Backtest, simulation: Simulation) -> BacktestCurve:
    """Equity, buying and holding, and the fraction of the equity in positions, at the end of each session."""
    result, benchmark = simulation.result, simulation.benchmark
    ends = session_ends(result.time)
    equity = result.equity[ends]
    invested = np.divide(_invested(result)[ends], equity, out=np.zeros(len(ends)), where=equity > 0.0)
    return BacktestCurve(
        backtest=backtest,
        time=result.time[ends].astype("datetime64[s]").astype(int).tolist(),
        equity=equity.tolist(),
        buy_and_hold=benchmark.equity[ends].tolist(),
        invested=(invested.round(INVESTED_PLACES) + 0.0).tolist(),
    )


def provenance_of(
    backtest: Backtest,
    series: Mapping[str, BarSeries],
    scenario: Scenario,
    trades: Sequence[BacktestTrade],
    curve: BacktestCurve,
) -> dict[str, Any]:
    """provenance.describe with what only a run knows: how many bars each symbol has before the start and from it
    on, and the digest of the result. seed: None, for no chance is involved."""
    described = provenance.describe(backtest.kind, series)
    for symbol, data in described["data"].items():
        history = scenario.bars.get(symbol)
        traded = len(history.since(backtest.period[0])) if history else 0
        data |= {"bars": traded, "bars_before": len(history or ()) - traded}
    return described | {"seed": None, "result": result_hash_of(trades, curve), "repeats": backtest.repeats}


def benchmark_metrics(benchmark: Result, capital: float) -> Metrics:
    """What buying and holding came to, by the same formulas."""
    return measure(benchmark.time, benchmark.equity, capital=capital, exposure=benchmark.exposure)


def _invested(result: Result) -> Floats:
    """The dollars in positions at each close (m,): the equity without the cash that the lots left."""
    spent = np.zeros(len(result.time))
    for lots in (result.closed, result.held):
        np.add.at(spent, lots["entry_row"], lots["paid"])
    np.add.at(spent, result.closed["exit_row"], -result.closed["paid"] - result.closed["pnl"])
    cash = result.cash + spent.sum() - spent.cumsum()
    invested: Floats = result.equity - cash
    return invested


def _closed(backtest: Backtest, trade: Trade) -> BacktestTrade:
    return BacktestTrade(
        backtest=backtest,
        symbol=trade.symbol,
        quantity=to_decimal(trade.quantity),
        entry_time=trade.entry_time,
        entry_price=to_decimal(trade.entry_price),
        stop_price=to_decimal(trade.stop_price),
        target_price=None if trade.target_price is None else to_decimal(trade.target_price),
        exit_time=trade.exit_time,
        exit_price=to_decimal(trade.exit_price),
        exit_reason=trade.exit_reason.value,
        commission=to_decimal(trade.commission),
        pnl=to_decimal(trade.pnl),
        return_fraction=trade.return_fraction,
        r_multiple=trade.r_multiple,
    )


def _open(backtest: Backtest, position: OpenPosition) -> BacktestTrade:
    paid = position.quantity * position.entry_price + position.commission
    return BacktestTrade(
        backtest=backtest,
        symbol=position.symbol,
        quantity=to_decimal(position.quantity),
        entry_time=position.entry_time,
        entry_price=to_decimal(position.entry_price),
        stop_price=to_decimal(position.stop_price),
        target_price=None if position.target_price is None else to_decimal(position.target_price),
        exit_price=to_decimal(position.last_price),
        commission=to_decimal(position.commission),
        pnl=to_decimal(position.unrealized_pnl),
        return_fraction=position.unrealized_pnl / paid,
    )
