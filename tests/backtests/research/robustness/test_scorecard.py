"""Which mark a finding gets, at the very edges, and what is said of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.robustness.deflated_sharpe import Moments, deflated_sharpe, expected_best
from backtests.research.robustness.scorecard import Line, Rating, counts, lines
from tests.backtests.research.robustness.reports import GOOD, PROOF

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


def line(key: str, found: dict[str, Any], tries: int = 1, variance: float | None = None) -> Line:
    return next(each for each in lines(found, tries, variance) if each.key == key)


def spoilt(key: str, **values: Any) -> dict[str, Any]:
    return GOOD | {key: GOOD[key] | values}


def test_a_good_result_is_green_in_every_line() -> None:
    shown = lines(GOOD, 1, None)
    assert [each.key for each in shown] == KEYS
    assert {each.rating for each in shown} == {Rating.PASS}
    assert counts(shown) == {"good": 9, "fair": 0, "bad": 0, "none": 0}
    assert in_words(shown) == "9 green"
    assert all(each.words and each.asks for each in shown)


@pytest.mark.parametrize(
    ("key", "found", "rating"),
    [
        ("out_of_sample", spoilt("out_of_sample", out_of_sample=0.5), Rating.PASS),
        ("out_of_sample", spoilt("out_of_sample", out_of_sample=0.49), Rating.CAUTION),
        ("out_of_sample", spoilt("out_of_sample", out_of_sample=0.0), Rating.FAIL),
        ("out_of_sample", spoilt("out_of_sample", out_of_sample=None), Rating.NONE),
        ("out_of_sample", GOOD | {"out_of_sample": None}, Rating.NONE),
        ("out_of_sample", spoilt("out_of_sample", holdout_status="held_back"), Rating.PASS),
        ("out_of_sample", spoilt("out_of_sample", holdout_status="searched"), Rating.NONE),
        ("out_of_sample", spoilt("out_of_sample", holdout_status="ranked"), Rating.NONE),
        ("out_of_sample", spoilt("out_of_sample", ruined=True), Rating.FAIL),
        ("out_of_sample", spoilt("out_of_sample", ruined=True, out_of_sample=None), Rating.FAIL),
        ("walk_forward", spoilt("walk_forward", efficiency=0.5), Rating.PASS),
        ("walk_forward", spoilt("walk_forward", efficiency=0.49), Rating.CAUTION),
        ("walk_forward", spoilt("walk_forward", efficiency=None), Rating.CAUTION),
        ("walk_forward", spoilt("walk_forward", sharpe=-0.1), Rating.FAIL),
        ("walk_forward", spoilt("walk_forward", sharpe=None), Rating.NONE),
        ("overfitting", spoilt("overfitting", probability=0.199), Rating.PASS),
        ("overfitting", spoilt("overfitting", probability=0.2), Rating.CAUTION),
        ("overfitting", spoilt("overfitting", probability=0.5), Rating.FAIL),
        ("neighbours", spoilt("neighbours", median=0.8), Rating.PASS),
        ("neighbours", spoilt("neighbours", median=0.79), Rating.CAUTION),
        ("neighbours", spoilt("neighbours", median=0.0), Rating.FAIL),
        ("neighbours", spoilt("neighbours", median=None), Rating.NONE),
        ("neighbours", spoilt("neighbours", objective="profit_factor", median=1.3), Rating.PASS),
        ("neighbours", spoilt("neighbours", objective="profit_factor", median=1.29), Rating.CAUTION),
        ("neighbours", spoilt("neighbours", objective="profit_factor", median=1.0), Rating.FAIL),
        ("monte_carlo", spoilt("monte_carlo", month=-0.06), Rating.CAUTION),
        ("monte_carlo", spoilt("monte_carlo", drawdown=0.41), Rating.FAIL),
        ("monte_carlo", GOOD | {"monte_carlo": None}, Rating.NONE),
        ("monte_carlo", GOOD | {"trades": 10}, Rating.PASS),
        ("monte_carlo", GOOD | {"trades": 9}, Rating.CAUTION),
        ("monte_carlo", spoilt("monte_carlo", drawdown=0.41) | {"trades": 9}, Rating.FAIL),
        ("costs", spoilt("costs", total_return=0.0) | {"trades": 0}, Rating.NONE),
        ("costs", spoilt("costs", total_return=0.0) | {"trades": 0, "open": 1}, Rating.FAIL),
        ("costs", spoilt("costs", total_return=0.0), Rating.FAIL),
        ("trades", GOOD | {"trades": 30}, Rating.PASS),
        ("trades", GOOD | {"trades": 29}, Rating.CAUTION),
        ("trades", GOOD | {"trades": 10}, Rating.CAUTION),
        ("trades", GOOD | {"trades": 9}, Rating.FAIL),
        ("deflated_sharpe", GOOD | {"moments": None}, Rating.NONE),
        ("checks", spoilt("checks", warmup=PROOF | {"passed": False, "tried": False}), Rating.CAUTION),
        ("checks", spoilt("checks", warmup=PROOF | {"passed": False}), Rating.FAIL),
    ],
)
def test_a_mark_turns_where_it_says_it_turns(key: str, found: dict[str, Any], mark: Rating) -> None:
    assert line(key, found).rating is mark


def test_a_kind_without_parameters_has_nothing_to_search() -> None:
    found = GOOD | {"sample": 0, "overfitting": None, "walk_forward": None, "neighbours": None}
    assert line("overfitting", found).words == line("walk_forward", found).words == "Nothing to search."
    assert line("neighbours", found).words == "No parameters to move."
    assert {line(key, found).rating for key in ("overfitting", "walk_forward", "neighbours")} == {Rating.NONE}


def test_the_last_part_that_others_saw_is_amber_at_best() -> None:
    def seen(found: dict[str, Any], others: int) -> Line:
        return next(each for each in lines(found, 5, None, others) if each.key == "out_of_sample")

    assert seen(GOOD, 0).rating is Rating.PASS
    assert (seen(GOOD, 1).rating, seen(GOOD, 25).rating) == (Rating.CAUTION, Rating.CAUTION)
    assert "1 other try reached into the last part" in seen(GOOD, 1).words
    assert "25 other tries reached into the last part" in seen(GOOD, 25).words
    assert seen(spoilt("out_of_sample", out_of_sample=-0.1), 1).rating is Rating.FAIL
    held_back = seen(spoilt("out_of_sample", holdout_status="held_back"), 25)
    assert held_back.rating is Rating.CAUTION, "held back from one search, and seen by other tries"
    assert held_back.words.endswith(
        "; its search did not see the last part; 25 other tries reached into the last part."
    )
    assert seen(spoilt("out_of_sample", holdout_status="held_back"), 0).rating is Rating.PASS


@pytest.mark.parametrize(("holdout_status", "who"), [("searched", "search"), ("ranked", "ranking")])
def test_what_a_search_saw_is_no_test_of_it(holdout_status: str, who: str) -> None:
    found = line("out_of_sample", spoilt("out_of_sample", holdout_status=holdout_status))
    assert found.words == f"Sharpe 0.90 on the last 30%, 1.00 before it; the {who} saw all of it."


def test_why_a_search_says_nothing_is_told_apart() -> None:
    nothing = GOOD | {"walk_forward": None, "overfitting": None}
    assert line("walk_forward", nothing).words == "Too few sessions for eight folds."
    assert line("overfitting", nothing).words == "Too few sessions for sixteen blocks."
    still = nothing | {"informative": 0}
    assert line("walk_forward", still).words == line("overfitting", still).words
    assert line("walk_forward", still).words == "None of 200 combinations traded."
    assert line("overfitting", nothing | {"informative": 1}).words == (
        "All of 200 combinations that traded did the same."
    )
    never = spoilt("walk_forward", sharpe=None)
    assert line("walk_forward", never).words == "What was best before a fold never traded in it."
    assert line("walk_forward", never | {"informative": 0}).words == "None of 200 combinations traded."


def test_the_score_of_the_neighbours_has_its_name() -> None:
    assert line("neighbours", GOOD).words == ("Sharpe ratio 1.40 in the median of 8 one step around, 1.60 itself.")
    growth = spoilt("neighbours", objective="cagr", median=0.08, own=0.121)
    assert line("neighbours", growth).words == (
        "Return a year (CAGR) +8.0% in the median of 8 one step around, +12.1% itself."
    )


def test_open_losses_count_and_few_trades_say_so() -> None:
    assert line("monte_carlo", GOOD).words == "A bad month -2.0%, a bad drawdown -10.0%, open losses counted."
    assert line("monte_carlo", GOOD | {"trades": 3}).words.endswith("Few closed trades to tell from: 3.")
    none = spoilt("monte_carlo", month=0.0, drawdown=0.0)
    assert line("monte_carlo", none).words == "A bad month 0.0%, a bad drawdown 0.0%, open losses counted."


def test_a_single_try_is_said_in_plain_words() -> None:
    assert "above zero, as a single try; luck alone" in line("deflated_sharpe", GOOD).words
    assert "above zero, as the best of 2 tries; luck alone" in line("deflated_sharpe", GOOD, 2).words


def test_a_failed_proof_says_what_and_where() -> None:
    ahead = PROOF | {"passed": False, "message": "Bar 812 (2003-04-01 00:00): it looked ahead."}
    assert line("checks", spoilt("checks", look_ahead=ahead)).words == ahead["message"]


def test_luck_is_the_deflated_sharpe_ratio_of_the_tries_and_names_their_number() -> None:
    shape = Moments(**GOOD["moments"])
    found = line("deflated_sharpe", GOOD, 12_431, 0.0004)
    assert found.value == deflated_sharpe(shape, 0.0004, 12_431)
    assert "best of 12,431 tries" in found.words
    assert f"{expected_best(0.0004, 12_431) * 252**0.5:.2f}" in found.words


@pytest.mark.parametrize(("sharpe", "words"), [(0.5, "Over 99%"), (-0.5, "Under 1%"), (0.0, "50%")])
def test_luck_is_never_said_to_be_certain(sharpe: float, words: str) -> None:
    found = spoilt("moments", sharpe=sharpe)
    assert line("deflated_sharpe", found).words.startswith(f"{words} sure of a true Sharpe ratio above zero")


def test_tries_that_have_no_spread_yet_scatter_as_those_without_skill_do() -> None:
    assert line("deflated_sharpe", GOOD, 50, None).value == deflated_sharpe(
        Moments(**GOOD["moments"]), 1 / 1250, 50
    )


@given(st.integers(1, 10**9), st.floats(0.0, 0.1) | st.none())
def test_luck_is_a_probability_whatever_was_tried(tries: int, variance: float | None) -> None:
    value = line("deflated_sharpe", GOOD, tries, variance).value
    assert value is not None
    assert 0.0 <= value <= 1.0
