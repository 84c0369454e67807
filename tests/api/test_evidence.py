"""The evidence of a backtest or of a row of an optimizer run, through the API."""

from typing import Any
from unittest.mock import Mock

import pytest

from backtests.bars_used import stored_bars_used
from backtests.models import Backtest
from backtests.provenance import describe
from backtests.services import evidence
from livetrading.models import CarriedEvidence
from tests.api.client import ApiClient, field_messages
from tests.backtests.research.robustness.reports import GOOD
from tests.livetrading.factories import WALL, make_backtest, make_candidate, make_live_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import find_series

URL = "/api/v1/evidence"
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


@pytest.fixture
def backtest(alice: User, market: None) -> Backtest:
    backtest = make_backtest(user=alice)
    series, (_, end) = find_series(None, backtest.symbols, backtest.timeframe), backtest.period
    used = {symbol: stored_bars_used(each, end) for symbol, each in series.items()}
    backtest.provenance = describe(backtest.kind, used)
    backtest.save()
    return backtest


def test_evidence_is_pending_before_it_is_computed(alices: ApiClient, backtest: Backtest) -> None:
    response = alices.get(f"{URL}?backtest_id={backtest.pk}")
    assert response.status == 200
    assert response.json == {
        "backtest_id": backtest.pk,
        "candidate_id": None,
        "status": "pending",
        "error": None,
        "trials": 0,
        "overall": None,
        "lines": [],
        "report": {},
    }


def test_every_line_has_a_rating_a_message_and_a_criterion(alices: ApiClient, backtest: Backtest) -> None:
    evidence.compute_for_backtest(backtest.pk, lambda: WALL)
    response = alices.get(f"{URL}?backtest_id={backtest.pk}").json
    assert response["status"] == "ready"
    assert [line["key"] for line in response["lines"]] == KEYS
    assert response["overall"]["rating"] in {"pass", "caution", "fail"}
    assert {line["rating"] for line in response["lines"]} <= {"pass", "caution", "fail", "none"}
    assert set(response["lines"][0]) == {"key", "label", "rating", "message", "criterion", "value"}
    assert all(line["message"] and line["criterion"] for line in response["lines"])
    values = {line["key"]: line["value"] for line in response["lines"]}
    assert response["report"]["trades"] == values["trades"]


def test_failed_evidence_has_an_error(
    alices: ApiClient, backtest: Backtest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "build_report", Mock(side_effect=ZeroDivisionError("by zero")))
    evidence.compute_for_backtest(backtest.pk, lambda: WALL)
    response = alices.get(f"{URL}?backtest_id={backtest.pk}").json
    assert (response["status"], response["lines"], response["report"]) == ("failed", [], {})
    assert "by zero" in response["error"]


def test_reading_a_row_requests_its_evidence(
    alices: ApiClient,
    alice: User,
    django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row, enqueue = make_candidate(user=alice), Mock()
    monkeypatch.setattr(evidence, "enqueue_candidate_evidence", enqueue)
    with django_capture_on_commit_callbacks(execute=True):
        assert alices.get(f"{URL}?candidate_id={row.pk}").json["status"] == "pending"
    enqueue.assert_called_once_with(row.pk)


@pytest.mark.parametrize("query", ["", "?backtest_id=1&candidate_id=1", "?backtest_id=abc", "?candidate_id=1.5"])
def test_exactly_one_id_is_required(alices: ApiClient, query: str) -> None:
    (field,) = field_messages(alices.get(URL + query))
    assert field in {"backtest_id", "candidate_id"}


@pytest.mark.parametrize("pk", ["0", "-1", "99999", "9" * 40])
@pytest.mark.parametrize("name", ["backtest_id", "candidate_id"])
def test_an_unknown_id_is_404(alices: ApiClient, name: str, pk: str) -> None:
    assert alices.get(f"{URL}?{name}={pk}").status == 404


def test_a_backtest_of_another_user_or_without_a_result_is_404(
    alices: ApiClient, bobs: ApiClient, backtest: Backtest
) -> None:
    assert bobs.get(f"{URL}?backtest_id={backtest.pk}").status == 404
    Backtest.objects.update(status=Backtest.Status.RUNNING)
    assert alices.get(f"{URL}?backtest_id={backtest.pk}").status == 404


def test_a_user_is_required(charlies: ApiClient) -> None:
    assert charlies.get(f"{URL}?backtest_id=1").status == 401


def test_a_live_strategy_shows_the_evidence_that_it_carries(
    alices: ApiClient, bobs: ApiClient, backtest: Backtest
) -> None:
    live = make_live_strategy(user=backtest.user, backtest=backtest)
    address = f"/api/v1/live-trading/strategies/{live.pk}"
    assert alices.get(address).json["evidence"] is None
    CarriedEvidence.objects.create(
        live_strategy=live,
        report=GOOD,
        symbols=["AAPL"],
        timeframe="1Day",
        start_date=backtest.start_date,
        end_date=backtest.end_date,
        computed_at=WALL,
    )
    carried = alices.get(address).json["evidence"]
    assert (carried["overall"]["rating"], carried["symbols"]) == ("pass", ["AAPL"])
    assert [line["key"] for line in carried["lines"]] == KEYS
    assert bobs.get(address).status == 404
