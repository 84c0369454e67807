"""Merging new bars into stored ones."""

from dataclasses import dataclass

import numpy as np

from tradedesk.core.bars import COLUMNS, Bars, Times


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """bars: stored and new bars sorted by time; a new bar replaces a stored one of the same time. added: the
    number of new times. changed: the times at which stored and new bars differ."""

    bars: Bars
    added: int
    changed: Times


def merge_bars(stored: Bars, new: Bars) -> Merged:
    """Stored and new bars as one series. Both must be sorted by time, without duplicates."""
    common, in_stored, in_new = np.intersect1d(stored.time, new.time, assume_unique=True, return_indices=True)
    differs = np.zeros(len(common), dtype=bool)
    for name in COLUMNS[1:]:
        differs |= getattr(stored, name)[in_stored] != getattr(new, name)[in_new]
    kept = np.ones(len(stored), dtype=bool)
    kept[in_stored] = False
    columns = [np.concatenate((getattr(stored, name)[kept], getattr(new, name))) for name in COLUMNS]
    order = np.argsort(columns[0], kind="stable")
    return Merged(
        bars=Bars(*(column[order] for column in columns)),
        added=len(new) - len(common),
        changed=common[differs],
    )
