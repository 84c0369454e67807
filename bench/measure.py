"""Measures one engine at one task in a process of its own: `python -m bench.measure ENGINE TASK COMBINATIONS`.

Prints one line of JSON: the median of five timings after a warm-up, in seconds, and the peak memory of the
process in megabytes.
"""

import gc
import json
import resource
import sys
from functools import partial
from importlib import import_module
from statistics import median
from time import perf_counter

from bench.task import SWEEP, Pair

REPEATS = 5
SHORTEST = 0.1  # seconds; a quicker task is repeated until it takes that long, and divided


def main(engine: str, task: str, combinations: int) -> dict[str, float]:
    run = getattr(import_module(f"bench.{engine}"), task)
    if task == "sweep":
        run = partial(run, some_of_the_sweep(combinations))
    outcome = run()
    started = perf_counter()
    run()
    number = max(1, round(SHORTEST / (perf_counter() - started)))
    timings = []
    for _ in range(REPEATS):
        gc.collect()  # what the last timing has left is not this one's
        started = perf_counter()
        for _ in range(number):
            run()
        timings.append((perf_counter() - started) / number)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": median(timings), "megabytes": memory, **vars(outcome)}


def some_of_the_sweep(combinations: int) -> tuple[Pair, ...]:
    """All of it, or every so many: a step of one more than the slow windows meets all kinds of pairs."""
    return SWEEP if combinations >= len(SWEEP) else SWEEP[:: len(SWEEP) // combinations + 1]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))) + "\n")
