"""Merging new bars into stored ones, and how they differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import COLUMNS, PRICE_COLUMNS, Bars, Floats, Times

# Values that are equal in this many significant digits are the same. Vendors compute adjusted prices again at each
# download, in numbers of seven digits (float32), and no price or volume that matters has a later digit.
SAME_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest difference between stored and new bars of one time, as a fraction of the stored value. column: a
    price, or "volume" when no price differs."""

    time: np.datetime64
    column: str
    stored: float
    new: float

    @property
    def fraction(self) -> float:
        return abs(self.new - self.stored) / self.stored if self.stored else float("inf")

    def __str__(self) -> str:
        size = f"{self.fraction:.2%}" if self.fraction < 10 else f"{self.fraction:,.0f} times"
        return (
            f"by up to {size}: {self.column} {self.stored:,.10g} is now {self.new:,.10g} on {str(self.time)[:10]}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """bars: stored and new bars sorted by time; a new bar replaces a stored one of the same time that differs.
    added: the number of new times. changed: the times at which stored and new bars differ. largest: by how
    much."""

    bars: Bars
    added: int
    changed: Times
    largest: Difference | None = None


def merge_bars(stored: Bars, new: Bars) -> Merged:
    """Stored and new bars as one series. Both must be sorted by time, without duplicates. A new bar whose values
    are those of the stored one in SAME_DIGITS digits leaves it as it is."""
    common, in_stored, in_new = np.intersect1d(stored.time, new.time, assume_unique=True, return_indices=True)
    differs = np.zeros(len(common), dtype=bool)
    for name in COLUMNS[1:]:
        differs |= _differs(getattr(stored, name)[in_stored], getattr(new, name)[in_new])
    kept = np.ones(len(stored), dtype=bool)
    kept[in_stored[differs]] = False
    taken = np.ones(len(new), dtype=bool)
    taken[in_new[~differs]] = False
    columns = [np.concatenate((getattr(stored, name)[kept], getattr(new, name)[taken])) for name in COLUMNS]
    order = np.argsort(columns[0], kind="stable")
    return Merged(
        bars=Bars(*(column[order] for column in columns)),
        added=len(new) - len(common),
        changed=common[differs],
        largest=_largest(stored, new, in_stored[differs], in_new[differs]),
    )


def _differs(stored: Floats, new: Floats) -> NDArray[np.bool_]:
    """Where two values differ by a unit of their last significant digit that counts, or more."""
    larger = np.maximum(np.abs(stored), np.abs(new))
    unit = 10.0 ** (np.floor(np.log10(np.where(larger > 0.0, larger, 1.0))) - (SAME_DIGITS - 1))
    # The rounding of the subtraction must not hide a whole unit.
    return np.asarray((stored != new) & (np.abs(stored - new) >= unit * (1.0 - 1e-6)))


def _largest(stored: Bars, new: Bars, in_stored: NDArray[np.intp], in_new: NDArray[np.intp]) -> Difference | None:
    """The largest difference in a price; in the volume where no price differs. None without rows."""
    found: list[tuple[bool, float, Difference]] = []
    for name in COLUMNS[1:] if len(in_stored) else ():
        before, after = getattr(stored, name)[in_stored], getattr(new, name)[in_new]
        larger = np.maximum(before, after)
        parts = np.abs(after - before) / np.where(larger > 0.0, larger, 1.0)
        row = int(parts.argmax())
        if _differs(before[row : row + 1], after[row : row + 1])[0]:
            largest = Difference(stored.time[in_stored[row]], name, float(before[row]), float(after[row]))
            found.append((name in PRICE_COLUMNS, float(parts[row]), largest))
    return max(found, key=lambda each: each[:2])[2] if found else None
