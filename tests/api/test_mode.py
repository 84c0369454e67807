"""The mode through the API."""

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from livetrading.models import LiveStrategy
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import (
    TODAY,
    closed,
    make_live_strategy,
    make_live_trade,
    make_paper_trade,
    report_figures,
)
from tests.livetrading.services.test_mode import SECRET, untested, verified
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import session_close

MODE = "/api/mode"
KEYS = {"active_mode", "last_mode_change", "paper_balance", "paper_realized_pnl", "is_live_broker_configured"}
LIVE = {"mode": "live", "confirm_live": True}


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Settings) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = False


def test_a_new_user_is_on_paper(alices: ApiClient, settings: Settings) -> None:
    settings.PAPER_STARTING_CASH = 50_000.0
    assert alices.get(MODE).json == {
        "active_mode": "paper",
        "last_mode_change": None,
        "paper_balance": 50_000.0,
        "paper_realized_pnl": 0.0,
        "is_live_broker_configured": False,
    }


def test_to_live_and_back(alice: User, alices: ApiClient) -> None:
    verified(alice)
    for body, mode in ((LIVE, "live"), ({"mode": "paper"}, "paper")):
        response = alices.post(MODE, body)
        assert (response.status, response.json.keys()) == (200, KEYS)
        assert (response.json["active_mode"], response.json["is_live_broker_configured"]) == (mode, True)
        assert response.json["last_mode_change"].endswith("Z")
        assert alices.get(MODE).json == response.json
        assert alices.get("/api/v1/live-trading/dashboard").json["mode"] == mode


@pytest.mark.parametrize("body", [{"mode": "live"}, {"mode": "live", "confirm_live": False}])
def test_without_a_confirmation_it_is_400(alice: User, alices: ApiClient, body: dict[str, Any]) -> None:
    verified(alice)
    response = alices.post(MODE, body)
    assert (response.status, response.json.keys()) == (400, {"detail"})
    assert alices.get(MODE).json["active_mode"] == "paper"


def test_without_verified_keys_it_is_409(alice: User, alices: ApiClient) -> None:
    untested(alice)
    response = alices.post(MODE, LIVE)
    assert (response.status, response.json.keys()) == (409, {"detail"})
    assert "keys" in response.json["detail"]


def test_without_the_second_factor_it_is_403(alice: User, alices: ApiClient, settings: Settings) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = True
    verified(alice)
    response = alices.post(MODE, LIVE)
    assert (response.status, response.json.keys()) == (403, {"detail"})
    TOTP.activate(alice, SECRET)
    assert alices.post(MODE, LIVE).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "mode"),
        ({"mode": "LIVE"}, "mode"),
        ({"mode": 1}, "mode"),
        ({"mode": "live", "confirm_live": "true"}, "confirm_live"),
        ({"mode": "paper", "confirm": True}, "confirm"),
    ],
)
def test_a_wrong_body_is_422(alices: ApiClient, body: dict[str, Any], field: str) -> None:
    assert field_messages(alices.post(MODE, body)).keys() == {field}


def test_the_modes_of_users_are_their_own(alice: User, alices: ApiClient, bobs: ApiClient) -> None:
    verified(alice)
    report_figures(alice, equity=7_000, cash=6_000)
    alices.post(MODE, LIVE)
    assert bobs.get(MODE).json["active_mode"] == "paper"
    assert bobs.get(MODE).json["paper_balance"] == 100_000.0
    assert bobs.post(MODE, LIVE).status == 409


def test_the_figures_are_those_of_the_paper_account(alice: User, alices: ApiClient) -> None:
    """The totals that the booking keeps, those of a deleted strategy too, and the lots without a strategy."""
    report_figures(alice, equity=101_000, cash=60_000.5)
    for price in (42, 28):
        live = make_live_strategy(user=alice)
        make_paper_trade(user=alice, live_strategy=live, **closed(session_close(TODAY), price))
        LiveStrategy.objects.filter(pk=live.pk).update(deleted_at=live.deployed_at)
    real = make_live_strategy(user=alice, mode="live")
    make_live_trade(user=alice, live_strategy=real, **closed(session_close(TODAY), 530))
    make_paper_trade(user=alice, **closed(session_close(TODAY)))
    seen = alices.get(MODE).json
    assert (seen["paper_balance"], seen["paper_realized_pnl"]) == (60_000.5, 130.0)


def test_the_number_of_queries_is_constant(alice: User, alices: ApiClient) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            make_paper_trade(user=alice, live_strategy=make_live_strategy(user=alice))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            alices.get(MODE)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5


def test_too_many_switches_to_live_are_429_and_to_paper_never(
    alice: User, alices: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livetrading.services.mode.MOST_SWITCHES", 2)
    verified(alice)
    answers = [alices.post(MODE, body).status for _ in range(3) for body in (LIVE, {"mode": "paper"})]
    assert answers == [200, 200, 200, 200, 429, 200]
