"""Are luck, overfitting and walk-forward honest? The best of a search, where the truth is known."""

from typing import Any

import numpy as np
import pytest

from backtests.engine.simulation import prepare
from backtests.research.optimizer.grid import Combination, Grid
from backtests.research.optimizer.sampling import at_random
from backtests.research.optimizer.sweep import returns_of, sweep
from backtests.research.robustness.deflated_sharpe import Moments, moments
from backtests.research.robustness.report import Report, search_context_of
from backtests.research.robustness.scorecard import Line, Rating, lines
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.research.robustness.reports import GOOD
from tests.backtests.research.robustness.walks import trends, walk
from tradedesk.core.bars import Bars
from tradedesk.core.rules import Costs, RiskRules

TRIES, WALKS = 200, 100
# Of how many walks the means are taken, the best of how many was selected, and how many stand for its search.
MARKETS, SELECTED_FROM, SAMPLE = 40, 400, 40
RANGES = {name: param.search for name, param in SmaCrossover.params().items()}
RULES = RiskRules(position_size_pct=0.95, max_positions=1, signal_threshold=0.0)


def search() -> list[Combination]:
    return drawn(TRIES, seed=7)


def drawn(number: int, seed: int) -> list[Combination]:
    grid = Grid.of(SmaCrossover, RANGES, {})
    return [combination for _, combination in at_random(SmaCrossover, grid, seed, 0, number, number)]


def luck_of_the_best(bars: Bars, tried: list[Combination]) -> tuple[Line, Line]:
    """The luck line of the best of a search as the ledger has it, and as if it had been the only try."""
    scenario = prepare({"MADE": bars}, capital=100_000, rules=RULES, costs=Costs())
    found = [moments(column) for column in returns_of(scenario, SmaCrossover, tried).T]
    known = [each for each in found if each is not None]
    assert len(found) == TRIES
    best = max(known, key=lambda each: each.sharpe)
    variance = float(np.var([each.sharpe for each in known], ddof=1))
    return _luck(best, TRIES, variance), _luck(best, 1, None)


def _luck(best: Moments, tries: int, variance: float | None) -> Line:
    shape: dict[str, Any] = {
        "sharpe": best.sharpe,
        "skewness": best.skewness,
        "kurtosis": best.kurtosis,
        "sessions": best.sessions,
    }
    return next(
        line for line in lines(GOOD | {"moments": shape}, tries, variance) if line.key == "deflated_sharpe"
    )


def test_the_best_of_a_search_on_random_walks_is_rarely_called_skill() -> None:
    tried = search()
    marks = [luck_of_the_best(walk(seed), tried) for seed in range(WALKS)]
    green = sum(counted.rating is Rating.PASS for counted, _ in marks)
    fooled = sum(alone.rating is Rating.PASS for _, alone in marks)
    # Measured: 1 of 100. Without the count of tries it would be 30, so the test can fail.
    assert green <= 10, green
    assert fooled > 20, fooled


def relatives_of_the_best(bars: Bars) -> Report:
    scenario = prepare({"MADE": bars}, capital=100_000, rules=RULES, costs=Costs())
    tried = drawn(SELECTED_FROM, seed=3)
    best = int(np.nanargmax(sweep(scenario, SmaCrossover, tried)["sharpe"]))
    return search_context_of(scenario, SmaCrossover(**tried[best]), RANGES, SAMPLE).report


def test_on_random_walks_a_search_is_overfitted_half_of_the_time_and_walks_forward_to_nothing() -> None:
    """Measured: 0.48 and 0.01. With the best put among those that stand for its search: 0.34 and 0.19."""
    found = [relatives_of_the_best(walk(seed)) for seed in range(MARKETS)]
    assert np.mean([each["overfitting"]["probability"] for each in found]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([each["walk_forward"]["sharpe"] for each in found]) == pytest.approx(0.0, abs=0.1)


def test_a_planted_edge_is_called_skill() -> None:
    tried = search()
    assert [luck_of_the_best(trends(seed), tried)[0].rating for seed in range(5)] == [Rating.PASS] * 5
