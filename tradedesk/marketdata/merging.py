"""Putting new bars to those that are there."""

from dataclasses import dataclass

import numpy as np

from tradedesk.core.bars import COLUMNS, Bars, Times


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """bars: both, sorted by time, the new ones where both have a time. changed: the times at which they differ.
    added: how many times are new."""

    bars: Bars
    added: int
    changed: Times


def merge(stored: Bars, new: Bars) -> Merged:
    """Stored and new bars as one series; both sorted by time without duplicates."""
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
