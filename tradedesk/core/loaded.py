"""What a process has loaded stays until its end, and is no garbage to look for."""

import gc


def keep_loaded() -> None:
    """Leave what is loaded so far out of garbage collection: looking through it took 100 ms, during every eighth
    page."""
    gc.collect()
    gc.freeze()
