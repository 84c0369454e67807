"""The columns of a table as numbers and moments, each understood as a whole."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradedesk.core.bars import PRICE_COLUMNS
from tradedesk.marketdata.readers.arrays import is_text, mask
from tradedesk.marketdata.readers.numbers import Numbers, read_numbers
from tradedesk.marketdata.readers.table import Table

ADJUSTED_CLOSE = "adjusted close"


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns of one symbol, or of all symbols in a column, by their role, all of one length.

    texts: the columns as they stand in the file, for messages. notes: how they were understood.
    """

    numbers: dict[str, Numbers]
    texts: dict[str, pa.Array]
    titles: dict[str, str]
    notes: tuple[str, ...]

    def is_bad(self, role: str) -> NDArray[np.bool_]:
        return self.numbers[role].bad

    def cell(self, role: str, row: int) -> str:
        """What stands there, shortened."""
        return str(self.texts[role][row].as_py()).strip()[:40]

    def equal_to_title(self, role: str) -> NDArray[np.bool_]:
        """The rows in which the title of the column stands again."""
        return self.matching(role, rf"^\s*{re.escape(self.titles[role])}\s*$")

    def matching(self, role: str, pattern: str) -> NDArray[np.bool_]:
        """The rows in which the text of a column matches."""
        if not is_text(self.texts[role]):
            return np.zeros(len(self.texts[role]), dtype=bool)
        return mask(pc.match_substring_regex(self.texts[role], pattern))


def understand_columns(table: Table, roles: dict[str, int]) -> Columns:
    """The columns of these roles, with a volume in every case: 0 where the file has none. Raises ImportRefused."""
    names, arrays = list(roles), [table.columns[position] for position in roles.values()]
    found, sign = read_numbers(arrays, decimal_comma=table.decimal_comma)
    numbers = dict(zip(names, found, strict=True))
    notes = ["Commas were read as the decimal sign."] if sign == "," else []
    prices = [
        column for name, column in zip(names, arrays, strict=True) if name in PRICE_COLUMNS and is_text(column)
    ]
    if sign == "." and any(pc.any(pc.match_substring(column, ",")).as_py() for column in prices):
        notes = ["Commas in prices were read as thousands."]
    volume, note = _volume(numbers, len(table))
    texts = {"volume": pa.nulls(len(table))} | dict(zip(names, arrays, strict=True))
    return Columns(
        numbers=numbers | {"volume": volume},
        texts=texts,
        titles={name: table.layout.titles[position] or name for name, position in roles.items()},
        notes=(*notes, *([note] if note else [])),
    )  # fmt: skip


def _volume(numbers: dict[str, Numbers], rows: int) -> tuple[Numbers, str]:
    """The volume, and a note if another column or 0 stands in for it."""
    volume, ticks = numbers.get("volume"), numbers.get("ticks")
    if ticks and not ticks.bad.any() and (volume is None or not np.nansum(volume.values) > 0):
        return ticks, "The file has no volume; the number of ticks was stored in its place."
    if volume is None or volume.empty.all():
        nothing = np.zeros(rows, dtype=bool)
        return Numbers(np.zeros(rows), ~nothing, nothing), "The file has no volume: 0 was stored."
    return volume, ""
