"""The task: what every engine in the comparison has to do, by the same rules.

Long only. The fast average crossing above the slow one buys at the next open, for 95% of the equity in whole
shares; crossing below sells at the next open. 0.05% commission on both sides. The desk sizes at the signal's
close, the other two at the fill: their trades are the same ones, of slightly different size.
"""

from dataclasses import dataclass
from itertools import product

SYMBOL = "AAPL"
CAPITAL = 100_000.0
PART = 0.95
COMMISSION = 0.0005

ONE = ((10, 30),)
SWEEP = tuple(product(range(2, 52), range(52, 152)))


@dataclass(frozen=True)
class Outcome:
    """What an engine says of its last combination, so that the table shows that all of them did the same work."""

    trades: int
    final_equity: float
