"""The luck line, tried where the truth is known: on random walks there is nothing to find."""

import numpy as np

from backtests.optimizer.grid import Grid
from backtests.optimizer.sweep import returns_of, sweep
from backtests.robustness.luck import deflated_sharpe, moments
from backtests.robustness.panel import GREEN_LUCK
from backtests.simulation import Scenario, prepare
from strategies.kinds.sma_crossover import SmaCrossover
from tests.strategies.kinds.series import bars_of
from tradedesk.core.bars import Floats
from tradedesk.core.rules import Costs, RiskRules

WALKS, SESSIONS = 100, 1000
RULES = RiskRules(position_size_pct=0.95, stop_loss_pct=0.99, fractional=True)
GRID = Grid.of(SmaCrossover, {"fast": (2, 11, 1), "slow": (15, 110, 5)}, {})


def market(close: Floats) -> Scenario:
    return prepare({"W": bars_of(close)}, capital=1e6, rules=RULES, costs=Costs())


def luck_of_the_best(scenario: Scenario) -> float:
    """The deflated Sharpe ratio of the best of the 200 combinations, as a search would show it."""
    combinations = [GRID.at(number) for number in range(len(GRID))]
    sharpes = sweep(scenario, SmaCrossover, combinations)["sharpe"] / np.sqrt(252)
    best = int(np.nanargmax(sharpes))
    shape = moments(returns_of(scenario, SmaCrossover, [combinations[best]])[:, 0])
    assert shape is not None
    return deflated_sharpe(shape, float(np.nanvar(sharpes, ddof=1)), len(GRID))


def test_the_best_of_200_on_a_random_walk_is_seldom_taken_for_skill() -> None:
    assert len(GRID) == 200
    green = 0
    for seed in range(WALKS):
        steps = np.random.default_rng(seed).normal(0.0, 0.015, SESSIONS)
        green += luck_of_the_best(market(100.0 * np.exp(np.cumsum(steps)))) >= GREEN_LUCK
    assert green <= 10, f"{green} of {WALKS} walks"


def test_a_planted_edge_is_seen() -> None:
    """Long swings up and down: what a crossover lives on."""
    t = np.arange(SESSIONS)
    steps = 0.004 * np.sign(np.sin(2 * np.pi * t / 200)) + np.random.default_rng(0).normal(0, 0.006, SESSIONS)
    assert luck_of_the_best(market(100.0 * np.exp(np.cumsum(steps)))) >= GREEN_LUCK
