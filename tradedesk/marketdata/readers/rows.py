"""Which rows of a table are bars, which are left out because they are none, and which are bad."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import PRICE_COLUMNS, Bars, Floats
from tradedesk.marketdata.readers.arrays import is_equal, mask
from tradedesk.marketdata.readers.columns import ADJUSTED_CLOSE, Columns
from tradedesk.marketdata.readers.problems import Problems
from tradedesk.marketdata.readers.times import Understood

# Prices that were computed in floating point may leave their bar by less than this part of them.
NOISE = 1e-9
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FileRows:
    """The rows of the table as bars, not yet sorted. bars: of all rows, valid where is_bar and not bad. adjusted
    close: NaN where the file has none. notes: what was left out or changed."""

    bars: Bars
    adjusted_close: Floats | None
    is_bar: Rows
    notes: tuple[str, ...]


def judge_rows(columns: Columns, times: Understood, problems: Problems, *, adjust: bool) -> FileRows:
    """The rows as bars; what is bad is added to `problems`. adjust: the adjusted close is needed."""
    is_bar, notes = _left_out(columns, times)
    prices = {name: columns.numbers[name].values for name in PRICE_COLUMNS}
    has_adjusted = adjust and ADJUSTED_CLOSE in columns.numbers
    adjusted_close = columns.numbers[ADJUSTED_CLOSE].values if has_adjusted else None
    _refuse_unreadable(columns, times, problems, is_bar, adjusted=has_adjusted)
    high, low = _without_noise(prices)
    widened = is_bar & ~problems.bad & ((high != prices["high"]) | (low != prices["low"]))
    if widened.any():
        notes += (
            f"High or low was widened by less than a billionth to hold open and close: {widened.sum():,} rows.",
        )
    volume = columns.numbers["volume"]
    missing = is_bar & volume.empty & ~volume.bad
    if missing.any() and not missing[is_bar].all():
        notes += (f"The volume is empty in {missing.sum():,} rows: 0 was stored there.",)
    bars = Bars(
        times.times, prices["open"], high, low, prices["close"], np.where(volume.empty, 0.0, volume.values)
    )
    _refuse_impossible(bars, problems, is_bar)
    return FileRows(bars, adjusted_close, is_bar, notes)


def _left_out(columns: Columns, times: Understood) -> tuple[Rows, tuple[str, ...]]:
    """The rows that are bars, and notes on the others: empty ones, repeated titles, dividends, closing lines."""
    empty = np.logical_and.reduce([columns.numbers[name].empty for name in PRICE_COLUMNS])
    without_price = np.logical_and.reduce([np.isnan(columns.numbers[name].values) for name in PRICE_COLUMNS])
    volume = columns.numbers["volume"]
    closing = _closing(without_price & np.isnat(times.times))
    blank = mask(is_equal(times.texts, ""))
    groups = {
        "Repeated column names": without_price & _repeats_title(columns),
        "Rows of dividends and splits": without_price & ~empty & _is_event(columns),
        "Closing lines": closing & ~blank,
        "": closing,  # nobody misses empty lines at the end
        "Empty rows": empty & (volume.empty | (volume.values == 0)),
    }
    left = np.zeros(len(empty), dtype=bool)
    notes = []
    for name, rows in groups.items():
        count = int((rows & ~left).sum())
        left |= rows
        if count and name:
            notes.append(f"{name} were left out: {count:,}.")
    return ~left, tuple(notes)


def _repeats_title(columns: Columns) -> Rows:
    if not columns.is_bad("close").any():
        return np.zeros(len(columns.numbers["close"].values), dtype=bool)
    return columns.equal_to_title("close") & columns.equal_to_title("open")


def _is_event(columns: Columns) -> Rows:
    found = np.zeros(len(columns.numbers["close"].values), dtype=bool)
    for name in PRICE_COLUMNS:
        if columns.is_bad(name).any():
            found |= columns.matching(name, r"(?i)dividend|split")
    return found


def _closing(no_bar: Rows) -> Rows:
    """The last rows of the file, as far as none of them is a bar."""
    closing = np.zeros(len(no_bar), dtype=bool)
    last = np.flatnonzero(~no_bar)
    closing[int(last[-1]) + 1 if len(last) else len(no_bar) :] = True
    return closing


def _refuse_unreadable(
    columns: Columns, times: Understood, problems: Problems, is_bar: Rows, *, adjusted: bool
) -> None:
    def written(row: int) -> str:
        return str(times.texts[row].as_py())[:40]

    def missing_or(text: str, row: int) -> str:
        return f"“{written(row)}” {text}" if written(row) else "the time is missing"

    problems.add(is_bar & np.isnat(times.times), lambda row: missing_or("is not a time that can be read", row))
    problems.add(is_bar & times.without_clock, lambda row: missing_or("is a date without a time of day", row))
    for name in (*PRICE_COLUMNS, "volume", *([ADJUSTED_CLOSE] if adjusted else [])):
        _refuse_number(columns, name, problems, is_bar)


def _refuse_number(columns: Columns, name: str, problems: Problems, is_bar: Rows) -> None:
    number, title = columns.numbers[name], columns.titles.get(name, name)
    problems.add(is_bar & number.bad, lambda row: f"{title} is “{columns.cell(name, row)}”, not a number")
    if name == "volume":
        return
    problems.add(is_bar & number.empty, lambda _: f"{title} is missing")
    with np.errstate(invalid="ignore"):
        wrong = ~(np.isfinite(number.values) & (number.values > 0))
    problems.add(is_bar & wrong, lambda row: f"{title} is {columns.cell(name, row)}, not above zero")


def _without_noise(prices: dict[str, Floats]) -> tuple[Floats, Floats]:
    """High and low, widened to open and close where these are outside by no more than NOISE of the price."""
    top, bottom = np.maximum(prices["open"], prices["close"]), np.minimum(prices["open"], prices["close"])
    high, low = prices["high"], prices["low"]
    with np.errstate(invalid="ignore"):
        high = np.where((top > high) & (top <= high * (1 + NOISE)), top, high)
        low = np.where((bottom < low) & (bottom >= low * (1 - NOISE)), bottom, low)
    return high, low


def _refuse_impossible(bars: Bars, problems: Problems, is_bar: Rows) -> None:
    with np.errstate(invalid="ignore"):
        below = bars.high < bars.low
        outside = (np.maximum(bars.open, bars.close) > bars.high) | (np.minimum(bars.open, bars.close) < bars.low)
        negative = ~(np.isfinite(bars.volume) & (bars.volume >= 0))
    problems.add(is_bar & negative, lambda row: f"volume is {bars.volume[row]:g}, not a number from 0")
    problems.add(is_bar & below, lambda row: f"high {bars.high[row]:.12g} is below low {bars.low[row]:.12g}")
    problems.add(
        is_bar & outside,
        lambda row: (
            f"open {bars.open[row]:.12g} or close {bars.close[row]:.12g} is not between low "
            f"{bars.low[row]:.12g} and high {bars.high[row]:.12g}"
        ),
    )
