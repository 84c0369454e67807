"""Who may do what: Alice owns the backtest, Bob is another user, Charlie is logged out."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backtests.models import Backtest, Candidate, OptimizerRun
from backtests.urls import urlpatterns
from strategies.models import Strategy
from tests.backtests.runs import Make
from tests.livetrading.factories import make_candidate

OF_ONE_BACKTEST = [
    ("GET", "detail", 200),
    ("GET", "progress", 302),
    ("POST", "cancel", 302),
    ("POST", "repeat", 302),
    ("GET", "equity", 200),
    ("GET", "rolling-sharpe", 200),
    ("GET", "exposure", 200),
    ("GET", "profit", 200),
    ("GET", "r-multiples", 200),
    ("GET", "price", 200),
    ("GET", "backtest_evidence", 200),
    ("POST", "backtest_evidence_retry", 302),
    ("GET", "trades_csv", 200),
    ("GET", "delete", 200),
    ("POST", "delete", 302),
]
OF_ALL = [
    ("GET", "list", 200),
    ("GET", "new", 200),
    ("POST", "new", 422),
    ("GET", "compare", 422),  # without ids
    ("GET", "compare_chart", 422),
    ("GET", "delete_several", 302),
    ("GET", "defaults", 200),
    ("POST", "defaults", 302),  # empty fields keep the defaults of the desk
    ("GET", "optimizer", 200),
    ("POST", "optimizer", 422),
    ("GET", "optimizer_availability", 302),
    ("GET", "optimizer_grid", 302),
    ("GET", "optimizer_preview", 302),
]
OF_ONE_RUN = [
    ("GET", "optimizer_run", 200),
    ("GET", "optimizer_progress", 302),
    ("POST", "optimizer_pause", 302),
    ("POST", "optimizer_resume", 302),
    ("POST", "optimizer_cancel", 302),
    ("GET", "optimizer_heat_map", 404),  # without its axes
    ("GET", "optimizer_parallel", 200),
    ("GET", "optimizer_histogram", 200),
    ("GET", "optimizer_delete", 200),
    ("POST", "optimizer_delete", 302),
]
OF_ONE_ROW = [
    ("POST", "candidate_backtest", 302),
    ("POST", "candidate_save", 302),
    ("GET", "candidate_evidence", 200),
    ("POST", "candidate_evidence_retry", 302),
]
HTMX = {"HX-Request": "true"}


def test_every_address_is_tested_here() -> None:
    tested = {name for _, name, _ in OF_ONE_BACKTEST + OF_ALL + OF_ONE_RUN + OF_ONE_ROW}
    assert {str(pattern.name) for pattern in urlpatterns} == tested


def request(
    browser: Client, method: str, name: str, pk: int | None = None, headers: dict[str, str] | None = None
) -> Any:
    url = reverse(f"backtests:{name}", args=[pk] if pk else [])
    return browser.generic(method, url, headers=headers)


@pytest.mark.parametrize(("method", "name", "status"), OF_ONE_BACKTEST)
def test_only_the_owner_reaches_a_backtest(
    method: str,
    name: str,
    status: int,
    completed: Backtest,
    alices_browser: Client,
    bobs_browser: Client,
    charlies_browser: Client,
) -> None:
    for headers in ({}, HTMX):
        assert request(bobs_browser, method, name, completed.pk, headers).status_code == 404
        refused = request(charlies_browser, method, name, completed.pk, headers)
        assert refused.status_code == 302
        assert refused["Location"].startswith("/accounts/login/")
    assert request(alices_browser, method, name, completed.pk).status_code == status
    assert request(alices_browser, method, name, completed.pk + 1000).status_code == 404


@pytest.fixture
def row(strategy: Strategy) -> Candidate:
    """A row of Alice's search."""
    return make_candidate(user=strategy.user, strategy=strategy)


@pytest.mark.parametrize(("method", "name", "status"), OF_ONE_RUN + OF_ONE_ROW)
def test_only_the_owner_reaches_an_optimizer_run_and_its_rows(
    method: str,
    name: str,
    status: int,
    row: Candidate,
    alices_browser: Client,
    bobs_browser: Client,
    charlies_browser: Client,
) -> None:
    pk = row.pk if name.startswith("candidate") else row.run_id
    for headers in ({}, HTMX):
        assert request(bobs_browser, method, name, pk, headers).status_code == 404
        refused = request(charlies_browser, method, name, pk, headers)
        assert refused.status_code == 302
        assert refused["Location"].startswith("/accounts/login/")
    assert not Backtest.objects.exists()
    assert request(alices_browser, method, name, pk).status_code == status
    assert request(alices_browser, method, name, pk + 1).status_code == 404
    if name != "optimizer_delete":  # GET asks for confirmation, POST deletes
        other = "GET" if method == "POST" else "POST"
        assert request(alices_browser, other, name, pk).status_code == 405


def test_bob_cannot_stop_alices_run(row: Candidate, bobs_browser: Client) -> None:
    for action in ("pause", "resume", "cancel"):
        request(bobs_browser, "POST", f"optimizer_{action}", row.run_id)
    row.run.refresh_from_db()
    assert row.run.status == OptimizerRun.Status.COMPLETED


@pytest.mark.parametrize("query", ["run", "strategy"])
def test_bob_cannot_start_an_optimizer_run_from_alices_objects(
    query: str, row: Candidate, strategy: Strategy, alices_browser: Client, bobs_browser: Client
) -> None:
    pk = {"run": row.run_id, "strategy": strategy.pk}[query]
    url = reverse("backtests:optimizer")
    assert bobs_browser.get(url, {query: pk}).status_code == 404
    assert alices_browser.get(url, {query: pk}).status_code == 200
    assert alices_browser.get(url, {query: "x"}).status_code == 404


@pytest.mark.parametrize("job", ["rank", "search"])
def test_bob_cannot_optimize_alices_strategy(job: str, strategy: Strategy, bobs_browser: Client) -> None:
    values = {"strategy": strategy.pk, "strategies": strategy.pk, "symbols": "AAPL"}
    answer = bobs_browser.post(f"{reverse('backtests:optimizer')}?job={job}", values)
    assert answer.status_code == 422
    assert "Golden cross" not in answer.content.decode()


@pytest.mark.parametrize(("method", "name", "status"), OF_ALL)
def test_the_list_and_the_form_need_a_user(
    method: str, name: str, status: int, strategy: Strategy, alices_browser: Client, charlies_browser: Client
) -> None:
    refused = request(charlies_browser, method, name)
    assert refused.status_code == 302
    assert refused["Location"].startswith("/accounts/login/")
    assert request(alices_browser, method, name).status_code == status


def test_bob_cannot_cancel_alices_backtest(make: Make, bobs_browser: Client) -> None:
    backtest = make()
    request(bobs_browser, "POST", "cancel", backtest.pk)
    backtest.refresh_from_db()
    assert backtest.status == Backtest.Status.QUEUED


def test_a_cancellation_needs_a_post(make: Make, alices_browser: Client) -> None:
    assert request(alices_browser, "GET", "cancel", make().pk).status_code == 405


def test_a_cancellation_needs_the_csrf_token(make: Make, alices_browser: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = alices_browser.cookies
    assert request(strict, "POST", "cancel", make().pk).status_code == 403


def test_bob_does_not_see_alices_backtests_in_his_list(completed: Backtest, bobs_browser: Client) -> None:
    assert completed.strategy_name not in request(bobs_browser, "GET", "list").content.decode()


@pytest.mark.parametrize("query", ["strategy", "backtest"])
def test_bob_cannot_start_a_backtest_from_alices_objects(
    query: str, completed: Backtest, strategy: Strategy, alices_browser: Client, bobs_browser: Client
) -> None:
    pk = {"strategy": strategy.pk, "backtest": completed.pk}[query]
    url = reverse("backtests:new")
    for headers in ({}, HTMX):
        assert bobs_browser.get(url, {query: pk}, headers=headers).status_code == 404
    assert alices_browser.get(url, {query: pk}).status_code == 200


@pytest.mark.parametrize("value", ["abc", "-1", "0", "9" * 40, "9" * 5000, "1.5", "٣"])
@pytest.mark.parametrize("query", ["strategy", "backtest"])
def test_an_invalid_id_in_the_address_is_not_found(
    query: str, value: str, strategy: Strategy, alices_browser: Client
) -> None:
    assert alices_browser.get(reverse("backtests:new"), {query: value}).status_code == 404


def test_bob_cannot_run_alices_strategy(strategy: Strategy, bobs_browser: Client) -> None:
    values = {"strategy": strategy.pk, "start_date": "2005-01-03", "end_date": "2010-12-31"}
    answer = bobs_browser.post(reverse("backtests:new"), values)
    assert answer.status_code == 422
    assert not Backtest.objects.exists()
