"""Patience: the time that one tick spends on the orders of a broker that answers slowly."""

import time

# Seconds of this process; no rule of trading depends on them. With the time-out of one call it stays near a lease.
PATIENCE = 10.0


class Patience:
    def __init__(self) -> None:
        self._until = time.monotonic() + PATIENCE

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._until
