"""The bars around a trade: its sparkline, its chart, and how far the price went while it was held (MAE and MFE).

All of it is made when it is shown, from bars that are in memory: a sparkline has 32 points at most, and the
excursions of one trade need one pass over the bars while it was held. So nothing of it is stored with a trade."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from livetrading.models.trade import Trade
from livetrading.pipeline.trailing import has_scale_of
from livetrading.summaries.sparklines import Sparkline
from tradedesk.core.bars import Bars, to_datetime64
from tradedesk.core.excursions import excursion
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import Series, load_readable

# Bars before the entry and after the exit.
CHART_BEFORE, CHART_AFTER = 60, 20
SPARK_BEFORE, SPARK_AFTER, SPARK_POINTS = 12, 6, 32
MARKS = ("mae", "mfe")


def bars_of_trades(user_id: int, trades: Iterable[Trade], now: datetime) -> dict[Series, Bars]:
    """By series, the bars of these trades that have closed at `now`; a series without readable bars is absent. One
    query for each timeframe."""
    symbols: dict[str, set[str]] = {}
    for trade in trades:
        symbols.setdefault(trade.timeframe, set()).add(trade.symbol)
    return {
        (symbol, timeframe): closed(bars, timeframe, now)
        for timeframe, wanted in symbols.items()
        for symbol, bars in load_readable(user_id, wanted, timeframe).items()
    }


def last_close(trade: Trade, bars: Mapping[Series, Bars]) -> Decimal | None:
    of_trade = bars.get((trade.symbol, trade.timeframe))
    return to_decimal(float(of_trade.close[-1])) if of_trade is not None and len(of_trade) else None


def trade_sparkline(trade: Trade, bars: Bars | None) -> Sparkline | None:
    """The closes around it, with its ends; that of an open one is the last close. None without bars at its
    scale."""
    if bars is None or len(bars) < 2 or not has_scale_of(trade, bars):
        return None
    first, last = held_rows(trade, bars)
    start = max(0, first - SPARK_BEFORE)
    end = min(len(bars), last + SPARK_AFTER + 1)
    rows = np.unique(np.linspace(start, end - 1, min(SPARK_POINTS, end - start)).round().astype(int))
    if len(rows) < 2:
        rows = np.array([len(bars) - 2, len(bars) - 1])
    sold = bars.close[-1] if trade.is_open or trade.exit_price is None else trade.exit_price

    def place(row: int, price: float) -> tuple[float, float]:
        return float(np.interp(row, rows, np.arange(len(rows)))), price

    return Sparkline(
        tuple(bars.close[rows].tolist()),
        entry=place(first, float(trade.entry_price)),
        exit=place(last, float(sold)),
    )


def held_rows(trade: Trade, bars: Bars) -> tuple[int, int]:
    """The rows of the bar of the entry and of that of the exit, the last bar while the trade is open."""
    first = max(len(bars.until(trade.entry_time)) - 1, 0)
    last = len(bars) - 1 if trade.exit_time is None else len(bars.until(trade.exit_time)) - 1
    return first, max(first, last)


def reached_prices(trade: Trade, bars: Bars | None) -> tuple[float, float] | None:
    """The lowest and the highest price while the trade was held (core/excursions.py), of an open one until the
    last bar; None without bars at the scale of the trade."""
    if bars is None or not len(bars) or not has_scale_of(trade, bars):
        return None
    paid, last = float(trade.entry_price), float(bars.close[-1])
    sold = last if trade.is_open or trade.exit_price is None else float(trade.exit_price)
    until = bars.time[-1] if trade.exit_time is None else to_datetime64(trade.exit_time)
    found = excursion(bars, to_datetime64(trade.entry_time), until, paid, sold)
    if found is None:
        return None
    lowest, highest = paid - found.adverse, paid + found.favourable
    if trade.is_open:
        lowest, highest = min(lowest, float(bars.low[-1])), max(highest, float(bars.high[-1]))
    return lowest, highest


def marks_of(trade: Trade, bars: Bars | None) -> dict[str, dict[str, Any]]:
    """MAE and MFE: the price that was reached, what the shares had lost or gained there before costs, and that in
    units of R. Empty where the bars do not say."""
    reached = reached_prices(trade, bars)
    return (
        {} if reached is None else {name: _mark(trade, price) for name, price in zip(MARKS, reached, strict=True)}
    )


def _mark(trade: Trade, price: float) -> dict[str, Any]:
    pnl = float(trade.quantity) * (price - float(trade.entry_price))
    risk = trade.risk
    return {"price": round(price, 4), "pnl": round(pnl, 2), "r": None if risk is None else pnl / float(risk)}
