"""Strength: how sure a signal is, 0..1, on the scale that the signal threshold is compared with."""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

# The default signal threshold: the weakest graded signal just passes it.
WEAKEST = 0.6


def certain(side: NDArray[np.int8]) -> Floats:
    """1.0 (n,) wherever there is a signal: for a rule that is met or not."""
    return np.abs(side).astype(np.float64)


def graded(depth: Floats) -> Floats:
    """From 0.6 at depth 0 up to 1.0 at depth 1 (n,): for a rule that can be met by a little or by far."""
    return WEAKEST + (1.0 - WEAKEST) * np.clip(depth, 0.0, 1.0)
