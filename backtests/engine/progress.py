"""A progress: how far a long run is, read by one thread and stopped by it while another one runs the kernel."""

import numpy as np

from backtests.engine.kernel import DONE, STOP


class Stopped(Exception):
    """A run ended early because its progress was asked to stop."""


class Progress:
    """Of one run. rows: how many there are, 0 until the run knows; done: how many are behind it."""

    def __init__(self) -> None:
        self.rows = 0
        self.cells = np.zeros(2, np.int64)

    @property
    def done(self) -> int:
        return int(self.cells[DONE])

    def stop(self) -> None:
        """Ask the run to end. It raises Stopped within a few thousand rows, unless it is past the last ones."""
        self.cells[STOP] = 1
