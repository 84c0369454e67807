"""What every kind of file becomes first: columns of text or typed values, and what they hold."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradedesk.marketdata.readers.headings import Layout
from tradedesk.marketdata.refusal import ImportRefused

MAX_ROWS = 5_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where each row stands in the file. word: "Line" or "Row". numbers: int64 (n,), ascending, from 1."""

    word: str
    numbers: NDArray[np.int64]

    def __call__(self, row: int) -> str:
        return self.at(int(self.numbers[row]))

    def at(self, number: int) -> str:
        return f"{self.word} {number}"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The rows of a file, still unread.

    columns: those that the layout uses, by position, of one length: text, or another type in a Parquet file.
    decimal_comma: a comma that could be either is the decimal sign. misshapen: rows with another number of values,
    as (number, what is wrong). source: the name of the file or the sheet.
    """

    layout: Layout
    columns: dict[int, pa.Array]
    places: Places
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False
    misshapen: tuple[tuple[int, str], ...] = ()
    source: str = ""

    def __len__(self) -> int:
        return len(self.places.numbers)


def too_many_rows() -> ImportRefused:
    return ImportRefused(f"The file has more than {MAX_ROWS:,} rows. Split it by time and import the parts.")
