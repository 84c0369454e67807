"""The rows that a completed backtest leaves: its trades and its curves."""

from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.results import OpenPosition, Result, Trade
from backtests.simulation import Simulation
from tradedesk.core.metrics import Metrics, measure, session_ends
from tradedesk.core.money import to_decimal


def trades_of(backtest: Backtest, result: Result) -> list[BacktestTrade]:
    """The closed trades in the order they were sold, then what is still open, marked at the last close."""
    closed = [_closed(backtest, trade) for trade in result.trades]
    return closed + [_open(backtest, position) for position in result.open_positions]


def curve_of(backtest: Backtest, simulation: Simulation) -> BacktestCurve:
    """Equity, and buying and holding, at the end of each session."""
    result, benchmark = simulation.result, simulation.benchmark
    ends = session_ends(result.time)
    return BacktestCurve(
        backtest=backtest,
        time=result.time[ends].astype("datetime64[s]").astype(int).tolist(),
        equity=result.equity[ends].tolist(),
        buy_and_hold=benchmark.equity[ends].tolist(),
    )


def benchmark_metrics(benchmark: Result, capital: float) -> Metrics:
    """What buying and holding came to, by the same formulas."""
    return measure(benchmark.time, benchmark.equity, capital=capital, exposure=benchmark.exposure)


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
        return_pct=trade.return_pct,
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
        return_pct=position.unrealized_pnl / paid,
    )
