"""Alice owns the strategy, Bob is another user, Charlie is logged out."""

import pytest
from django.test import Client

from strategies.models import Strategy
from tests.strategies.examples import a_backtest, a_deployment, a_strategy, page_text
from tradedesk.accounts.models import User

LIST, NEW = "/dashboard/strategies", "/dashboard/strategies/new"
DETAIL_PAGES = ("", "/edit", "/delete", "/checks")
FILLED = {
    "name": "Changed",
    "kind": "buy_and_hold",
    "shown_kind": "buy_and_hold",
    "symbols": "IBM",
    "timeframe": "1Day",
}


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return a_strategy(alice, "Alice's own")


def address(strategy: Strategy, page: str) -> str:
    return f"/dashboard/strategies/{strategy.pk}{page}"


@pytest.mark.parametrize("page", DETAIL_PAGES)
@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
def test_only_the_owner_sees_a_strategy(
    alices_browser: Client,
    bobs_browser: Client,
    charlies_browser: Client,
    strategy: Strategy,
    page: str,
    htmx: bool,
) -> None:
    headers = {"HX-Request": "true"} if htmx else {}
    url = address(strategy, page)
    assert alices_browser.get(url, headers=headers).status_code == 200
    assert bobs_browser.get(url, headers=headers).status_code == 404
    response = charlies_browser.get(url, headers=headers)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={url}")


@pytest.mark.parametrize("url", [LIST, NEW])
def test_a_user_must_be_logged_in(bobs_browser: Client, charlies_browser: Client, url: str) -> None:
    assert bobs_browser.get(url).status_code == 200
    response = charlies_browser.get(url)
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={url}")


def test_a_user_sees_only_own_strategies(alices_browser: Client, bobs_browser: Client, strategy: Strategy) -> None:
    assert strategy in [row["strategy"] for row in alices_browser.get(LIST).context["rows"]]
    response = bobs_browser.get(LIST)
    assert response.context["rows"] == []
    assert "Alice" not in page_text(response)


@pytest.mark.parametrize("page", ["/edit", "/delete"])
def test_only_the_owner_changes_a_strategy(
    bobs_browser: Client, charlies_browser: Client, strategy: Strategy, page: str
) -> None:
    url = address(strategy, page)
    assert bobs_browser.post(url, FILLED).status_code == 404
    assert charlies_browser.post(url, FILLED).status_code == 302
    assert Strategy.objects.get().name == "Alice's own"


def test_a_new_strategy_belongs_to_its_creator(
    bobs_browser: Client, charlies_browser: Client, alice: User, bob: User
) -> None:
    assert charlies_browser.post(NEW, FILLED)["Location"] == f"/accounts/login/?next={NEW}"
    assert bobs_browser.post(NEW, {**FILLED, "user": alice.pk}).status_code == 302
    assert Strategy.objects.get().user == bob


def test_backtests_and_deployments_of_another_user_are_not_shown(
    alices_browser: Client, alice: User, bob: User, strategy: Strategy
) -> None:
    other = a_strategy(bob, "Bob's")
    a_backtest(other)
    a_deployment(other, name="Live - Bob's")
    rows, detail = alices_browser.get(LIST), alices_browser.get(address(strategy, ""))
    (row,) = rows.context["rows"]
    assert row["strategy"].latest_backtests == row["strategy"].current_deployments == []
    assert list(detail.context["backtests"]) == list(detail.context["deployments"]) == []
    for response in (rows, detail):
        assert "Bob" not in page_text(response)


def test_get_deletes_nothing(alices_browser: Client, strategy: Strategy) -> None:
    assert alices_browser.get(address(strategy, "/delete")).status_code == 200
    assert alices_browser.head(address(strategy, "/delete")).status_code == 200
    assert Strategy.objects.filter(pk=strategy.pk).exists()


@pytest.mark.parametrize("page", ["/edit", "/delete"])
def test_a_form_without_csrf_token_changes_nothing(alice: User, strategy: Strategy, page: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post(address(strategy, page), FILLED).status_code == 403
    assert Strategy.objects.get().name == "Alice's own"


@pytest.mark.parametrize(
    ("page", "methods"),
    [
        ("", ["post", "put", "delete"]),
        ("/checks", ["post", "put", "delete"]),
        ("/edit", ["put", "delete"]),
        ("/delete", ["put", "delete"]),
    ],
)
def test_other_methods_are_not_allowed(
    alices_browser: Client, strategy: Strategy, page: str, methods: list[str]
) -> None:
    for method in methods:
        assert alices_browser.generic(method.upper(), address(strategy, page)).status_code == 405
    assert alices_browser.generic("POST", LIST).status_code == 405
    assert Strategy.objects.filter(pk=strategy.pk).exists()


@pytest.mark.parametrize("page", DETAIL_PAGES)
def test_an_unknown_strategy_is_not_found(alices_browser: Client, page: str) -> None:
    for pk in (0, 999_999, 2**63, 10**30):
        assert alices_browser.get(f"/dashboard/strategies/{pk}{page}").status_code == 404
