"""The ratings of the scorecard at their thresholds, and its messages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.objectives import LABELS, Objective
from backtests.research.robustness.deflated_sharpe import Moments, deflated_sharpe, expected_best
from backtests.research.robustness.scorecard import Line, Rating, counts, lines, rating_summary
from tests.backtests.research.robustness.reports import CHECK, GOOD

KEYS = [
    "deflated_sharpe",
    "out_of_sample",
    "walk_forward",
    "overfitting",
    "neighbours",
    "monte_carlo",
    "costs",
    "trades",
    "checks",
]


def line(
    key: str, report: dict[str, Any], trials: int = 1, variance: float | None = None, others: int = 0
) -> Line:
    return next(each for each in lines(report, trials, variance, others) if each.key == key)


def changed(key: str, **values: Any) -> dict[str, Any]:
    return GOOD | {key: GOOD[key] | values}


def test_a_good_result_passes_in_every_line() -> None:
    shown = lines(GOOD, 1, None)
    assert [each.key for each in shown] == KEYS
    assert {each.rating for each in shown} == {Rating.PASS}
    assert counts(shown) == {"pass": 9, "caution": 0, "fail": 0, "none": 0}
    assert all(each.label and each.message and each.criterion for each in shown)


def test_the_summary_leaves_out_ratings_that_no_line_has() -> None:
    assert rating_summary(lines(GOOD, 1, None)) == "9 pass"
    mixed = GOOD | {"trades": 9, "moments": None}
    assert rating_summary(lines(mixed, 1, None)) == "6 pass, 1 caution, 1 fail"


@pytest.mark.parametrize(
    ("key", "report", "rating"),
    [
        ("out_of_sample", changed("out_of_sample", out_of_sample=0.5), Rating.PASS),
        ("out_of_sample", changed("out_of_sample", out_of_sample=0.49), Rating.CAUTION),
        ("out_of_sample", changed("out_of_sample", out_of_sample=0.0), Rating.FAIL),
        ("out_of_sample", changed("out_of_sample", out_of_sample=None), Rating.NONE),
        ("out_of_sample", GOOD | {"out_of_sample": None}, Rating.NONE),
        ("out_of_sample", changed("out_of_sample", holdout_status="not_used"), Rating.PASS),
        ("out_of_sample", changed("out_of_sample", holdout_status="used_by_search"), Rating.NONE),
        ("out_of_sample", changed("out_of_sample", holdout_status="used_by_ranking"), Rating.NONE),
        ("out_of_sample", changed("out_of_sample", went_to_zero=True), Rating.FAIL),
        ("out_of_sample", changed("out_of_sample", went_to_zero=True, out_of_sample=None), Rating.FAIL),
        ("walk_forward", changed("walk_forward", efficiency=0.5), Rating.PASS),
        ("walk_forward", changed("walk_forward", efficiency=0.49), Rating.CAUTION),
        ("walk_forward", changed("walk_forward", efficiency=None), Rating.CAUTION),
        ("walk_forward", changed("walk_forward", sharpe=-0.1), Rating.FAIL),
        ("walk_forward", changed("walk_forward", sharpe=None), Rating.NONE),
        ("overfitting", changed("overfitting", probability=0.199), Rating.PASS),
        ("overfitting", changed("overfitting", probability=0.2), Rating.CAUTION),
        ("overfitting", changed("overfitting", probability=0.5), Rating.FAIL),
        ("neighbours", changed("neighbours", median=0.8), Rating.PASS),
        ("neighbours", changed("neighbours", median=0.79), Rating.CAUTION),
        ("neighbours", changed("neighbours", median=0.0), Rating.FAIL),
        ("neighbours", changed("neighbours", median=None), Rating.NONE),
        ("neighbours", changed("neighbours", objective="profit_factor", median=1.3), Rating.PASS),
        ("neighbours", changed("neighbours", objective="profit_factor", median=1.29), Rating.CAUTION),
        ("neighbours", changed("neighbours", objective="profit_factor", median=1.0), Rating.FAIL),
        ("monte_carlo", changed("monte_carlo", month=-0.06), Rating.CAUTION),
        ("monte_carlo", changed("monte_carlo", drawdown=0.41), Rating.FAIL),
        ("monte_carlo", GOOD | {"monte_carlo": None}, Rating.NONE),
        ("monte_carlo", GOOD | {"trades": 10}, Rating.PASS),
        ("monte_carlo", GOOD | {"trades": 9}, Rating.CAUTION),
        ("monte_carlo", changed("monte_carlo", drawdown=0.41) | {"trades": 9}, Rating.FAIL),
        ("costs", changed("costs", total_return=0.0) | {"trades": 0}, Rating.NONE),
        ("costs", changed("costs", total_return=0.0) | {"trades": 0, "open": 1}, Rating.FAIL),
        ("costs", changed("costs", total_return=0.0), Rating.FAIL),
        ("trades", GOOD | {"trades": 30}, Rating.PASS),
        ("trades", GOOD | {"trades": 29}, Rating.CAUTION),
        ("trades", GOOD | {"trades": 10}, Rating.CAUTION),
        ("trades", GOOD | {"trades": 9}, Rating.FAIL),
        ("deflated_sharpe", GOOD | {"moments": None}, Rating.NONE),
        ("checks", changed("checks", warmup=CHECK | {"passed": False, "tried": False}), Rating.CAUTION),
        ("checks", changed("checks", warmup=CHECK | {"passed": False}), Rating.FAIL),
    ],
)
def test_a_rating_changes_at_its_threshold(key: str, report: dict[str, Any], rating: Rating) -> None:
    assert line(key, report).rating is rating


@pytest.mark.parametrize("key", ["overfitting", "walk_forward", "neighbours"])
def test_a_kind_without_parameters_has_no_rating(key: str) -> None:
    report = GOOD | {"sample": 0, "overfitting": None, "walk_forward": None, "neighbours": None}
    assert line(key, report).rating is Rating.NONE


@pytest.mark.parametrize("holdout_status", ["no_search", "not_used"])
@pytest.mark.parametrize("others", [1, 25])
def test_a_holdout_that_other_trials_used_is_at_most_a_caution(holdout_status: str, others: int) -> None:
    report = changed("out_of_sample", holdout_status=holdout_status)
    assert line("out_of_sample", report).rating is Rating.PASS
    assert line("out_of_sample", report, others=others).rating is Rating.CAUTION
    loss = changed("out_of_sample", holdout_status=holdout_status, out_of_sample=-0.1)
    assert line("out_of_sample", loss, others=others).rating is Rating.FAIL


def test_a_search_without_a_figure_has_a_reason_for_it() -> None:
    nothing = GOOD | {"walk_forward": None, "overfitting": None}
    reports = {
        "too few sessions": nothing,
        "none traded": nothing | {"informative": 0},
        "all equal": nothing | {"informative": 1},
        "no parameters": nothing | {"sample": 0},
    }
    found = [line("overfitting", report) for report in reports.values()]
    assert {each.rating for each in found} == {Rating.NONE}
    assert len({each.message for each in found}) == len(reports)


def test_the_score_of_the_neighbours_is_that_of_the_objective() -> None:
    assert line("neighbours", GOOD).value == 1.4
    assert LABELS[Objective.SHARPE] in line("neighbours", GOOD).message
    by_cagr = changed("neighbours", objective="cagr", median=0.08, score=0.121)
    assert line("neighbours", by_cagr).value == 0.08
    assert LABELS[Objective.CAGR] in line("neighbours", by_cagr).message


def test_a_failed_check_has_the_message_of_the_check() -> None:
    failed = CHECK | {"passed": False, "message": "Bar 812 (2003-04-01 00:00): later bars changed the decision."}
    assert line("checks", changed("checks", look_ahead=failed)).message == failed["message"]


def test_the_messages() -> None:
    """The text of all lines, once; other tests assert ratings and figures."""
    cases = {
        "deflated_sharpe": (
            "90% probability of a true Sharpe ratio above zero, as the best of 50 trials. "
            "The best of 50 trials without skill would have about 1.02."
        ),
        "out_of_sample": (
            "Sharpe 0.90 in the last 30%, 1.00 before it; its search did not use the holdout period; "
            "2 other trials used the holdout period."
        ),
        "walk_forward": "Sharpe 1.00 over 8 joined folds, efficiency 80%.",
        "neighbours": "Sharpe ratio: median of 8 neighbours 1.40, this combination 1.60.",
        "monte_carlo": "Bad month -2.0%, bad drawdown -10.0%, including open positions.",
        "costs": "Return over the whole period: +70.0% at twice the costs, +80.0% at its own costs.",
        "trades": "60 closed trades.",
        "checks": "No look-ahead and enough warm-up on 1,500 bars.",
    }
    report = changed("out_of_sample", holdout_status="not_used")
    found = {each.key: each.message for each in lines(report, 50, None, others=2)}
    assert {key: found[key] for key in cases} == cases


def test_the_value_is_the_deflated_sharpe_ratio_of_all_trials() -> None:
    moments = Moments(**GOOD["moments"])
    found = line("deflated_sharpe", GOOD, 12_431, 0.0004)
    assert found.value == deflated_sharpe(moments, 0.0004, 12_431)
    assert "12,431" in found.message
    assert f"{expected_best(0.0004, 12_431) * 252**0.5:.2f}" in found.message


@pytest.mark.parametrize(("sharpe", "shown"), [(0.5, "Over 99%"), (-0.5, "Under 1%"), (0.0, "50%")])
def test_a_probability_is_never_shown_as_certain(sharpe: float, shown: str) -> None:
    report = changed("moments", sharpe=sharpe)
    assert line("deflated_sharpe", report).message.startswith(f"{shown} ")


def test_without_a_known_variance_trials_vary_like_strategies_without_skill() -> None:
    moments = Moments(**GOOD["moments"])
    assert line("deflated_sharpe", GOOD, 50, None).value == deflated_sharpe(moments, 1 / 1250, 50)


@given(st.integers(1, 10**9), st.floats(0.0, 0.1) | st.none())
def test_the_deflated_sharpe_ratio_is_a_probability(trials: int, variance: float | None) -> None:
    value = line("deflated_sharpe", GOOD, trials, variance).value
    assert value is not None
    assert 0.0 <= value <= 1.0
