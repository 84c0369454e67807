"""Against holding: the figures side by side, and the sessions of a benchmark on other days than the result's."""

import numpy as np
import pytest

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.research.robustness.holding import Benchmark, against_holding, own_symbols_held, symbol_held
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.research.robustness.walks import trends, walk
from tradedesk.core.bars import Bars
from tradedesk.core.metrics import measure, session_returns
from tradedesk.core.rules import Costs, RiskRules

RULES = RiskRules(position_size_pct=0.95, max_positions=1, signal_threshold=0.0, stop_loss_pct=0.99)


def scenario_on(bars: Bars) -> Scenario:
    return prepare_scenario({"OWN": bars}, capital=100_000, rules=RULES, costs=Costs(slippage_bps=5))


def test_the_differences_are_those_of_the_session_returns() -> None:
    scenario = scenario_on(trends(1))
    simulation = scenario.simulate(SmaCrossover(fast=10, slow=30))
    returns = session_returns(simulation.result.equity, 100_000.0)
    found = against_holding(returns, simulation.metrics, own_symbols_held(scenario), 100_000.0)
    difference = returns - session_returns(scenario.benchmark.equity, 100_000.0)
    assert found["moments"]["sharpe"] == pytest.approx(difference.mean() / difference.std(ddof=1))
    assert (found["symbols"], found["chosen"]) == (["OWN"], False)
    assert found["benchmark"]["total_return"] == pytest.approx(scenario.benchmark.equity[-1] / 100_000.0 - 1.0)
    assert found["result"]["total_return"] == simulation.metrics.total_return


def test_holding_itself_does_not_differ() -> None:
    scenario = scenario_on(walk(3))
    simulation = scenario.simulate(BuyAndHold())
    returns = session_returns(simulation.result.equity, 100_000.0)
    found = against_holding(returns, simulation.metrics, own_symbols_held(scenario), 100_000.0)
    assert found["moments"] is None
    assert found["result"] == found["benchmark"]
    assert not found["lost"]


def test_a_chosen_symbol_has_the_sessions_of_the_result() -> None:
    """The other symbol begins at session 4, has no bar in session 7, and goes on after the result ends."""
    scenario, other = scenario_on(walk(3, 10)), walk(4, 14)
    kept = np.delete(np.arange(14), [0, 1, 2, 3, 7])
    bars = Bars(other.time[kept], *(column[kept] for column in other.values()))
    held = symbol_held(scenario, "SPY", bars)
    assert (held.symbols, held.chosen, held.equity.shape) == (["SPY"], True, (10,))
    # Bought at the open after the first close, and cash until then.
    assert held.equity[:5].tolist() == [100_000.0] * 5
    assert held.equity[7] == held.equity[6] != held.equity[5]
    shares = (held.equity[9] - held.equity[8]) / (other.close[9] - other.close[8])
    assert shares == pytest.approx(round(shares), abs=1e-6)


@pytest.mark.parametrize(
    ("own", "held", "lost"),
    [
        ([0.01, 0.02, -0.01], [0.02, 0.03, 0.0], True),
        ([0.01, 0.02, 0.01], [0.9, -0.4, 0.01], False),  # the lower return, the higher Sharpe ratio
        ([0.03, -0.02, 0.01], [0.001, 0.002, 0.001], False),  # the higher return
        ([0.0, 0.0, 0.0], [0.02, 0.03, 0.0], True),  # it never traded
        ([0.0, 0.0, 0.0], [-0.02, 0.01, 0.0], False),
    ],
)
def test_a_result_lost_to_holding_on_both_also_over_a_few_days(
    own: list[float], held: list[float], lost: bool
) -> None:
    """Although three days have no Sharpe ratio per year."""
    time = walk(3, 3).time
    curves = [
        np.cumprod([100.0, *(1.0 + each for each in returns)])[1:].astype(np.float64) for returns in (own, held)
    ]
    metrics, benchmark = (measure(time, curve, capital=100.0) for curve in curves)
    found = against_holding(np.array(own), metrics, Benchmark(["HELD"], True, curves[1], benchmark), 100.0)
    assert (found["lost"], found["result"]["sharpe"]) == (lost, None)
