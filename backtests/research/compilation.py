"""Compilation: runs every compiled function once on synthetic bars, which puts its code into the cache on disk."""

import numpy as np

from backtests.engine.simulation import prepare_scenario
from backtests.research.optimizer.sweep import returns_of, sweep_trials
from backtests.research.robustness.trials import trial_of
from strategies.kinds import kinds
from tradedesk.core.bars import Bars, read_only
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.true_range import average_true_range

BARS = 300


def compile_all() -> None:
    """Simulate and sweep every built-in kind. A trader's plugin may raise, and is not in this cache."""
    scenario = prepare_scenario(
        {"SYNTHETIC": _synthetic_bars()}, capital=100_000.0, rules=RiskRules(), costs=Costs()
    )
    average_true_range(*(read_only(np.ones(BARS)) for _ in range(3)))
    for kind in kinds().values():
        if not kind.__module__.startswith("strategies.kinds."):
            continue
        trial_of(scenario, scenario.simulate(kind()))
        sweep_trials(scenario, kind, [{}])
        returns_of(scenario, kind, [{}])


def _synthetic_bars() -> Bars:
    time = np.datetime64("2012-01-03T05:00", "us") + np.arange(BARS) * np.timedelta64(1, "D")
    close = 100.0 + 10.0 * np.sin(np.arange(BARS) / 5.0)
    columns = (time, close, close + 1.0, close - 1.0, close, np.full(BARS, 1e6))
    return Bars(*map(read_only, columns))  # stored bars are read-only too
