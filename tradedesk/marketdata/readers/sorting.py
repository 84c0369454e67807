"""The bars of each symbol in ascending order, each once."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradedesk.core.bars import COLUMNS, Bars, Times
from tradedesk.marketdata.readers.arrays import integers, text_scalar
from tradedesk.marketdata.readers.problems import Problems
from tradedesk.marketdata.readers.symbol_names import file_symbol
from tradedesk.marketdata.readers.table import Places
from tradedesk.marketdata.refusal import ImportRefused

MAX_SYMBOLS = 2_000
Rows = NDArray[np.int64]


def rows_by_symbol(column: pa.Array | None, rows: Rows, problems: Problems) -> Iterator[tuple[str, Rows]]:
    """The rows (in their order) of each symbol that the column names, symbols in their order of appearance; ""
    without a column."""
    if column is None:
        yield "", rows
        return
    encoded = pc.coalesce(column.cast(pa.string()), text_scalar("")).dictionary_encode()
    if len(encoded.dictionary) > MAX_SYMBOLS:
        raise ImportRefused(f"The file has more than {MAX_SYMBOLS:,} symbols. Import it in parts.")
    names: dict[str, int] = {}
    numbers = np.array(
        [names.setdefault(file_symbol(text), len(names)) for text in encoded.dictionary.to_pylist()]
    )
    of_row = numbers[integers(encoded.indices)[rows]]
    if "" in names:
        missing = np.zeros(len(encoded), dtype=bool)
        missing[rows[of_row == names.pop("")]] = True
        problems.add(missing, lambda _: "the symbol is missing")
    order = np.argsort(of_row, kind="stable")
    for name, number in names.items():
        start, end = np.searchsorted(of_row[order], [number, number + 1])
        if end > start:
            yield name, rows[order[start:end]]


def in_order(bars: Bars, rows: Rows, places: Places, problems: Problems) -> tuple[Rows, tuple[str, ...]]:
    """Of these rows of the file those with a bar of their own, oldest first, and notes on what was done.

    Identical rows count once. Different ones of the same time, and times that neither rise nor fall, are problems.
    """
    notes: tuple[str, ...] = ()
    steps = _steps(bars.time, rows)
    if (steps > 0).all():
        return rows, notes
    sorted_rows = rows[np.argsort(bars.time[rows], kind="stable")]
    again = np.concatenate(([False], bars.time[sorted_rows][1:] == bars.time[sorted_rows][:-1]))
    if again.any():
        first = sorted_rows[np.maximum.accumulate(np.where(again, 0, np.arange(len(rows))))]
        differs = np.zeros(len(rows), dtype=bool)
        for name in COLUMNS[1:]:
            column = getattr(bars, name)
            differs |= column[sorted_rows] != column[first]
        other = dict(zip(sorted_rows[differs].tolist(), first[differs].tolist(), strict=True))
        _add(problems, len(bars), sorted_rows[differs], lambda row: (
            f"{_moment(bars.time, row)} stands in {places(other[row]).lower()} too, with other values"
        ))  # fmt: skip
        rows = np.sort(sorted_rows[~again])
        notes += (f"Identical rows were kept once: {(again & ~differs).sum():,} left out.",)
        steps = _steps(bars.time, rows)
    if (steps > 0).all():
        return rows, notes
    if (steps < 0).all():
        return rows[::-1], (*notes, "The rows were in descending order and were turned round.")
    odd, word = (steps < 0, "earlier") if (steps > 0).sum() >= (steps < 0).sum() else (steps > 0, "later")
    _add(problems, len(bars), rows[1:][odd], lambda row: (
        f"{_moment(bars.time, row)} is {word} than the row before it, "
        f"while most rows {'rise' if word == 'earlier' else 'fall'}; sort the file by time"
    ))  # fmt: skip
    return rows, notes


def _steps(times: Times, rows: Rows) -> NDArray[np.int64]:
    return np.diff(times[rows]).astype(np.int64)


def _moment(times: Times, row: int) -> str:
    return f"{str(times[row])[:16].replace('T', ' ')} UTC"


def _add(problems: Problems, length: int, rows: Rows, describe: Callable[[int], str]) -> None:
    bad = np.zeros(length, dtype=bool)
    bad[rows] = True
    problems.add(bad, describe)
