"""Made series for the findings: volatile walks with ordinary ranges and volumes, and what is done to them."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata.sessions import daily_times, sessions_between

DAYS = daily_times(sessions_between(date(2010, 1, 4), date(2022, 12, 30)))


def walk(seed: int, count: int = 500, *, daily: float = 0.02, tails: float = 5.0) -> Bars:
    """`count` sessions of a walk with Student's t moves, a third of the variance over night. daily: the standard
    deviation of a day as a fraction."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_t(tails, (2, count)) / np.sqrt(tails / (tails - 2)) * daily
    night, day = moves[0] * np.sqrt(1 / 3), moves[1] * np.sqrt(2 / 3)
    close = np.cumsum(night + day)
    opened = close - day
    wicks = np.abs(rng.standard_normal((2, count))) * daily / 2
    high, low = np.maximum(opened, close) + wicks[0], np.minimum(opened, close) - wicks[1]
    volume = np.round(np.exp(rng.normal(14, 0.5, count)))
    prices = [50 * np.exp(column) for column in (opened, high, low, close)]
    return Bars(DAYS[:count], *[*prices, volume])


def scaled(bars: Bars, rows: slice, factor: float, columns: tuple[str, ...] = COLUMNS[1:5]) -> Bars:
    """The bars with these prices of these rows times `factor`."""
    changed = {name: getattr(bars, name).copy() for name in COLUMNS}
    for name in columns:
        changed[name][rows] *= factor
    return Bars(**changed)


def without(bars: Bars, rows: slice | NDArray[np.bool_]) -> Bars:
    return Bars(*(np.delete(getattr(bars, name), rows) for name in COLUMNS))


def joined(*pieces: Bars) -> Bars:
    return Bars(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in COLUMNS))
