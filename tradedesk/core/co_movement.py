"""How strategies move together: the correlation of their returns. Arrays in, values out."""

from dataclasses import dataclass

import numpy as np

from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD

# Sessions below which a correlation is mostly chance: its standard error is about 1 / sqrt(n).
LEAST_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class Correlation:
    """value: None where a column is constant, or with fewer than LEAST_SESSIONS in common. sessions: in common."""

    value: float | None
    sessions: int


def correlations(returns: Floats) -> list[list[Correlation]]:
    """Pearson's correlation of each pair of columns, over the rows that both have.

    returns (n, k): NaN in the rows in which a column was not there yet, or no more.
    """
    count = returns.shape[1]
    table = [[Correlation(None, 0)] * count for _ in range(count)]
    for one in range(count):
        for other in range(one, count):
            table[one][other] = table[other][one] = correlation(returns[:, one], returns[:, other])
    return table


def correlation(one: Floats, other: Floats) -> Correlation:
    both = np.isfinite(one) & np.isfinite(other)
    sessions = int(both.sum())
    if sessions < LEAST_SESSIONS:
        return Correlation(None, sessions)
    first, second = one[both] - one[both].mean(), other[both] - other[both].mean()
    spread = np.sqrt((first**2).sum() * (second**2).sum())
    if spread < NO_SPREAD:
        return Correlation(None, sessions)
    return Correlation(float(np.clip((first * second).sum() / spread, -1.0, 1.0)), sessions)
