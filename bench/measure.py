"""Measures one engine at one task in its own process: `python -m bench.measure ENGINE TASK COMBINATIONS`.

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
SHORTEST = 0.1  # seconds; a faster task is repeated for this long, and the time is divided by the number of runs


def main(engine: str, task: str, combinations: int) -> dict[str, float]:
    run = getattr(import_module(f"bench.{engine}"), task)
    if task == "sweep":
        run = partial(run, sampled_pairs(combinations))
    outcome = run()
    started = perf_counter()
    run()
    number = max(1, round(SHORTEST / (perf_counter() - started)))
    timings = []
    for _ in range(REPEATS):
        gc.collect()  # so that no timing includes the garbage of the one before
        started = perf_counter()
        for _ in range(number):
            run()
        timings.append((perf_counter() - started) / number)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": median(timings), "megabytes": memory, **vars(outcome)}


def sampled_pairs(combinations: int) -> tuple[Pair, ...]:
    """All pairs, or evenly spaced ones. The step is 1 + the number of slow averages, so that both vary."""
    return SWEEP if combinations >= len(SWEEP) else SWEEP[:: len(SWEEP) // combinations + 1]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))) + "\n")
