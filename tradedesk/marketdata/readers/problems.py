"""Collecting what is wrong with the rows of a file, so that one message names all of it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tradedesk.marketdata.readers.table import Places
from tradedesk.marketdata.refusal import ImportRefused

SHOWN = 5
ADVICE = "Correct the file and import it again."


class Problems:
    """The bad rows of a file, each with the first thing that was found wrong with it."""

    def __init__(self, places: Places, total: int) -> None:
        self._places, self._total = places, total
        self._bad = np.zeros(len(places.numbers), dtype=bool)
        self._found: list[tuple[NDArray[np.int64], Callable[[int], str]]] = []
        self._misshapen: list[tuple[int, str]] = []

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Which rows are bad so far."""
        return self._bad

    def add(self, rows: NDArray[np.bool_], describe: Callable[[int], str]) -> None:
        """describe(row): what is wrong, as a sentence without its full stop."""
        new = rows & ~self._bad
        if new.any():
            self._bad |= new
            self._found.append((np.flatnonzero(new), describe))

    def add_misshapen(self, rows: tuple[tuple[int, str], ...]) -> None:
        self._misshapen += rows

    def refuse(self, advice: str = ADVICE) -> None:
        """Raise ImportRefused if there are bad rows."""
        count = int(self._bad.sum()) + len(self._misshapen)
        if not count:
            return
        first = [(number, text) for number, text in self._misshapen[:SHOWN]]
        for rows, describe in self._found:
            first += [(int(self._places.numbers[row]), describe(int(row))) for row in rows[:SHOWN]]
        named = " ".join(f"{self._places.at(number)}: {text}." for number, text in sorted(first)[:SHOWN])
        more = f" And {count - SHOWN:,} more." if count > SHOWN else ""
        raise ImportRefused(
            f"{count:,} of {self._total:,} rows {'is' if count == 1 else 'are'} bad. {named}{more} {advice}"
        )
