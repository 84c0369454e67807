"""Charts of a backtest, in the shapes that static/charts.js draws (docs/frontend.md)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.models import Backtest, BacktestCurve, BacktestTrade
from strategies.kinds import InvalidParameters
from tradedesk.core.bars import Bars, Floats, Timeframe, Times, session_dates, to_datetime64
from tradedesk.core.fills import ExitReason
from tradedesk.marketdata.library import load_many

# More points than this no screen tells apart; beyond it neighbours are drawn as one.
MOST_POINTS = 5000
SALE = {
    ExitReason.SIGNAL: "Sell",
    ExitReason.STOP_LOSS: "Stop",
    ExitReason.TAKE_PROFIT: "Target",
    ExitReason.MANUAL: "Sell",
}
Points = list[dict[str, Any]]


def equity_chart(backtest: Backtest) -> dict[str, Points]:
    """Equity, buying and holding, and the drawdown in percent, by session; empty until it is completed."""
    curve = BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()
    seconds = np.array(curve.time, "int64").astype("datetime64[s]").astype("datetime64[us]")
    equity = np.array(curve.equity, float)
    capital = float(backtest.initial_capital)
    drawdown = 100 * (equity / np.maximum(np.maximum.accumulate(equity), capital) - 1)
    first, last = _groups(len(seconds))
    times = _times(seconds[last], Timeframe.DAY)
    return {
        "equity": _points(times, equity[last], 2),
        "buy_and_hold": _points(times, np.array(curve.buy_and_hold, float)[last], 2),
        "drawdown": _points(times, _reduced(np.minimum, drawdown, first), 2),
    }


def price_chart(backtest: Backtest, symbol: str) -> dict[str, Points]:
    """The symbol's bars in the period, the kind's lines on today's bars, and where it was bought and sold.

    `symbol` is one of the backtest's. Raises NoBars and DamagedBars when its bars are gone.
    """
    start, end = backtest.period
    history = {name: bars.until(end) for name, bars in load_many(backtest.symbols, backtest.timeframe).items()}
    bars = history[symbol].since(start)
    first, last = _groups(len(bars))
    times = _times(bars.time[first], Timeframe(backtest.timeframe))
    lines, pane = _lines(backtest, history, symbol)
    before = len(history[symbol]) - len(bars)
    return {
        "bars": _candles(bars, times, first, last),
        "lines": [
            {"name": name, "pane": pane, "data": _points(times, values[before:][last], 4)}
            for name, values in lines.items()
        ],
        "markers": _markers(backtest, symbol, bars.time[first], times),
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


def _groups(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last row of each group of neighbours that is drawn as one point."""
    size = -(-length // MOST_POINTS) or 1
    first = np.arange(0, length, size)
    return first, np.minimum(first + size, length) - 1


def _reduced(function: np.ufunc, values: Floats, first: NDArray[np.int64]) -> Floats:
    return function.reduceat(values, first) if len(values) else values


def _times(times: Times, timeframe: Timeframe) -> list[Any]:
    """Days as text, moments as unix seconds."""
    days = timeframe is Timeframe.DAY
    written = session_dates(times).astype(str) if days else times.astype("datetime64[s]").astype(int)
    return list(written.tolist())


def _points(times: list[Any], values: Floats, places: int) -> Points:
    """A point without a value is a gap."""
    return [
        {"time": time, "value": value} if value == value else {"time": time}
        for time, value in zip(times, values.round(places).tolist(), strict=True)
    ]


def _candles(bars: Bars, times: list[Any], first: NDArray[np.int64], last: NDArray[np.int64]) -> Points:
    columns = (
        bars.open[first],
        _reduced(np.maximum, bars.high, first),
        _reduced(np.minimum, bars.low, first),
        bars.close[last],
    )
    rows = zip(times, *(column.round(4).tolist() for column in columns), strict=True)
    return [{"time": t, "open": o, "high": h, "low": low, "close": c} for t, o, h, low, c in rows]


def _markers(backtest: Backtest, symbol: str, opening: Times, times: list[Any]) -> Points:
    """Each purchase and sale at the point whose bars hold it, in the order of time."""
    found: list[tuple[int, int, dict[str, Any]]] = []
    for trade in backtest.trades.filter(symbol=symbol):
        for rank, (side, moment, text) in enumerate(_sides(trade)):
            point = int(np.searchsorted(opening, to_datetime64(moment), side="right")) - 1
            if point >= 0:
                found.append((point, rank, {"time": times[point], "side": side, "text": text}))
    return [marker for *_, marker in sorted(found, key=lambda entry: entry[:2])]


def _sides(trade: BacktestTrade) -> list[tuple[str, Any, str]]:
    shares = f"{trade.quantity.normalize():f}"
    bought = ("buy", trade.entry_time, f"Buy {shares}")
    if trade.exit_time is None:
        return [bought]
    return [bought, ("sell", trade.exit_time, f"{SALE[ExitReason(trade.exit_reason)]} {trade.return_pct:+.1%}")]
