"""What a reader returns: the bars of one symbol in a file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tradedesk.core.bars import Bars

# Of a date like 03/05/2023: month or day first.
DateOrder = Literal["mdy", "dmy"]


@dataclass(frozen=True, slots=True, eq=False)
class FileSeries:
    """The bars of one symbol in a file.

    symbol: as the file names it (upper case), "" where it does not name one. bars: ascending, validated. adjusted:
    for splits. notes: sentences on how the file was understood. place(row): where bar `row` stands, for messages:
    "Line 7". source: the name of the file, or of the file in a ZIP or the sheet of a workbook.
    """

    symbol: str
    bars: Bars
    adjusted: bool
    notes: tuple[str, ...]
    place: Callable[[int], str]
    source: str
