"""The ratings of the scorecard at their thresholds, and its messages."""

from typing import Any

import numpy as np
import pytest

from backtests.research.optimizer.objectives import LABELS, Objective
from backtests.research.robustness.deflated_sharpe import Moments, deflated_sharpe, probabilistic_sharpe
from backtests.research.robustness.multipliers import DRAWS, Singles
from backtests.research.robustness.scorecard import (
    Line,
    Rating,
    chance_figures,
    counts,
    lines,
    overall_line,
    rating_summary,
)
from backtests.research.robustness.tried import Tried
from tests.backtests.research.robustness.reports import CHECK, GOOD

KEYS = [
    "chance",
    "against_holding",
    "out_of_sample",
    "walk_forward",
    "overfitting",
    "neighbours",
    "monte_carlo",
    "costs",
    "trades",
    "checks",
    "data",
]


# z of GOOD, by hand: 0.1 sqrt(1249) / sqrt(1 + 0.5 x 0.01).
GOOD_Z = 3.5253


def maxima(reaching: int) -> Singles:
    """M of trials of which `reaching` draws are at or above the z of GOOD."""
    return np.where(np.arange(DRAWS) < reaching, 4.0, 2.0).astype(np.float32)


def line(key: str, report: dict[str, Any], tried: Tried | None = None) -> Line:
    return next(each for each in lines(report, tried or Tried()) if each.key == key)


def changed(key: str, **values: Any) -> dict[str, Any]:
    return GOOD | {key: GOOD[key] | values}


def holding(**moments: float) -> dict[str, Any]:
    return changed("holding", moments=GOOD["holding"]["moments"] | moments)


def test_a_good_result_passes_in_every_line() -> None:
    shown = lines(GOOD, Tried())
    assert [each.key for each in shown] == KEYS
    assert {each.rating for each in shown} == {Rating.PASS}
    assert counts(shown) == {"pass": 11, "caution": 0, "fail": 0, "none": 0}
    assert all(each.label and each.message and each.criterion for each in shown)


def test_the_summary_leaves_out_ratings_that_no_line_has() -> None:
    assert rating_summary(lines(GOOD, Tried())) == "11 pass"
    mixed = GOOD | {"trades": 9, "moments": None}
    assert rating_summary(lines(mixed, Tried())) == "8 pass, 1 caution, 1 fail"


@pytest.mark.parametrize(
    ("key", "report", "rating"),
    [
        ("against_holding", holding(sharpe=0.05), Rating.PASS),
        ("against_holding", holding(sharpe=0.04), Rating.CAUTION),
        ("against_holding", holding(sharpe=0.02), Rating.FAIL),
        ("against_holding", changed("holding", moments=None), Rating.NONE),
        ("against_holding", changed("holding", lost=True), Rating.FAIL),
        ("out_of_sample", changed("out_of_sample", probability=0.95), Rating.PASS),
        ("out_of_sample", changed("out_of_sample", probability=0.949), Rating.CAUTION),
        ("out_of_sample", changed("out_of_sample", probability=0.699), Rating.FAIL),
        ("out_of_sample", changed("out_of_sample", gained_before=False), Rating.CAUTION),
        ("out_of_sample", changed("out_of_sample", probability=None), Rating.NONE),
        ("out_of_sample", GOOD | {"out_of_sample": None}, Rating.NONE),
        ("out_of_sample", changed("out_of_sample", holdout_status="not_used"), Rating.PASS),
        ("out_of_sample", changed("out_of_sample", holdout_status="used_by_search"), Rating.NONE),
        ("out_of_sample", changed("out_of_sample", holdout_status="used_by_ranking"), Rating.NONE),
        ("out_of_sample", changed("out_of_sample", went_to_zero=True), Rating.FAIL),
        ("out_of_sample", changed("out_of_sample", went_to_zero=True, probability=None), Rating.FAIL),
        ("walk_forward", changed("walk_forward", efficiency=0.5), Rating.PASS),
        ("walk_forward", changed("walk_forward", efficiency=0.49), Rating.CAUTION),
        ("walk_forward", changed("walk_forward", efficiency=None), Rating.CAUTION),
        ("walk_forward", changed("walk_forward", probability=0.95), Rating.PASS),
        ("walk_forward", changed("walk_forward", probability=0.949), Rating.CAUTION),
        ("walk_forward", changed("walk_forward", probability=0.799), Rating.FAIL),
        ("walk_forward", changed("walk_forward", probability=None), Rating.NONE),
        ("overfitting", changed("overfitting", probability=0.099), Rating.PASS),
        ("overfitting", changed("overfitting", probability=0.1), Rating.CAUTION),
        ("overfitting", changed("overfitting", probability=0.3), Rating.FAIL),
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
        ("monte_carlo", GOOD | {"has_stop": False}, Rating.CAUTION),
        ("monte_carlo", changed("monte_carlo", drawdown=0.41) | {"trades": 9}, Rating.FAIL),
        ("costs", changed("costs", total_return=0.0) | {"trades": 0}, Rating.NONE),
        ("costs", changed("costs", total_return=0.0) | {"trades": 0, "open": 1}, Rating.FAIL),
        ("costs", changed("costs", total_return=0.0), Rating.FAIL),
        ("trades", GOOD | {"trades": 30}, Rating.PASS),
        ("trades", GOOD | {"trades": 29}, Rating.CAUTION),
        ("trades", GOOD | {"trades": 10}, Rating.CAUTION),
        ("trades", GOOD | {"trades": 9}, Rating.FAIL),
        ("chance", GOOD | {"moments": None}, Rating.NONE),
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


@pytest.mark.parametrize(("holdout_status", "itself"), [("no_search", 1), ("not_used", 0)])
def test_a_holdout_that_other_trials_used_is_at_most_a_caution(holdout_status: str, itself: int) -> None:
    """A backtest without a search uses its holdout itself; the trials of a search end before it."""
    report = changed("out_of_sample", holdout_status=holdout_status)
    assert line("out_of_sample", report, Tried(in_holdout=itself)).rating is Rating.PASS
    used = Tried(in_holdout=itself + 1)
    assert line("out_of_sample", report, used).rating is Rating.CAUTION
    assert "1 other trial used" in line("out_of_sample", report, used).message
    loss = changed("out_of_sample", holdout_status=holdout_status, probability=0.4)
    assert line("out_of_sample", loss, used).rating is Rating.FAIL


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
        "chance": (
            "Chance alone stays below this result in 94% of the draws, as the best of 50 distinct trials. "
            "The best that chance alone would show is a Sharpe ratio of 0.90; this one has 1.59."
        ),
        "out_of_sample": (
            "Sharpe 0.90 in the last 30%, 1.00 before it; 96% sure that it is above zero; its search did not use "
            "the holdout period; 2 other trials used the holdout period."
        ),
        "against_holding": (
            "Return +80.0%, drawdown 10.0% and Sharpe 1.60; holding AAPL: +30.0%, 35.0% and 0.40. "
            "94% sure that the difference is more than chance."
        ),
        "walk_forward": "Sharpe 1.00 over 8 joined folds, efficiency 80%; 98% sure that it is above zero.",
        "data": "No finding about the bars.",
        "neighbours": "Sharpe ratio: median of 8 neighbours 1.40, this combination 1.60.",
        "monte_carlo": "Bad month −2.0%, bad drawdown −10.0%, including open positions.",
        "costs": "Return over the whole period: +70.0% at twice the costs, +80.0% at its own costs.",
        "trades": "60 closed trades.",
        "checks": "No look-ahead and enough warm-up on 1,500 bars.",
    }
    report = changed("out_of_sample", holdout_status="not_used")
    found = {each.key: each.message for each in lines(report, Tried(50, maxima=maxima(51), in_holdout=2))}
    assert {key: found[key] for key in cases} == cases


@pytest.mark.parametrize(
    ("reaching", "rating", "shown"),
    [
        (0, Rating.PASS, "99%"),
        (49, Rating.PASS, "95%"),
        (50, Rating.CAUTION, "94%"),
        (199, Rating.CAUTION, "80%"),
        (200, Rating.FAIL, "79%"),
        (999, Rating.FAIL, "under 1%"),
    ],
)
def test_chance_is_rated_and_shown_rounded_down(reaching: int, rating: Rating, shown: str) -> None:
    found = line("chance", GOOD, Tried(685, maxima=maxima(reaching)))
    assert (found.rating, found.value) == (rating, (DRAWS - reaching) / (DRAWS + 1))
    assert f" in {shown} of the draws" in found.message


def test_a_single_trial_is_called_one_and_an_estimate_is_rounded() -> None:
    assert "a single trial" in line("chance", GOOD).message
    assert "best of about 110,000 distinct trials" in line("chance", GOOD, Tried(109_987, is_exact=False)).message
    assert "best of 1,023 distinct trials" in line("chance", GOOD, Tried(1_023)).message


def test_the_figures_behind_chance() -> None:
    moments = Moments(**GOOD["moments"])
    found = chance_figures(GOOD, Tried(12_431, maxima=maxima(49), variance=0.0004))
    assert found is not None
    assert found.score == pytest.approx(GOOD_Z, abs=5e-5)
    assert found.sharpe == pytest.approx(0.1 * 252**0.5)
    assert found.by_chance == pytest.approx(2.0 * (252 / 1250) ** 0.5)
    assert found.probabilistic == probabilistic_sharpe(moments)
    assert found.deflated == deflated_sharpe(moments, 0.0004, 12_431)
    assert chance_figures(GOOD | {"moments": None}, Tried()) is None


def test_without_a_known_variance_trials_vary_like_strategies_without_skill() -> None:
    found = chance_figures(GOOD, Tried(50))
    assert found is not None
    assert found.deflated == deflated_sharpe(Moments(**GOOD["moments"]), 1 / 1250, 50)


# --- Against holding, the data, and the overall sentence ---------------------------------------------------------


def test_the_difference_from_holding_is_compared_with_the_maxima_of_chance() -> None:
    """z = 0.06 sqrt(1249) / sqrt(1 + 0.06^2 / 2) = 2.1186 by hand, and 200 of 999 maxima are as high."""
    maxima = np.concatenate((np.full(799, 2.118), np.full(200, 2.119))).astype(np.float32)
    assert line("against_holding", GOOD, Tried(maxima=maxima)).value == pytest.approx(0.799)
    assert line("against_holding", GOOD, Tried(maxima=maxima)).rating is Rating.FAIL


def test_with_an_open_finding_no_line_passes() -> None:
    shown = lines(GOOD, Tried(), findings=("AAPL: a step of 1:4 on 2003-02-18",))
    assert [each.rating for each in shown] == [Rating.CAUTION] * 10 + [Rating.FAIL]
    assert "2003-02-18" in shown[-1].message
    assert overall_line(GOOD, shown).rating is Rating.FAIL


def test_an_accepted_finding_is_a_caution() -> None:
    shown = lines(GOOD, Tried(), noted=("AAPL: 3 flat days",))
    assert {each.key for each in shown if each.rating is not Rating.PASS} == {"data"}
    assert overall_line(GOOD, shown).rating is Rating.CAUTION


@pytest.mark.parametrize(
    ("report", "rating"),
    [
        (GOOD, Rating.PASS),
        (GOOD | {"walk_forward": None, "overfitting": None, "neighbours": None}, Rating.PASS),
        (GOOD | {"moments": None}, Rating.CAUTION),
        (GOOD | {"trades": 9}, Rating.CAUTION),
        (holding(sharpe=0.02), Rating.CAUTION),
        (changed("holding", lost=True), Rating.FAIL),
        (changed("moments", sharpe=-0.01), Rating.FAIL),
        (changed("checks", look_ahead=CHECK | {"passed": False}), Rating.FAIL),
    ],
)
def test_the_overall_sentence_is_good_only_without_a_failure(report: dict[str, Any], rating: Rating) -> None:
    assert overall_line(report, lines(report, Tried())).rating is rating
