"""Signal strength from 0 to 1, which is compared with the signal threshold."""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

# Equal to the default signal threshold, so that every graded signal passes it.
LOWEST = 0.6


def full_strength(side: NDArray[np.int8]) -> Floats:
    """1.0 (n,) wherever there is a signal: for a rule that is either met or not."""
    return np.abs(side).astype(np.float64)


def graded_strength(depth: Floats) -> Floats:
    """From 0.6 at depth 0 to 1.0 at depth 1 (n,): for a rule that measures how far a level was exceeded."""
    return LOWEST + (1.0 - LOWEST) * np.clip(depth, 0.0, 1.0)
