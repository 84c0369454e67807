"""The lines of the panel: a mark, and the number in words."""

from typing import Any

import pytest

from backtests.robustness.panel import Line, Mark, counts, in_words, lines

GOOD: dict[str, Any] = {
    "family": 200,
    "total_return": 0.8,
    "sharpe": 1.5,
    "moments": {"sharpe": 0.12, "skewness": 0.0, "kurtosis": 3.0, "sessions": 2500},
    "out_of_sample": {"in_sample": 1.4, "out_of_sample": 1.2, "total_return": 0.2, "sessions": 700, "part": 0.3},
    "walk_forward": {"sharpe": 1.0, "efficiency": 0.8, "folds": [{}] * 8},
    "overfitting": {"probability": 0.05, "splits": 12870, "columns": 200, "logits": {}},
    "neighbours": {"median": 1.3, "own": 1.5, "around": [{}] * 8},
    "money": {"month": -0.02, "drawdown": 0.1, "trades_per_month": 2.0, "draws": 10_000},
    "costs": {"total_return": 0.7, "assumed": False},
    "trades": 120,
    "proofs": {
        "look_ahead": {"passed": True, "bars": 1500, "checked": 60, "message": "", "tried": True},
        "warmup": {"passed": True, "bars": 1500, "checked": 60, "message": "", "tried": True},
    },
}


def line(key: str, tries: int = 1, variance: float | None = None, **changes: Any) -> Line:
    return next(each for each in lines(GOOD | changes, tries, variance) if each.key == key)


def test_a_result_that_holds_is_green_all_over() -> None:
    shown = lines(GOOD, 1, None)
    assert {each.mark for each in shown} == {Mark.GOOD}
    assert in_words(shown) == "9 green"
    assert counts(shown) == {"good": 9, "fair": 0, "bad": 0, "none": 0}


def test_the_same_result_is_luck_as_the_best_of_enough_tries() -> None:
    alone, chosen = line("luck"), line("luck", tries=12_431, variance=0.05**2)
    assert alone.mark is Mark.GOOD
    assert chosen.mark is Mark.BAD
    assert "best of 12,431 tries" in chosen.words


@pytest.mark.parametrize(
    ("key", "changes", "mark", "words"),
    [
        (
            "out_of_sample",
            {"out_of_sample": GOOD["out_of_sample"] | {"out_of_sample": 0.3}},
            "fair",
            "0.30 on the",
        ),
        ("out_of_sample", {"out_of_sample": GOOD["out_of_sample"] | {"out_of_sample": -0.1}}, "bad", "-0.10"),
        ("out_of_sample", {"out_of_sample": None}, "none", "too short"),
        ("walk_forward", {"walk_forward": GOOD["walk_forward"] | {"efficiency": None}}, "fair", "undefined"),
        ("walk_forward", {"walk_forward": None, "family": 0}, "none", "Nothing to search"),
        ("overfitting", {"overfitting": GOOD["overfitting"] | {"probability": 0.3}}, "fair", "30%"),
        ("overfitting", {"overfitting": GOOD["overfitting"] | {"probability": 0.7}}, "bad", "70%"),
        ("neighbours", {"neighbours": GOOD["neighbours"] | {"median": 0.1}}, "fair", "0.10"),
        ("neighbours", {"neighbours": None}, "none", "No parameters"),
        ("money", {"money": GOOD["money"] | {"month": -0.07}}, "fair", "-7.0%"),
        ("money", {"money": GOOD["money"] | {"drawdown": 0.6}}, "bad", "-60.0%"),
        ("money", {"money": None}, "none", "Too few"),
        ("costs", {"costs": {"total_return": -0.1, "assumed": True}}, "bad", "5 basis points"),
        ("trades", {"trades": 12}, "fair", "12 closed trades"),
        ("trades", {"trades": 2}, "bad", "2 closed trades"),
        ("luck", {"moments": None}, "none", "No Sharpe ratio"),
    ],
)
def test_each_line_has_its_mark_and_says_its_number(
    key: str, changes: dict[str, Any], mark: str, words: str
) -> None:
    found = line(key, **changes)
    assert found.mark == mark
    assert words in found.words
    assert found.asks


def test_a_failed_proof_says_where() -> None:
    fault = GOOD["proofs"]["look_ahead"] | {"passed": False, "message": "Bar 8: the decision is HOLD while …"}
    found = line("proofs", proofs=GOOD["proofs"] | {"look_ahead": fault})
    assert (found.mark, found.words) == (Mark.BAD, "Bar 8: the decision is HOLD while …")


def test_too_few_bars_for_the_warmup_are_amber() -> None:
    warmup = GOOD["proofs"]["warmup"] | {"passed": False, "tried": False, "checked": 0}
    assert line("proofs", proofs=GOOD["proofs"] | {"warmup": warmup}).mark is Mark.FAIR
