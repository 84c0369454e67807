"""How often noise and skill pass each line of the evidence: `python -m bench.evidence_calibration --seed 1`.

A market is five years of daily prices with fat-tailed steps. Noise has no drift. Skill is planted as a drift that
changes its sign after 30 to 119 sessions, so large that the best combination of the search has the given true
Sharpe ratio. There are no costs, so that noise has none to pay. docs/decisions/0015-calibrated-evidence.md has the
table.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from itertools import chain

import numpy as np

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.research.optimizer.grid import Combination, Grid
from backtests.research.optimizer.holdout import search_sessions
from backtests.research.optimizer.sampling import random_batch
from backtests.research.optimizer.sweep import sweep_trials
from backtests.research.robustness.report import (
    HoldoutStatus,
    Report,
    SearchContext,
    Selection,
    build_report,
    checks_report,
    search_context_of,
)
from backtests.research.robustness.scorecard import Line, Rating, lines, overall_line
from backtests.research.robustness.trials import Trials, trial_of
from backtests.research.robustness.tried import Tried
from backtests.research.robustness.walk_forward import HOLDOUT
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.core.bars import Bars
from tradedesk.core.rules import Costs, RiskRules

MARKETS, SESSIONS, VOLATILITY = 200, 1260, 0.012
SAMPLE = 80  # combinations compared by walk-forward and overfitting
# The daily drift by the true Sharpe ratio of the best combination, measured over 150 markets; 0 is noise.
DRIFTS = {0.0: 0.0, 1.0: 0.0024, 1.5: 0.0031, 2.0: 0.0038}
SHORTEST, LONGEST = 30, 120  # sessions between two changes of the drift
RANGES = {name: param.search for name, param in SmaCrossover.params().items()}
# Chosen without a search; it is near the best combination of the markets with skill.
ALONE = SmaCrossover(fast=5, slow=26)
RULES = RiskRules(position_size_pct=0.95, max_positions=1, signal_threshold=0.0)
Rates = dict[str, dict[Rating, float]]
RATED = (Rating.PASS, Rating.CAUTION, Rating.FAIL)
ROW, CELL = "{:<18}", "{:>8}{:>6}{:>6}{:>6}"


def market(seed: int, number: int, drift: float, sessions: int = SESSIONS) -> Bars:
    """Student's t with 5 degrees of freedom for the daily returns."""
    random = np.random.default_rng([seed, number])
    steps = random.standard_t(5, sessions) * VOLATILITY / np.sqrt(5 / 3)
    lengths = random.integers(SHORTEST, LONGEST, sessions // SHORTEST + 1)
    signs = np.where(np.arange(len(lengths)) % 2, -1.0, 1.0)
    close = 50.0 * np.cumprod(1.0 + np.maximum(steps + drift * np.repeat(signs, lengths)[:sessions], -0.5))
    opened = np.concatenate(([50.0], close[:-1]))
    time = np.datetime64("2000-01-03T05:00", "us") + np.arange(sessions) * np.timedelta64(1, "D")
    return Bars(time, opened, np.maximum(opened, close), np.minimum(opened, close), close, np.full(sessions, 1e6))


def scenario_on(bars: Bars) -> Scenario:
    return prepare_scenario({"MARKET": bars}, capital=100_000, rules=RULES, costs=Costs())


def lines_of_the_best(bars: Bars, combinations: list[Combination], context: SearchContext) -> list[Line]:
    """The lines of the best combination of a search of all of these on the sessions before the holdout."""
    searched = scenario_on(bars[: search_sessions(len(bars), HOLDOUT)])
    figures, trials = sweep_trials(searched, SmaCrossover, combinations)
    kind = SmaCrossover(**combinations[int(np.nanargmax(figures["sharpe"]))])
    return _lines(bars, kind, context, trials, Selection(HoldoutStatus.NOT_USED))


def lines_alone(bars: Bars, context: SearchContext) -> list[Line]:
    """The lines of one backtest without a search."""
    scenario = scenario_on(bars)
    return _lines(bars, ALONE, context, trial_of(scenario, scenario.simulate(ALONE)), Selection())


def _lines(
    bars: Bars, kind: SmaCrossover, context: SearchContext, trials: Trials, selection: Selection
) -> list[Line]:
    report = build_report(scenario_on(bars), kind, RANGES, context, selection, checks=checks_of_the_kind())
    shown = lines(report, Tried(number=len(np.unique(trials.hashes)), maxima=trials.maxima))
    return [*shown, overall_line(report, shown)]


def context_of(bars: Bars) -> SearchContext:
    return search_context_of(scenario_on(bars), ALONE, RANGES, SAMPLE)


@cache
def checks_of_the_kind() -> Report:
    """Made once: they are slow, and no market makes a difference to them."""
    return checks_report(scenario_on(market(0, 0, 0.0)), ALONE)


@cache
def all_combinations() -> list[Combination]:
    grid = Grid.of(SmaCrossover, RANGES, {})
    return [combination for _, combination in random_batch(SmaCrossover, grid, 7, 0, grid.size, grid.size)]


def lines_on(seed: int, drift: float, number: int) -> tuple[list[Line], list[Line]]:
    """Of the best of a search and of one backtest, on one market."""
    bars = market(seed, number, drift)
    context = context_of(bars)
    return lines_of_the_best(bars, all_combinations(), context), lines_alone(bars, context)


def rates(found: Sequence[list[Line]]) -> Rates:
    """By label and rating: the percent of the markets."""
    counted = Counter((line.label, line.rating) for line in chain.from_iterable(found))
    return {
        line.label: {rating: 100.0 * counted[line.label, rating] / len(found) for rating in Rating}
        for line in found[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markets", type=int, default=MARKETS)
    chosen = parser.parse_args()
    results: dict[str, list[Rates]] = {"Best of a search": [], "One backtest": []}
    with ProcessPoolExecutor() as pool:
        for drift in DRIFTS.values():
            # Planted skill needs fewer markets: its rates only show what is possible.
            count = chosen.markets if not drift else max(chosen.markets // 4, 1)
            pairs = list(pool.map(partial(lines_on, chosen.seed, drift), range(count)))
            for title, shown in zip(results, zip(*pairs, strict=True), strict=True):
                results[title].append(rates(shown))
    sys.stdout.write(
        f"\nPercent of {chosen.markets} markets of noise and {max(chosen.markets // 4, 1)} with skill, seed "
        f"{chosen.seed}: pass (P), caution (C), fail (F); the rest has no rating\n"
    )
    for title, found in results.items():
        heads = ["Noise", *(f"SR {sharpe:g}" for sharpe in DRIFTS if sharpe)]
        sys.stdout.write(f"\n{ROW.format(title)}{''.join(CELL.format(head, 'P', 'C', 'F') for head in heads)}\n")
        for label in found[0]:
            cells = "".join(CELL.format("", *(f"{each[label][rating]:.1f}" for rating in RATED)) for each in found)
            sys.stdout.write(f"{ROW.format(label)}{cells}\n")


if __name__ == "__main__":
    main()
