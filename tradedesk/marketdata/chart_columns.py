"""The data of charts as columns, pure: what static/src/charts draws (docs/frontend.md). At most MAX_POINTS points.

Times are days since 1970 where bars have a date, else unix seconds; "unit" says which.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Floats, Timeframe, Times, session_dates, to_datetime64

# No screen shows more points; beyond it neighbouring rows become one point.
MAX_POINTS = 5000
DAY, SECOND = "day", "second"
Column = list[Any]
Columns = dict[str, Column]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A trade from its entry to its exit, None while it is open. stop, target: prices, None without one. r: the
    R-multiple. why_in, why_out: what the chart says of the two fills."""

    id: int
    entry_time: datetime
    entry_price: Decimal
    exit_time: datetime | None
    exit_price: Decimal | None
    quantity: Decimal
    stop: Decimal | None
    target: Decimal | None
    pnl: Decimal | None
    r: float | None
    why_in: str = ""
    why_out: str = ""


@dataclass(frozen=True, slots=True)
class FillPoint:
    """An execution, or a signal, which has no quantity. trade: the id of its round trip, None if it is not known.
    text: what it was."""

    time: datetime
    side: str
    quantity: Decimal | None
    price: Decimal
    trade: int | None
    text: str = ""


def point_spans(length: int) -> tuple[Rows, Rows]:
    """The first and the last row of each point."""
    size = -(-length // MAX_POINTS) or 1
    first = np.arange(0, length, size)
    return first, np.minimum(first + size, length) - 1


def reduce_spans(function: np.ufunc, values: Floats, first: Rows) -> Floats:
    """The function, such as np.maximum, over the rows of each point."""
    return function.reduceat(values, first) if len(values) else values


def unit_of(timeframe: str) -> str:
    return DAY if Timeframe(timeframe).is_dated else SECOND


def chart_times(times: Times, unit: str) -> list[int]:
    found = session_dates(times) if unit == DAY else times.astype("datetime64[s]")
    return list(found.astype(np.int64).tolist())


def column(values: Floats, places: int) -> Column:
    """NaN becomes None, which the chart draws as a gap."""
    return [None if value != value else value for value in np.round(values, places).tolist()]


def line(name: str, times: Column, values: Floats, places: int) -> dict[str, Any]:
    """A line with its own times."""
    return {"name": name, "time": times, "values": column(values, places)}


def price_columns(bars: Bars, timeframe: str, lines: Mapping[str, Floats], pane: int = 0) -> dict[str, Any]:
    """{"unit", "bars": {"time", "open", "high", "low", "close", "volume"}, "lines": [{"name", "pane", "values"}]}.

    A candle for each point, with its first open, its highest high, its lowest low, its last close and its volume.
    lines: (n,) of the same bars; drawn in `pane`, 0 for that of the candles."""
    first, last = point_spans(len(bars))
    unit = unit_of(timeframe)
    columns = {
        "open": bars.open[first],
        "high": reduce_spans(np.maximum, bars.high, first),
        "low": reduce_spans(np.minimum, bars.low, first),
        "close": bars.close[last],
    }
    candles: Columns = {"time": chart_times(bars.time[first], unit)}
    candles |= {name: column(values, 4) for name, values in columns.items()}
    candles["volume"] = reduce_spans(np.add, bars.volume, first).round().astype(np.int64).tolist()
    drawn = [{"name": name, "pane": pane, "values": column(each[last], 4)} for name, each in lines.items()]
    return {"unit": unit, "bars": candles, "lines": drawn}


def trade_columns(bars: Bars, timeframe: str, trips: Iterable[RoundTrip]) -> Columns:
    """A row for each trip that was open during the bars, in the order of entries; times are those of points.

    One that was entered before the bars begins at the first."""
    first, _ = point_spans(len(bars))
    opening, times = bars.time[first], chart_times(bars.time[first], unit_of(timeframe))
    names = ("id", "entry_time", "entry", "exit_time", "exit", "quantity", "stop", "target", "pnl", "r")
    rows = []
    for trip in sorted(trips, key=lambda each: (each.entry_time, each.id)) if times else ():
        end = None if trip.exit_time is None else _point_at(trip.exit_time, opening)
        if end is not None and end < 0:
            continue
        rows.append(
            (
                trip.id,
                times[max(_point_at(trip.entry_time, opening), 0)],
                float(trip.entry_price),
                None if end is None else times[end],
                _number(trip.exit_price),
                float(trip.quantity),
                _number(trip.stop),
                _number(trip.target),
                _number(trip.pnl),
                trip.r if trip.r is None else round(trip.r, 4),
            )
        )
    return _transposed(names, rows)


def fill_columns(bars: Bars, timeframe: str, fills: Iterable[FillPoint], trades: Columns) -> Columns:
    """A row for each fill within the bars, in the order of time. "trade": its row in `trades`, or None."""
    first, _ = point_spans(len(bars))
    opening, times = bars.time[first], chart_times(bars.time[first], unit_of(timeframe))
    places = {pk: row for row, pk in enumerate(trades["id"])}
    rows = []
    for fill in sorted(fills, key=lambda each: each.time):
        point = _point_at(fill.time, opening)
        if point >= 0:
            trade = None if fill.trade is None else places.get(fill.trade)
            quantity = _number(fill.quantity)
            rows.append((times[point], fill.side, quantity, float(fill.price), trade, fill.text))
    return _transposed(("time", "side", "quantity", "price", "trade", "text"), rows)


def fills_of(trips: Iterable[RoundTrip]) -> list[FillPoint]:
    """The entry and the exit of each trip, where no single executions are kept."""
    fills = []
    for trip in trips:
        fills.append(FillPoint(trip.entry_time, "buy", trip.quantity, trip.entry_price, trip.id, trip.why_in))
        if trip.exit_time is not None and trip.exit_price is not None:
            fills.append(FillPoint(trip.exit_time, "sell", trip.quantity, trip.exit_price, trip.id, trip.why_out))
    return fills


def _point_at(moment: datetime, opening: Times) -> int:
    """The index of the point at that time, -1 for a time before the first point."""
    return int(np.searchsorted(opening, to_datetime64(moment), side="right")) - 1


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _transposed(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Columns:
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}
