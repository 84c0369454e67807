"""Measures the robustness report of the best result of a search: `python -m bench.evidence`."""

import sys
from statistics import median
from time import perf_counter

from backtests.engine.simulation import prepare_scenario
from backtests.research.robustness.report import SEARCH_SAMPLE, build_report, search_context_of
from bench.desk import COSTS, RULES
from bench.task import CAPITAL, SYMBOL, daily
from strategies.kinds.sma_crossover import SmaCrossover

REPEATS = 5
KIND = SmaCrossover(fast=10, slow=60)
RANGES = {"fast": (2, 51, 1), "slow": (52, 151, 1)}  # of which SEARCH_SAMPLE combinations are sampled
ROW = "{:<62}{:>10}\n"


def main() -> None:
    scenario = prepare_scenario({SYMBOL: daily()}, capital=CAPITAL, rules=RULES, costs=COSTS)
    shared, own = [], []
    for _ in range(REPEATS + 1):
        started = perf_counter()
        search_context = search_context_of(scenario, KIND, RANGES, SEARCH_SAMPLE)
        shared.append(perf_counter() - started)
        started = perf_counter()
        build_report(scenario, KIND, RANGES, search_context)
        own.append(perf_counter() - started)
    sys.stdout.write(
        f"\nThe robustness report of a result, with a sample of {SEARCH_SAMPLE:,} combinations of its search\n\n"
    )
    for label, seconds in (
        ("once for a search: overfitting (CSCV) and walk-forward", shared),
        ("for each result: moments, bootstrap, neighbours, costs, checks", own),
    ):
        sys.stdout.write(ROW.format(label, f"{median(seconds[1:]):,.2f} s"))
    sys.stdout.write(ROW.format("both", f"{median(map(sum, zip(shared[1:], own[1:], strict=True))):,.2f} s"))


if __name__ == "__main__":
    main()
