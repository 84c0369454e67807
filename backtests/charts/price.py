"""The price of a symbol with the kind's lines, and where it was bought, protected and sold."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.charts.points import Points, groups, points, reduced, written
from backtests.models import Backtest, BacktestTrade
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import Bars, Floats, Timeframe, Times, to_datetime64
from tradedesk.core.fills import ExitReason
from tradedesk.marketdata.library import load_many

SALE = {
    ExitReason.SIGNAL: "Sell",
    ExitReason.STOP_LOSS: "Stop",
    ExitReason.TAKE_PROFIT: "Target",
    ExitReason.MANUAL: "Sell",
}


def price_chart(backtest: Backtest, symbol: str) -> dict[str, Points]:
    """The symbol's bars in the period, the kind's lines on today's bars, and its trades with their levels.

    `symbol` is one of the backtest's. Raises NoBars and DamagedBars when its bars are gone.
    """
    start, end = backtest.period
    history = {name: bars.until(end) for name, bars in load_many(backtest.symbols, backtest.timeframe).items()}
    bars = history[symbol].since(start)
    first, last = groups(len(bars))
    times = written(bars.time[first], Timeframe(backtest.timeframe))
    lines, pane = _lines(backtest, history, symbol)
    before = len(history[symbol]) - len(bars)
    trades = list(backtest.trades.filter(symbol=symbol))
    return {
        "bars": _candles(bars, times, first, last),
        "lines": [
            {"name": name, "pane": pane, "data": points(times, values[before:][last], 4)}
            for name, values in lines.items()
        ],
        "markers": _markers(trades, bars.time[first], times),
        "levels": _levels(trades, bars.time[first], times),
    }


def _lines(backtest: Backtest, history: dict[str, Bars], symbol: str) -> tuple[dict[str, Floats], int]:
    """The indicator lines (n,) of the symbol by name, and their pane."""
    try:
        kind = backtest.make_kind()
    except InvalidParameters:  # the kind is not installed any more: bars and trades can still be drawn
        return {}, 0
    with_bars = {name: bars for name, bars in history.items() if len(bars)}
    signals = kind.signals_by_symbol(with_bars)
    return signals[symbol].lines if symbol in signals else {}, 0 if kind.overlay else 1


def _candles(bars: Bars, times: list[Any], first: NDArray[np.int64], last: NDArray[np.int64]) -> Points:
    columns = (
        bars.open[first],
        reduced(np.maximum, bars.high, first),
        reduced(np.minimum, bars.low, first),
        bars.close[last],
    )
    rows = zip(times, *(column.round(4).tolist() for column in columns), strict=True)
    return [{"time": t, "open": o, "high": h, "low": low, "close": c} for t, o, h, low, c in rows]


def _markers(trades: Iterable[BacktestTrade], opening: Times, times: list[Any]) -> Points:
    """Each purchase and sale at the point whose bars hold it, in the order of time."""
    found: list[tuple[int, int, dict[str, Any]]] = []
    for trade in trades:
        for rank, (side, moment, text) in enumerate(_sides(trade)):
            point = _point_of(moment, opening)
            if point >= 0:
                found.append((point, rank, {"time": times[point], "side": side, "text": text}))
    return [marker for *_, marker in sorted(found, key=lambda entry: entry[:2])]


def _levels(trades: Iterable[BacktestTrade], opening: Times, times: list[Any]) -> Points:
    """Stop and target of each trade, from the point that holds its entry to that of its exit, or to the last."""
    levels = []
    for trade in trades:
        first = _point_of(trade.entry_time, opening)
        last = len(times) - 1 if trade.exit_time is None else _point_of(trade.exit_time, opening)
        if 0 <= first <= last:
            target = None if trade.target_price is None else float(trade.target_price)
            span = {"from": times[first], "to": times[last]}
            entry, stop = float(trade.entry_price), float(trade.stop_price)
            levels.append(span | {"entry": entry, "stop": stop, "target": target})
    return levels


def _point_of(moment: datetime, opening: Times) -> int:
    """The point whose bars hold that moment, -1 for one before the first."""
    return int(np.searchsorted(opening, to_datetime64(moment), side="right")) - 1


def _sides(trade: BacktestTrade) -> list[tuple[str, Any, str]]:
    shares = f"{trade.quantity.normalize():f}"
    bought = ("buy", trade.entry_time, f"Buy {shares}")
    if trade.exit_time is None:
        return [bought]
    return [
        bought,
        ("sell", trade.exit_time, f"{SALE[ExitReason(trade.exit_reason)]} {trade.return_fraction:+.1%}"),
    ]
