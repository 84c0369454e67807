"""The progress of a long run: one thread runs the kernel, another one reads how far it is and can stop it."""

import numpy as np

from backtests.engine.kernel import DONE, STOP


class Stopped(Exception):
    """A run that ended early because of Progress.stop()."""


class Progress:
    """The progress of one run. rows: the total, 0 until the run starts; done: the number of finished rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.cells = np.zeros(2, np.int64)

    @property
    def done(self) -> int:
        return int(self.cells[DONE])

    def stop(self) -> None:
        """Stop the run. It raises Stopped within a few thousand rows, unless these were its last ones."""
        self.cells[STOP] = 1
