"""Reading a file of bars.

A file goes through these steps, each in a file of its own: its container (containers.py, and one file for each
kind) -> columns of text or typed values (table.py) under known titles (headings.py, names.py) -> numbers and
times, each column understood as a whole (columns.py, numbers.py, times.py, dates.py, zones.py) -> rows that are
bars, are left out or are bad (rows.py, problems.py) -> the sorted bars of each symbol (sorting.py).
"""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import COLUMNS, Bars, InvalidBars, Timeframe, validate
from tradedesk.marketdata.adjustment import adjust
from tradedesk.marketdata.readers.archives import Budget
from tradedesk.marketdata.readers.choosing import choose
from tradedesk.marketdata.readers.columns import understand_columns
from tradedesk.marketdata.readers.containers import tables_of
from tradedesk.marketdata.readers.file_series import DateOrder, FileSeries
from tradedesk.marketdata.readers.problems import ADVICE, Problems
from tradedesk.marketdata.readers.rows import judge_rows
from tradedesk.marketdata.readers.sorting import in_order, rows_by_symbol
from tradedesk.marketdata.readers.symbol_names import file_symbol
from tradedesk.marketdata.readers.table import Table
from tradedesk.marketdata.readers.times import Understood, understand_times
from tradedesk.marketdata.refusal import ImportRefused

__all__ = ["Budget", "DateOrder", "FileSeries", "choose", "read_file"]


def read_file(
    file: BinaryIO,
    name: str,
    timeframe: Timeframe,
    *,
    adjusted: bool,
    date_order: DateOrder | None = None,
    budget: Budget | None = None,
) -> list[FileSeries]:
    """The valid bars of an open, seekable file, one series for each symbol in it, at least one.

    name: of the file, for messages. adjusted: the prices are already adjusted for splits; if not, the adjusted
    close of the file, if any, adjusts them. date_order: how to read 03/05/2023 where the file leaves it open.
    budget: what archives may unpack to.
    Raises ImportRefused, which says how many rows are bad and names the first five; its field is "date_order"
    where that has to be chosen.
    """
    found: list[FileSeries] = []
    for table in tables_of(file, name, budget or Budget()):
        found += _series_of(table, timeframe, adjusted=adjusted, date_order=date_order)
    return found


def _series_of(
    table: Table, timeframe: Timeframe, *, adjusted: bool, date_order: DateOrder | None
) -> Iterator[FileSeries]:
    layout = table.layout
    if len(table) == 0 and not table.misshapen:
        raise ImportRefused("The file has no rows below its column names.")
    times = understand_times(
        [table.columns[position] for position in layout.time],
        timeframe,
        title_zone=layout.title_zone,
        date_order=date_order,
    )
    for symbol, roles in layout.groups.items():
        yield from _group(table, file_symbol(symbol), roles, times, timeframe, adjusted=adjusted)


def _group(
    table: Table, symbol: str, roles: dict[str, int], times: Understood, timeframe: Timeframe, *, adjusted: bool
) -> list[FileSeries]:
    """The series of the columns of one symbol, or of each symbol that stands in a column."""
    columns = understand_columns(table, roles)
    problems = Problems(table.places, len(table) + len(table.misshapen))
    problems.add_misshapen(table.misshapen)
    rows = judge_rows(columns, times, problems, adjust=not adjusted)
    symbol_column = None if table.layout.symbol is None else table.columns[table.layout.symbol]
    usable = np.flatnonzero(rows.is_bar & ~problems.bad)
    sorted_rows = []
    for name, its_rows in rows_by_symbol(symbol_column, usable, problems):
        sorted_rows.append((name or symbol, *in_order(rows.bars, its_rows, table.places, problems)))
    problems.refuse()
    if not len(usable):
        raise ImportRefused("The file has no row with prices.")
    notes = (*table.notes, *times.notes, *columns.notes, *rows.notes)
    found = []
    for name, its_rows, its_notes in sorted_rows:
        bars = Bars(*(getattr(rows.bars, column)[its_rows] for column in COLUMNS))
        if rows.adjusted_close is not None:
            bars = adjust(bars, rows.adjusted_close[its_rows])
        place = _place(table, its_rows)
        _check(bars, place)
        is_adjusted = adjusted or rows.adjusted_close is not None
        found.append(FileSeries(name, bars, is_adjusted, (*notes, *its_notes), place, table.source))
    return found


def _place(table: Table, rows: NDArray[np.int64]) -> Callable[[int], str]:
    return lambda row: table.places(int(rows[row]))


def _check(bars: Bars, place: Callable[[int], str]) -> None:
    """What the core requires of bars, after the adjustment too. Raises ImportRefused."""
    try:
        validate(bars)
    except InvalidBars as error:
        # The core counts rows from 0; the message names the line of the file.
        message = re.sub(r"^Row (\d+)", lambda row: place(int(row[1])), str(error))
        raise ImportRefused(f"{message} {ADVICE}") from error
