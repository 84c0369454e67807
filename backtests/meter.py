"""A meter: how far a long run is, read by one thread and stopped by it while another one runs the kernel."""

import numpy as np

DONE, STOP = 0, 1  # the cells that the kernel writes to and reads from
# Rows between two looks at the meter, at most: a few microseconds of work.
EVERY = 4096


class Stopped(Exception):
    """A run ended early because its meter was asked to stop."""


class Meter:
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
