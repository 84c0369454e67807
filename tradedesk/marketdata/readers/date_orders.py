"""The order of day, month and year in dates like 03/05/2023, decided over the whole column."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradedesk.core.bars import Times
from tradedesk.marketdata.readers import dates
from tradedesk.marketdata.readers.file_series import DateOrder
from tradedesk.marketdata.refusal import ImportRefused

NAT = np.datetime64("NaT", "us")
ORDERS: dict[DateOrder, str] = {"mdy": "month/day/year", "dmy": "day/month/year"}


def ordered(
    written: dates.Written, texts: pa.Array, date_order: DateOrder | None
) -> tuple[Times, tuple[str, ...]]:
    """The local times, with the order of day and month that the column settles, or that was chosen."""
    if written.numeric is None:
        return written.local, ()
    first, second, year = written.numeric
    known = ~np.isnat(written.local)
    readings: dict[DateOrder, Times] = {
        "mdy": dates.days(year, first, second), "dmy": dates.days(year, second, first)
    }  # fmt: skip
    fits: dict[DateOrder, int] = {order: int((known & ~np.isnat(days)).sum()) for order, days in readings.items()}
    example = texts[int(known.argmax())].as_py()
    clock = written.local.view(np.int64).view("timedelta64[us]")
    years_first = dates.days(first, second, year)
    if date_order is None and _is_years_first(
        years_first[known], [days[known] for days in readings.values()], year
    ):
        return np.where(known, years_first + clock, NAT), (f"Dates like “{example}” were read as year/month/day.",)
    order: DateOrder | None = date_order
    if fits["mdy"] != fits["dmy"]:
        order = "mdy" if fits["mdy"] > fits["dmy"] else "dmy"
        if date_order not in (None, order):
            raise ImportRefused(
                f"{len(texts) - fits[date_order or order]:,} dates cannot be {ORDERS[date_order or order]}; "
                f"as {ORDERS[order]}, {fits[order]:,} of {len(texts):,} are dates. Choose that order.",
                "date_order",
            )
    elif order is None:
        order = _order_of_points(example) or _only_sorted(readings, known)
    if order is None:
        raise ImportRefused(
            f"Dates like “{example}” can be month/day/year or day/month/year, and no row of the file settles it. "
            "Choose the order of dates (--date-order mdy or --date-order dmy).",
            "date_order",
        )
    note = f"Dates like “{example}” were read as {ORDERS[order]}."
    return np.where(known, readings[order] + clock, NAT), (note,)


def _order_of_points(example: str) -> DateOrder | None:
    """With points between its numbers, a date has the day first."""
    return "dmy" if "." in example.split(" ")[0].split(":")[0] else None


def _only_sorted(readings: dict[DateOrder, Times], known: NDArray[np.bool_]) -> DateOrder | None:
    """The only order in which the dates rise, or fall, all the way."""
    rising: list[DateOrder] = []
    for order, days in readings.items():
        steps = np.diff(days[known]).astype(np.int64)
        if (steps >= 0).all() or (steps <= 0).all():
            rising.append(order)
    return rising[0] if len(rising) == 1 else None


def _is_years_first(days: Times, readings: list[Times], year: NDArray[np.int64]) -> bool:
    """Whether 23/01/03 has the year first: read so, all are dates, and much closer to each other."""
    if (year >= 100).any() or np.isnat(days).any():
        return False
    lengths = [_length(reading) for reading in readings if not np.isnat(reading).any()]
    return all(4 * _length(days) < length for length in lengths) and len(days) > 1


def _length(days: Times) -> int:
    """The way from each date to the next, in microseconds."""
    return int(np.abs(np.diff(days).astype(np.int64)).sum())
