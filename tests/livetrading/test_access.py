"""Access: Alice owns, Bob is another user, Charlie is logged out."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from livetrading.models import LiveStrategy
from tests.livetrading.factories import (
    make_backtest,
    make_candidate,
    make_desk_rows,
    make_live_strategy,
    make_strategy,
)
from tradedesk.accounts.models import User

PAGES = [
    "home",
    "livetrading:dashboard",
    "livetrading:trades",
    "livetrading:trades_csv",
    "livetrading:signals",
    "livetrading:signals_csv",
]
ACTIONS = ["start", "pause", "stop"]


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, name="Alice's own")


def test_the_addresses(live: LiveStrategy) -> None:
    assert [reverse(name) for name in PAGES] == [
        "/dashboard",
        "/dashboard/live-trading",
        "/trades",
        "/trades.csv",
        "/signals",
        "/signals.csv",
    ]
    assert reverse("livetrading:deploy") == "/dashboard/live-trading/deploy"
    assert reverse("livetrading:detail", args=[7]) == "/dashboard/live-trading/7"
    assert reverse("livetrading:stop", args=[7]) == "/dashboard/live-trading/7/stop"
    assert reverse("livetrading:events") == "/events"


@pytest.mark.parametrize("name", PAGES)
def test_bob_sees_nothing_of_alice(bobs_browser: Client, alices_browser: Client, alice: User, name: str) -> None:
    make_desk_rows(alice, 2)
    LiveStrategy.objects.update(name="Alice's own")
    alice.strategies.update(name="Alice's own")
    alice.backtests.update(strategy_name="Alice's own")
    owned = "Alice&#x27;s own" if not name.endswith("_csv") else "Alice's own"
    assert owned in text_of(alices_browser.get(reverse(name)))
    assert owned not in text_of(bobs_browser.get(reverse(name)))


def text_of(response: Any) -> str:
    return str(response.getvalue().decode())


@pytest.mark.parametrize("name", PAGES)
def test_charlie_is_redirected_to_the_login(charlies_browser: Client, name: str) -> None:
    response = charlies_browser.get(reverse(name))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))


def test_only_the_owner_sees_a_live_strategy(
    alices_browser: Client, bobs_browser: Client, charlies_browser: Client, live: LiveStrategy
) -> None:
    url = reverse("livetrading:detail", args=[live.pk])
    assert alices_browser.get(url).status_code == 200
    assert bobs_browser.get(url).status_code == 404
    assert charlies_browser.get(url).status_code == 302


@pytest.mark.parametrize("action", ACTIONS)
def test_only_the_owner_controls(
    bobs_browser: Client, charlies_browser: Client, live: LiveStrategy, action: str
) -> None:
    status = "paused" if action == "start" else "active"
    LiveStrategy.objects.update(status=status)
    url = reverse(f"livetrading:{action}", args=[live.pk])
    assert bobs_browser.post(url).status_code == 404
    assert charlies_browser.post(url).status_code == 302
    live.refresh_from_db()
    assert live.status == status


@pytest.mark.parametrize("source", ["strategy", "backtest", "candidate"])
def test_only_the_owner_deploys(alice: User, bobs_browser: Client, charlies_browser: Client, source: str) -> None:
    sources = {
        "strategy": lambda: make_strategy(user=alice).pk,
        "backtest": lambda: make_backtest(user=alice).pk,
        "candidate": lambda: make_candidate(user=alice).pk,
    }
    pk = sources[source]()
    form = {"source": f"{source}:{pk}", "deploy_key": "k"}
    assert bobs_browser.post(reverse("livetrading:deploy"), form).status_code == 404
    assert charlies_browser.post(reverse("livetrading:deploy"), form).status_code == 302
    assert not LiveStrategy.objects.exists()


def test_actions_accept_only_post(alices_browser: Client, live: LiveStrategy) -> None:
    urls = [reverse(f"livetrading:{action}", args=[live.pk]) for action in ACTIONS]
    for url in [*urls, reverse("livetrading:deploy")]:
        for method in ("get", "put", "delete"):
            assert getattr(alices_browser, method)(url).status_code == 405


def test_pages_do_not_accept_post(alices_browser: Client, live: LiveStrategy) -> None:
    urls = [reverse(name) for name in PAGES]
    for url in [*urls, reverse("livetrading:detail", args=[live.pk])]:
        assert alices_browser.post(url).status_code == 405


def test_a_post_needs_its_csrf_token(alice: User, live: LiveStrategy) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.post(reverse("livetrading:stop", args=[live.pk])).status_code == 403
    assert browser.post(reverse("livetrading:deploy"), {"source": "strategy:1"}).status_code == 403
