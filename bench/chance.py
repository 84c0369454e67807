"""Calibrates the line of chance: `python -m bench.chance --seed 1`; --runs and --copies make it shorter.

Each run is a search on five years of daily bars without any trend, once as it is, once with one more trial whose
true Sharpe ratio is known, and once after nearly equal copies of one of its rows were tried too.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.research.optimizer.grid import Combination, Grid
from backtests.research.optimizer.sampling import grid_batch
from backtests.research.optimizer.sweep import sweep_trials
from backtests.research.robustness.chance import chance_value, maxima_of
from backtests.research.robustness.deflated_sharpe import Moments, deflated_sharpe, moments, standard_score
from backtests.research.robustness.multipliers import Singles
from backtests.research.robustness.scorecard.chance import PASS_CHANCE
from backtests.research.robustness.trials import Calendar, Trials, weekly_sums_of
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.metrics import SESSIONS_PER_YEAR, session_returns
from tradedesk.core.rules import Costs, RiskRules

CAPITAL, YEARS = 100_000.0, 5
SESSIONS = YEARS * SESSIONS_PER_YEAR
RULES = RiskRules(position_size_pct=0.95, max_positions=1, signal_threshold=0.0)
RANGES = {"fast": (5, 34, 1), "slow": (30, 250, 10)}  # 685 combinations with fast below slow
PLANTED = (1.0, 1.5, 2.0, 2.5)
VOLATILITY = 0.015
JITTER = 1e-3  # of the length of the weekly sums, that is of a copy's distance from its original
AT_ONCE = 10_000
ROW = "| {:<52} | {:>14} | {:>14} |\n"


@dataclass(frozen=True, eq=False)
class Search:
    """A search on a market without a trend. best: of its rows by the Sharpe ratio."""

    scenario: Scenario
    combinations: list[Combination]
    trials: Trials

    @cached_property
    def best(self) -> Moments:
        return _moments(self.returns(int(np.nanargmax(self.trials.sharpe))))

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar.of(self.scenario.sessions.number[self.scenario.sessions.ends])

    def returns(self, row: int) -> Floats:
        equity = self.scenario.simulate(SmaCrossover(**self.combinations[row])).result.equity
        return session_returns(equity[self.scenario.sessions.ends], CAPITAL)

    def copies(self, number: int, generator: np.random.Generator) -> Singles:
        """M (B,) of nearly equal copies of the row with the median Sharpe ratio."""
        (original,), _ = weekly_sums_of(self.returns(self.median_row), self.calendar)
        found = [
            maxima_of(_jittered(original, size, generator), self.calendar.first)
            for size in (min(AT_ONCE, number - begin) for begin in range(0, number, AT_ONCE))
        ]
        maxima: Singles = np.max(found, axis=0)
        return maxima

    @cached_property
    def median_row(self) -> int:
        return int(np.argsort(self.trials.sharpe)[len(self.trials.sharpe) // 2])


def search(generator: np.random.Generator, sessions: int = SESSIONS, every: int = 1) -> Search:
    """every: tests only each n-th combination."""
    scenario = prepare_scenario({"NOISE": noise(generator, sessions)}, capital=CAPITAL, rules=RULES, costs=Costs())
    grid = Grid.of(SmaCrossover, RANGES, {})
    batch = grid_batch(SmaCrossover, grid, 0, grid.size)[::every]
    combinations = [combination for _, combination in batch]
    _, trials = sweep_trials(scenario, SmaCrossover, combinations)
    return Search(scenario, combinations, trials)


def noise(generator: np.random.Generator, sessions: int) -> Bars:
    """Weekdays of a random walk without drift."""
    close = 50.0 * np.exp(np.cumsum(generator.normal(-(VOLATILITY**2) / 2.0, VOLATILITY, sessions)))
    opened = np.concatenate(([50.0], close[:-1]))
    day = np.arange(sessions) // 5 * 7 + np.arange(sessions) % 5
    time = np.datetime64("2005-01-03T05:00", "us") + day * np.timedelta64(1, "D")
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Bars(time, opened, high, low, close, np.full(sessions, 1e6))


def value_of(sample: Moments, *maxima: Singles) -> float:
    return chance_value(standard_score(sample), np.max(maxima, axis=0))


def planted(found: Search, sharpe: float, generator: np.random.Generator) -> tuple[Moments, Singles]:
    """One more trial whose true annual Sharpe ratio is `sharpe`: its moments, and M (B,) of it."""
    length = len(found.scenario.sessions.ends)
    returns = generator.normal(sharpe * SESSIONS_PER_YEAR**-0.5, 1.0, length) * 0.01
    weekly, _ = weekly_sums_of(returns, found.calendar)
    return _moments(returns), maxima_of(weekly, found.calendar.first)


def deflated_passes(found: Search, copies: int) -> bool:
    """Whether the deflated Sharpe ratio reaches the same threshold; the copies count as trials with the median."""
    per_session = found.trials.sharpe[np.isfinite(found.trials.sharpe)] / SESSIONS_PER_YEAR**0.5
    copied = np.append(per_session, np.full(copies, np.median(per_session)))
    return deflated_sharpe(found.best, float(copied.var(ddof=1)), len(copied)) >= PASS_CHANCE


def _moments(returns: Floats) -> Moments:
    found = moments(returns)
    if found is None:
        raise ValueError("The returns have no spread.")
    return found


def _jittered(original: Singles, number: int, generator: np.random.Generator) -> Singles:
    noise = generator.standard_normal((number, len(original)), np.float32) * np.float32(JITTER)
    return original + noise * np.float32(len(original) ** -0.5)


def main(seed: int, runs: int, copies: int) -> None:
    outcomes = list(_outcomes(seed, runs, copies))
    passed = {name: 100.0 * float(np.mean([each[name] for each in outcomes])) for name in outcomes[0]}
    rows = len(search(np.random.default_rng(seed)).combinations)
    sys.stdout.write(f"{runs:,} runs, {YEARS} years of daily bars, {rows:,} combinations, {copies:,} copies\n\n")
    sys.stdout.write(ROW.format("Passes", "chance", "deflated"))
    sys.stdout.write(ROW.format("---", "---:", "---:"))
    for label, ours, theirs in (
        ("the best of a search on noise", "noise", "deflated"),
        ("the same, with the copies", "noise and copies", "deflated and copies"),
        *(
            (f"the best with a true Sharpe ratio of {each:.1f} among it", f"planted {each}", "")
            for each in PLANTED
        ),
    ):
        shown = f"{passed[theirs]:.1f}%" if theirs else ""
        sys.stdout.write(ROW.format(label, f"{passed[ours]:.1f}%", shown))
    rose = sum(each["rose"] for each in outcomes)
    sys.stdout.write(f"\nThe copies raised the value in {rose} of {runs:,} runs.\n")


def _outcomes(seed: int, runs: int, copies: int) -> Iterator[dict[str, bool]]:
    for run in range(runs):
        generator = np.random.default_rng([seed, run])
        found = search(generator)
        before = value_of(found.best, found.trials.maxima)
        after = value_of(found.best, found.trials.maxima, found.copies(copies, generator))
        outcome = {
            "noise": before >= PASS_CHANCE,
            "noise and copies": after >= PASS_CHANCE,
            "rose": after > before,
            "deflated": deflated_passes(found, 0),
            "deflated and copies": deflated_passes(found, copies),
        }
        for sharpe in PLANTED:
            sample, maxima = planted(found, sharpe, generator)
            best = max(sample, found.best, key=lambda each: each.sharpe)
            outcome[f"planted {sharpe}"] = value_of(best, found.trials.maxima, maxima) >= PASS_CHANCE
        yield outcome


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--copies", type=int, default=110_000)
    main(**vars(parser.parse_args()))
