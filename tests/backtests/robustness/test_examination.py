"""What is found of a kind on prices whose truth is known."""

import json
from collections.abc import Mapping

import numpy as np
import pytest

from backtests.optimizer.grid import Range
from backtests.robustness.examination import MOST_POINTS, Findings, examine, relatives_of
from backtests.robustness.panel import Mark, lines
from backtests.simulation import Scenario, prepare
from strategies.kinds.base import Kind
from strategies.kinds.bollinger_reversion import BollingerReversion
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.robustness.walks import trends, walk
from tradedesk.core.bars import Bars
from tradedesk.core.metrics import calendar_days
from tradedesk.core.rules import Costs, RiskRules

RULES = RiskRules(position_size_pct=0.95, max_positions=1, signal_threshold=0.0)
RANGES = {"fast": (5, 30, 5), "slow": (20, 60, 10)}


def scenario_on(bars: Bars, costs: Costs | None = None) -> Scenario:
    return prepare({"MADE": bars}, capital=100_000, rules=RULES, costs=costs or Costs(slippage_bps=2))


def findings(kind: Kind, scenario: Scenario, ranges: Mapping[str, Range]) -> Findings:
    return examine(scenario, kind, ranges, relatives_of(scenario, kind, ranges))


@pytest.fixture(scope="module")
def found() -> Findings:
    return findings(SmaCrossover(fast=10, slow=30), scenario_on(trends(1)), RANGES)


def test_a_planted_edge_is_green_wherever_it_is_looked_at(found: Findings) -> None:
    marks = {line.key: line.mark for line in lines(found, 26, None)}
    assert {key for key, mark in marks.items() if mark is not Mark.GOOD} <= {"money", "trades"}


def test_findings_are_json_and_the_same_twice(found: Findings) -> None:
    again = findings(SmaCrossover(fast=10, slow=30), scenario_on(trends(1)), RANGES)
    assert json.dumps(found, allow_nan=False) == json.dumps(again, allow_nan=False)


def test_the_family_is_the_grid_without_what_the_kind_refuses(found: Findings) -> None:
    assert found["family"] == found["overfitting"]["columns"] == 26  # 6 x 5, less 20/20, 25/20, 30/20 and 30/30


def test_twice_the_costs_cost_more_and_the_figures_are_those_of_the_run(found: Findings) -> None:
    scenario = scenario_on(trends(1))
    done = scenario.simulate(SmaCrossover(fast=10, slow=30))
    assert found["total_return"] == done.metrics.total_return
    assert found["trades"] == done.metrics.trades
    twice = scenario_on(trends(1), Costs(slippage_bps=4)).simulate(SmaCrossover(fast=10, slow=30))
    assert found["costs"] == {"total_return": twice.metrics.total_return, "assumed": False}
    assert found["costs"]["total_return"] < found["total_return"]


def test_the_folds_say_from_which_day_to_which_they_were_traded(found: Findings) -> None:
    folds = found["walk_forward"]["folds"]
    assert len(folds) == 8
    assert folds[0]["from"] < folds[0]["to"] < folds[1]["from"]
    assert folds[-1]["to"] == str(trends(1).time[-1])[:10]
    equity = found["walk_forward"]["equity"]
    assert len(equity) == MOST_POINTS
    assert equity[0] == 1.0


def test_trades_are_drawn_as_what_they_did_to_the_equity(found: Findings) -> None:
    result = scenario_on(trends(1)).simulate(SmaCrossover(fast=10, slow=30)).result
    months = calendar_days(result.time) / 30.4375
    assert found["money"]["trades_per_month"] == pytest.approx(len(result.closed) / months)
    assert sum(found["money"]["months"]["counts"]) == found["money"]["draws"] == 10_000
    assert sum(found["money"]["drawdowns"]["counts"]) == 10_000


def test_neighbours_stand_one_step_around_and_it_is_not_its_own(found: Findings) -> None:
    around = [each["parameters"] for each in found["neighbours"]["around"]]
    assert {(each["fast"], each["slow"]) for each in around} == {
        (fast, slow) for fast in (5, 10, 15) for slow in (20, 30, 40)
    } - {(10, 30)}
    sharpes = [each["sharpe"] for each in found["neighbours"]["around"]]
    assert found["neighbours"]["median"] == np.median(sharpes)


def test_a_value_of_many_decimals_has_neighbours_too() -> None:
    name = next(name for name, param in BollingerReversion.params().items() if isinstance(param.default, float))
    kind = BollingerReversion(**{name: 2.0123456789123})
    near = findings(kind, scenario_on(walk(3)), {name: (1.0, 3.5, 0.25)})["neighbours"]
    assert [each["parameters"][name] for each in near["around"]] == [1.7623456789, 2.2623456789]


def test_buy_and_hold_has_nothing_to_search() -> None:
    held = findings(BuyAndHold(), scenario_on(walk(5)), {})
    assert (held["family"], held["overfitting"], held["walk_forward"], held["neighbours"]) == (0, None, None, None)
    none = {line.key for line in lines(held, 1, None) if line.mark is Mark.NONE}
    assert none == {"overfitting", "walk_forward", "neighbours"}


@pytest.mark.parametrize("bars", [1, 5, 30, 40])
def test_a_period_too_short_to_judge_says_so_and_does_not_fail(bars: int) -> None:
    found = findings(SmaCrossover(fast=10, slow=30), scenario_on(walk(5, bars)), RANGES)
    marks = {line.key: line.mark for line in lines(found, 1, None)}
    assert marks["trades"] is Mark.BAD
    assert Mark.NONE in (marks["luck"], marks["money"])
    json.dumps(found, allow_nan=False)


def test_prices_that_never_move_are_no_evidence() -> None:
    flat = walk(1)
    price = np.full(len(flat), 50.0)
    still = Bars(flat.time, price, price, price, price, flat.volume)
    found = findings(SmaCrossover(fast=10, slow=30), scenario_on(still), RANGES)
    assert found["moments"] is None
    assert {line.key: line.mark for line in lines(found, 9, None)}["luck"] is Mark.NONE
