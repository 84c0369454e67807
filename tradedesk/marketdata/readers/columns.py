"""The requirements for a file of bars: its columns, the number of rows, ascending times, valid prices."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tradedesk.core.bars import COLUMNS, Bars, Floats, InvalidBars, Timeframe, Times, validate
from tradedesk.marketdata.adjustment import adjust
from tradedesk.marketdata.refusal import ImportRefused

MAX_ROWS = 5_000_000
ADJUSTED_CLOSE = "adjusted close"
# The title of a column in lower case, letters only -> its name here. pandas saves an unnamed index as
# __index_level_0__.
NAMES = {
    "time": "time", "date": "time", "datetime": "time", "timestamp": "time", "t": "time", "indexlevel0": "time",
    "open": "open", "o": "open",
    "high": "high", "h": "high",
    "low": "low", "l": "low",
    "close": "close", "c": "close",
    "volume": "volume", "vol": "volume", "v": "volume",
    "adjclose": ADJUSTED_CLOSE, "adjustedclose": ADJUSTED_CLOSE,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FileBars:
    """The valid bars of a file, and whether they are adjusted for splits."""

    bars: Bars
    adjusted: bool


@dataclass(frozen=True, slots=True, eq=False)
class FileColumns:
    """A file's columns, of one length: time (datetime64[us], UTC), the others by name (float64, NaN where empty).

    place(row): the name of a row (counted from 0) for a message: "Line 7".
    """

    time: Times
    values: dict[str, Floats]
    place: Callable[[int], str]

    def as_bars(self, timeframe: Timeframe, *, adjusted: bool) -> FileBars:
        """The columns as valid bars, adjusted by the adjusted close unless `adjusted`. Raises ImportRefused."""
        if len(self.time) == 0:
            raise ImportRefused("The file has no rows below its column names.")
        self._check_order(timeframe)
        bars = Bars(self.time, **{name: self.values[name] for name in COLUMNS if name != "time"})
        self._check(bars)
        if adjusted or ADJUSTED_CLOSE not in self.values:
            return FileBars(bars, adjusted)
        adjusted_close = self.values[ADJUSTED_CLOSE]
        unusable = ~(np.isfinite(adjusted_close) & (adjusted_close > 0))
        if unusable.any():
            raise ImportRefused(
                f"{self.place(int(unusable.argmax()))}: adjusted close is missing or not above zero."
            )
        bars = adjust(bars, adjusted_close)
        self._check(bars)
        return FileBars(bars, adjusted=True)

    def _check(self, bars: Bars) -> None:
        try:
            validate(bars)
        except InvalidBars as error:
            # The core counts rows from 0; the message names the line of the file.
            message = re.sub(r"^Row (\d+)", lambda row: self.place(int(row[1])), str(error))
            raise ImportRefused(f"{message} Correct the file and import it again.") from error

    def _check_order(self, timeframe: Timeframe) -> None:
        step = np.diff(self.time).astype(np.int64)
        if not (step <= 0).any():
            return
        row = int((step <= 0).argmax()) + 1
        when = str(self.time[row])[:16].replace("T", " ")
        if step[row - 1] < 0:
            raise ImportRefused(
                f"{self.place(row)} ({when} UTC) is earlier than the row before it. "
                "Sort the file by time, oldest first."
            )
        raise ImportRefused(
            f"{self.place(row)} ({when} UTC) has the same time as the row before it. "
            f"A {timeframe} file has one row for each bar: remove one of the two."
        )


def find_columns(header: Sequence[str]) -> dict[str, int]:
    """The position of each known column. Raises ImportRefused if one is missing or appears twice."""
    found: dict[str, int] = {}
    for position, title in enumerate(header):
        name = NAMES.get(re.sub(r"[\s_*]", "", title).lower())
        if name in found:
            raise ImportRefused(
                f"“{header[found[name]]}” and “{title}” could both be the column {name}. Keep one of them."
            )
        if name:
            found[name] = position
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        titles = ", ".join(f"“{title.strip()[:40]}”" for title in header[:20]) or "no columns"
        raise ImportRefused(
            f"Missing column{'s' if len(missing) > 1 else ''}: {', '.join(missing)}. "
            f"The file has {titles}. Name the columns time (or date), open, high, low, close, volume."
        )
    return found


def too_many_rows_error() -> ImportRefused:
    return ImportRefused(f"The file has more than {MAX_ROWS:,} rows. Split it by time and import the parts.")
