"""The price chart of a symbol: bars, indicator lines, and entries, exits, stops and targets of its trades."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np

from backtests.models import Backtest, BacktestTrade
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import Bars, Floats, Timeframe, Times, to_datetime64
from tradedesk.core.fills import ExitReason
from tradedesk.marketdata.chart_points import Points, candles, chart_times, point_spans, points
from tradedesk.marketdata.library import load_many

EXIT_LABELS = {
    ExitReason.SIGNAL: "Sell",
    ExitReason.STOP_LOSS: "Stop",
    ExitReason.TRAILING_STOP: "Trailing stop",
    ExitReason.TAKE_PROFIT: "Target",
    ExitReason.MANUAL: "Sell",
}


def price_chart(backtest: Backtest, symbol: str) -> dict[str, Points]:
    """{"bars", "lines", "markers", "levels"} of one of the backtest's symbols, from the bars in the store now.

    Raises NoBars and DamagedBars.
    """
    start, end = backtest.period
    whole = load_many(backtest.user_id, backtest.symbols, backtest.timeframe)
    history = {name: bars.until(end) for name, bars in whole.items()}
    bars = history[symbol].since(start)
    first, last = point_spans(len(bars))
    times = chart_times(bars.time[first], Timeframe(backtest.timeframe))
    lines, pane = _lines(backtest, history, symbol)
    before = len(history[symbol]) - len(bars)
    trades = list(backtest.trades.filter(symbol=symbol))
    return {
        "bars": candles(bars, times, first, last),
        "lines": [
            {"name": name, "pane": pane, "data": points(times, values[before:][last], 4)}
            for name, values in lines.items()
        ],
        "markers": _markers(trades, bars.time[first], times),
        "levels": _levels(trades, bars.time[first], times),
    }


def _lines(backtest: Backtest, history: dict[str, Bars], symbol: str) -> tuple[dict[str, Floats], int]:
    """The indicator lines (n,) of the symbol by name, and the pane to draw them in."""
    try:
        kind = backtest.make_kind()
    except InvalidParameters:  # the kind is no longer installed: draw bars and trades without lines
        return {}, 0
    with_bars = {name: bars for name, bars in history.items() if len(bars)}
    signals = kind.signals_by_symbol(with_bars)
    return signals[symbol].lines if symbol in signals else {}, 0 if kind.overlay else 1


def _markers(trades: Iterable[BacktestTrade], opening: Times, times: list[Any]) -> Points:
    """Entries and exits at the points of their bars, in the order of time."""
    markers: list[tuple[int, int, dict[str, Any]]] = []
    for trade in trades:
        for rank, (side, moment, text) in enumerate(_entry_and_exit(trade)):
            point = _point_at(moment, opening)
            if point >= 0:
                markers.append((point, rank, {"time": times[point], "side": side, "text": text}))
    return [marker for *_, marker in sorted(markers, key=lambda each: each[:2])]


def _levels(trades: Iterable[BacktestTrade], opening: Times, times: list[Any]) -> Points:
    """Initial stop and target of each trade, from the point of its entry to the point of its exit, or to the last
    point."""
    levels = []
    for trade in trades:
        first = _point_at(trade.entry_time, opening)
        last = len(times) - 1 if trade.exit_time is None else _point_at(trade.exit_time, opening)
        if 0 <= first <= last:
            prices = {"entry": trade.entry_price, "stop": trade.initial_stop_price, "target": trade.target_price}
            span = {"from": times[first], "to": times[last]}
            levels.append(span | {name: None if price is None else float(price) for name, price in prices.items()})
    return levels


def _point_at(moment: datetime, opening: Times) -> int:
    """The index of the point at that time, -1 for a time before the first point."""
    return int(np.searchsorted(opening, to_datetime64(moment), side="right")) - 1


def _entry_and_exit(trade: BacktestTrade) -> list[tuple[str, Any, str]]:
    shares = f"{trade.quantity.normalize():f}"
    entry = ("buy", trade.entry_time, f"Buy {shares}")
    if trade.exit_time is None:
        return [entry]
    label = EXIT_LABELS[ExitReason(trade.exit_reason)]
    return [entry, ("sell", trade.exit_time, f"{label} {trade.return_fraction:+.1%}")]
