"""The robustness report of a kind on prices with and without an edge."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.research.optimizer.grid import Range
from backtests.research.optimizer.objectives import Objective
from backtests.research.robustness import report as report_module
from backtests.research.robustness.multipliers import DRAWS
from backtests.research.robustness.report import (
    MAX_POINTS,
    HoldoutStatus,
    Report,
    SearchContext,
    Selection,
    build_report,
    search_context_of,
)
from backtests.research.robustness.scorecard import Rating, lines
from backtests.research.robustness.tried import Tried
from strategies.kinds.base import Kind
from strategies.kinds.bollinger_reversion import BollingerReversion
from strategies.kinds.buy_and_hold import BuyAndHold
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.research.robustness.walks import trends, walk
from tradedesk.core.bars import Bars
from tradedesk.core.metrics import calendar_days
from tradedesk.core.rules import Costs, RiskRules

RULES = RiskRules(position_size_pct=0.95, max_positions=1, signal_threshold=0.0)
RANGES = {"fast": (5, 30, 5), "slow": (20, 60, 10)}


def scenario_on(bars: Bars, costs: Costs | None = None) -> Scenario:
    return prepare_scenario(
        {"SYNTHETIC": bars}, capital=100_000, rules=RULES, costs=costs or Costs(slippage_bps=2)
    )


def report_of(kind: Kind, scenario: Scenario, ranges: Mapping[str, Range]) -> Report:
    return build_report(scenario, kind, ranges, search_context_of(scenario, kind, ranges))


@pytest.fixture(scope="module")
def found() -> Report:
    return report_of(SmaCrossover(fast=10, slow=30), scenario_on(trends(1)), RANGES)


def ratings(found: Report) -> dict[str, Rating]:
    return {line.key: line.rating for line in lines(found, Tried())}


def test_a_true_edge_passes(found: Report) -> None:
    not_passed = {key for key, rating in ratings(found).items() if rating is not Rating.PASS}
    assert not_passed <= {"monte_carlo", "trades"}


def test_the_report_is_json_and_can_be_reproduced(found: Report) -> None:
    again = report_of(SmaCrossover(fast=10, slow=30), scenario_on(trends(1)), RANGES)
    assert json.dumps(found, allow_nan=False) == json.dumps(again, allow_nan=False)


def test_the_sample_is_the_grid_without_what_the_kind_refuses(found: Report) -> None:
    assert found["sample"] == found["overfitting"]["columns"] == 26  # 6 x 5, less 20/20, 25/20, 30/20 and 30/30


def test_the_figures_are_those_of_the_run_and_of_a_run_at_twice_the_costs(found: Report) -> None:
    scenario = scenario_on(trends(1))
    done = scenario.simulate(SmaCrossover(fast=10, slow=30))
    assert found["total_return"] == done.metrics.total_return
    assert found["trades"] == done.metrics.trades
    doubled = scenario_on(trends(1), Costs(slippage_bps=4)).simulate(SmaCrossover(fast=10, slow=30))
    assert found["costs"] == {"total_return": doubled.metrics.total_return, "assumed": False}
    assert found["costs"]["total_return"] < found["total_return"]


def test_the_folds_have_their_first_and_last_day(found: Report) -> None:
    folds = found["walk_forward"]["folds"]
    assert len(folds) == 8
    assert folds[0]["from"] < folds[0]["to"] < folds[1]["from"]
    assert folds[-1]["to"] == str(trends(1).time[-1])[:10]
    equity = found["walk_forward"]["equity"]
    assert len(equity) == MAX_POINTS
    assert equity[0] == 1.0


def test_the_closed_trades_are_resampled(found: Report) -> None:
    result = scenario_on(trends(1)).simulate(SmaCrossover(fast=10, slow=30)).result
    months = calendar_days(result.time) / 30.4375
    bootstrap = found["monte_carlo"]["bootstrap"]
    assert bootstrap["trades_per_month"] == pytest.approx(len(result.closed) / months)
    assert sum(bootstrap["months"]["counts"]) == bootstrap["draws"] == 10_000
    assert sum(bootstrap["drawdowns"]["counts"]) == 10_000


def test_monte_carlo_is_the_worse_of_the_simulated_and_the_realized_figures(found: Report) -> None:
    done = scenario_on(trends(1)).simulate(SmaCrossover(fast=10, slow=30))
    monte_carlo = found["monte_carlo"]
    assert monte_carlo["realized"]["drawdown"] == done.metrics.max_drawdown
    assert monte_carlo["drawdown"] == max(monte_carlo["bootstrap"]["drawdown"], done.metrics.max_drawdown)
    assert monte_carlo["month"] == min(monte_carlo["bootstrap"]["month"], monte_carlo["realized"]["month"])
    assert monte_carlo["size"] == pytest.approx(0.95, abs=0.01)  # of whole shares, at a fill price with slippage


def test_the_loss_of_an_open_position_counts() -> None:
    """Bought once, fell by 40% and was never sold: there is no closed trade."""
    flat = walk(1, 300)
    price = np.concatenate((np.linspace(50.0, 100.0, 150), np.linspace(100.0, 60.0, 150)))
    fallen = Bars(flat.time, price, price, price, price, flat.volume)
    rules = replace(RULES, stop_loss_pct=0.99)
    scenario = prepare_scenario({"SYNTHETIC": fallen}, capital=100_000, rules=rules, costs=Costs())
    held = report_of(BuyAndHold(), scenario, {})
    assert (held["trades"], held["open"], held["monte_carlo"]["bootstrap"]) == (0, 1, None)
    assert held["monte_carlo"]["drawdown"] == pytest.approx(0.4, abs=0.02)
    assert held["monte_carlo"]["month"] < -0.06
    assert ratings(held)["monte_carlo"] is not Rating.PASS


def test_all_results_of_a_search_have_the_same_context() -> None:
    scenario = scenario_on(walk(3))
    first, second = (
        search_context_of(scenario, SmaCrossover(fast=fast, slow=30), RANGES, 12) for fast in (10, 25)
    )
    assert first == second
    assert first.report["sample"] == 12


def test_neighbours_are_scored_by_the_objective_of_the_search() -> None:
    scenario, kind = scenario_on(trends(1)), SmaCrossover(fast=10, slow=30)
    search_context = search_context_of(scenario, kind, RANGES)
    by_cagr = build_report(scenario, kind, RANGES, search_context, Selection(objective=Objective.CAGR))
    assert by_cagr["neighbours"]["objective"] == "cagr"
    assert by_cagr["neighbours"]["score"] == pytest.approx(scenario.simulate(kind).metrics.cagr)
    weights = {"sharpe": 0.5, "cagr": 0.5}
    weighted = build_report(
        scenario, kind, RANGES, search_context, Selection(objective=Objective.WEIGHTED, weights=weights)
    )
    metrics = scenario.simulate(kind).metrics
    assert metrics.sharpe is not None
    assert metrics.cagr is not None
    score = 0.5 * min(metrics.sharpe, 5.0) + 0.5 * min(metrics.cagr / 0.10, 5.0)
    assert weighted["neighbours"]["score"] == pytest.approx(score)


def test_an_account_that_went_to_zero_has_the_holdout_of_the_whole_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account went to zero after a third of the sessions."""
    scenario = scenario_on(walk(3))
    to_zero = np.append(np.full(332, 0.001), -1.0)
    monkeypatch.setattr(report_module, "session_returns", lambda *_: to_zero)
    found = build_report(
        scenario, SmaCrossover(fast=10, slow=30), {}, search_context_of(scenario, BuyAndHold(), {})
    )
    out_of_sample = found["out_of_sample"]
    assert (out_of_sample["first"], out_of_sample["sessions"], out_of_sample["went_to_zero"]) == (700, 300, True)
    assert ratings(found)["out_of_sample"] is Rating.FAIL


def test_the_first_day_of_the_holdout_is_reported() -> None:
    scenario, kind = scenario_on(walk(3)), SmaCrossover(fast=10, slow=30)
    found = build_report(scenario, kind, {}, SearchContext({}), Selection(HoldoutStatus.NOT_USED, 0.2))
    assert found["out_of_sample"]["from"] == str(walk(3).time[800])[:10]
    assert found["out_of_sample"]["holdout_fraction"] == 0.2
    assert found["out_of_sample"]["holdout_status"] == "not_used"


def test_neighbours_are_one_step_away_and_exclude_the_result(found: Report) -> None:
    neighbours = [each["parameters"] for each in found["neighbours"]["scores"]]
    assert {(each["fast"], each["slow"]) for each in neighbours} == {
        (fast, slow) for fast in (5, 10, 15) for slow in (20, 30, 40)
    } - {(10, 30)}
    sharpes = [each["score"] for each in found["neighbours"]["scores"]]
    assert found["neighbours"]["median"] == np.median(sharpes)


def test_a_value_with_many_decimals_has_neighbours() -> None:
    name = next(name for name, param in BollingerReversion.params().items() if isinstance(param.default, float))
    kind = BollingerReversion(**{name: 2.0123456789123})
    near = report_of(kind, scenario_on(walk(3)), {name: (1.0, 3.5, 0.25)})["neighbours"]
    assert [each["parameters"][name] for each in near["scores"]] == [1.7623456789, 2.2623456789]


def test_buy_and_hold_has_nothing_to_search() -> None:
    held = report_of(BuyAndHold(), scenario_on(walk(5)), {})
    assert (held["sample"], held["overfitting"], held["walk_forward"], held["neighbours"]) == (0, None, None, None)
    assert {key for key, rating in ratings(held).items() if rating is Rating.NONE} == {
        "overfitting",
        "walk_forward",
        "neighbours",
    }


@pytest.mark.parametrize("bars", [1, 5, 30, 40])
def test_a_very_short_period_has_ratings_and_no_error(bars: int) -> None:
    found = report_of(SmaCrossover(fast=10, slow=30), scenario_on(walk(5, bars)), RANGES)
    found_ratings = ratings(found)
    assert found_ratings["trades"] is Rating.FAIL
    assert Rating.NONE in (found_ratings["chance"], found_ratings["monte_carlo"])
    json.dumps(found, allow_nan=False)


def test_no_line_and_no_figure_is_per_year_below_90_days() -> None:
    found = report_of(SmaCrossover(fast=3, slow=8), scenario_on(trends(1, 60)), {"fast": (2, 4, 1)})
    assert (found["per_year"], found["sharpe"], found["holding"]["benchmark"]["sharpe"]) == (None, None, None)
    assert (found["out_of_sample"]["out_of_sample"], found["out_of_sample"]["in_sample"]) == (None, None)
    assert {fold["in_sample"] for fold in found["walk_forward"]["folds"]} == {None}
    shown = {line.key: line.message for line in lines(found, Tried(9, maxima=np.ones(DRAWS, np.float32)))}
    assert not [message for message in shown.values() if re.search(r"Sharpe (ratio of )?[-\d]", message)]
    assert "per session" in shown["neighbours"]


def test_constant_prices_have_no_sharpe_ratio_to_rate() -> None:
    bars = walk(1)
    price = np.full(len(bars), 50.0)
    constant = Bars(bars.time, price, price, price, price, bars.volume)
    found = report_of(SmaCrossover(fast=10, slow=30), scenario_on(constant), RANGES)
    assert found["moments"] is None
    assert ratings(found)["chance"] is Rating.NONE
