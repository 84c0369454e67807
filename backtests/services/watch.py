"""Watching long work: it goes on in a thread of its own, while this one says that it is alive."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

# Seconds between two signs of life, far below the sweep's patience.
BEAT = 1.0
Made = TypeVar("Made")


def watched(work: Callable[[], Made], beat: Callable[[], None], every: float = BEAT) -> Made:
    """What `work` makes; until it is done, `beat` is called every so many seconds.

    The work is pure: it holds no connection to the database, which the beat may use. What one of the two raises is
    raised when the work has ended, so no thread is left behind; a beat that gives up asks the work to stop first.
    """
    with ThreadPoolExecutor(1, "watched") as thread:
        going = thread.submit(work)
        while not wait((going,), every).done:
            beat()
        return going.result()
