"""The call on the evidence of a backtest or of an optimizer's row."""

from typing import Any
from unittest.mock import patch

import pytest

from backtests.models import Backtest
from backtests.provenance import describe
from backtests.services.evidence import compute_for_backtest
from tests.api.caller import Caller
from tests.livetrading.factories import WALL, make_backtest, make_candidate
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import find_series

URL = "/api/v1/evidence"
KEYS = "luck out_of_sample walk_forward overfitting neighbours money costs trades checks"


@pytest.fixture
def backtest(alice: User, market: None) -> Backtest:
    made = make_backtest(user=alice)
    made.provenance = describe(made.kind, find_series(made.symbols, made.timeframe))
    made.save()
    return made


def test_evidence_that_is_not_there_yet_is_pending(alices: Caller, backtest: Backtest) -> None:
    answer = alices.get(f"{URL}?backtest_id={backtest.pk}")
    assert answer.status == 200
    assert answer.json == {
        "backtest_id": backtest.pk,
        "candidate_id": None,
        "status": "pending",
        "error": None,
        "tries": 0,
        "lines": [],
        "report": {},
    }


def test_every_line_has_its_mark_its_words_and_its_number(alices: Caller, backtest: Backtest) -> None:
    compute_for_backtest(backtest.pk, lambda: WALL)
    found = alices.get(f"{URL}?backtest_id={backtest.pk}").json
    assert found["status"] == "ready"
    assert [line["key"] for line in found["lines"]] == KEYS.split()
    assert {line["rating"] for line in found["lines"]} <= {"good", "fair", "bad", "none"}
    assert set(found["lines"][0]) == {"key", "label", "rating", "words", "asks", "value"}
    assert found["report"]["trades"] == found["lines"][7]["value"]


def test_what_went_wrong_is_said(alices: Caller, backtest: Backtest) -> None:
    with patch("backtests.services.evidence.examine", side_effect=ZeroDivisionError("by zero")):
        compute_for_backtest(backtest.pk, lambda: WALL)
    found = alices.get(f"{URL}?backtest_id={backtest.pk}").json
    assert (found["status"], found["lines"], found["report"]) == ("failed", [], {})
    assert "by zero" in found["error"]


def test_a_row_is_examined_when_it_is_asked_for(
    alices: Caller, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    row = make_candidate(user=alice)
    with (
        patch("backtests.services.evidence.enqueue_candidate_evidence") as enqueue,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert alices.get(f"{URL}?candidate_id={row.pk}").json["status"] == "pending"
    enqueue.assert_called_once_with(row.pk)


@pytest.mark.parametrize("query", ["", "?backtest_id=1&candidate_id=1", "?backtest_id=abc", "?candidate_id=1.5"])
def test_a_question_that_names_not_one_thing_is_refused(alices: Caller, query: str) -> None:
    answer = alices.get(URL + query)
    assert answer.status == 422
    assert answer.json["detail"][0]["message"]


@pytest.mark.parametrize("pk", ["0", "-1", "99999", "9" * 40])
@pytest.mark.parametrize("name", ["backtest_id", "candidate_id"])
def test_what_does_not_exist_is_not_found(alices: Caller, name: str, pk: str) -> None:
    assert alices.get(f"{URL}?{name}={pk}").status == 404


def test_what_is_anothers_or_unfinished_is_not_found(alices: Caller, bobs: Caller, backtest: Backtest) -> None:
    assert bobs.get(f"{URL}?backtest_id={backtest.pk}").status == 404
    Backtest.objects.update(status=Backtest.Status.RUNNING)
    assert alices.get(f"{URL}?backtest_id={backtest.pk}").status == 404


def test_nobody_gets_in_without_a_user(charlies: Caller) -> None:
    assert charlies.get(f"{URL}?backtest_id=1").status == 401
