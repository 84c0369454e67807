"""Reading never calls a broker: every page and every GET endpoint shows the stored records."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import LiveStrategy
from livetrading.models.account_rule_kinds import KINDS
from livetrading.pipeline import execute, tick
from livetrading.services import accounts
from livetrading.services.account_rules import create_default_rules
from livetrading.urls import desk_patterns
from tests.api.client import ApiClient
from tests.api.test_document import CONTRACT
from tests.livetrading.factories import (
    TODAY,
    WALL,
    account_of,
    at_day,
    make_backtest,
    make_desk_rows,
    make_strategy,
    report_figures,
)
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.services import load_samples

ENDPOINTS = sorted(
    path
    for method, path in CONTRACT
    if method == "get" and path.startswith(("/api/v1/live-trading", "/api/paper", "/api/v1/strategies"))
)


class BrokerCalled(Exception):
    pass


@pytest.fixture(autouse=True)
def _unreachable(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alice has records in both modes; then every way to a broker raises."""
    load_samples(WALL)
    at_day(TODAY)
    make_desk_rows(alice, 3)
    create_default_rules(account_of(alice))
    report_figures(alice, equity=90_000, cash=80_000)
    report_figures(alice, equity=7_000, cash=6_000, mode=Mode.LIVE)

    def refuse(*_: object, **__: object) -> None:
        raise BrokerCalled

    for module in (accounts, tick, execute):
        monkeypatch.setattr(module, "broker_for", refuse)
    monkeypatch.setattr(SimulatedBroker, "__init__", refuse)


def test_no_page_of_live_trading_calls_a_broker(alices_browser: Client, alice: User) -> None:
    live = alice.live_strategies.earliest("pk")
    opened = {}
    for pattern in desk_patterns:
        url = reverse(f"livetrading:{pattern.name}", kwargs=_arguments(live, pattern))
        opened[pattern.name] = alices_browser.get(url).status_code
    pages = {"dashboard": 200, "detail": 200, "trades": 200, "trades_csv": 200, "series_uses": 200, "events": 204}
    pages |= dict.fromkeys(("signals", "signals_csv", "stop_trading", "risk_rules", "risk_rule"), 200)
    pages |= dict.fromkeys(("close_position", "close_lot", "close_strategy"), 200)
    buttons = ("deploy", "start", "pause", "stop", "halt", "resume", "cancel_order")
    assert opened == opened | pages | dict.fromkeys(buttons, 405)
    assert set(opened.values()) <= {200, 204, 302, 400, 404, 405}
    for show in ("signals", "orders", "trades"):
        assert alices_browser.get(reverse("livetrading:detail", args=[live.pk]), {"show": show}).status_code == 200
    for mode in Mode.values:
        alice.mode = mode
        alice.save()
        for url in ("/dashboard", "/dashboard/live-trading", f"/trades?mode={mode}", f"/trades.csv?mode={mode}"):
            assert alices_browser.get(url).status_code == 200


def _arguments(live: LiveStrategy, pattern: URLPattern) -> dict[str, Any]:
    """Of a page's address, for a strategy with a lot."""
    lot = live.papertrades.get(exit_time=None)
    rows: dict[str, Any] = {
        "<uuid:pk>": live.orders.earliest("pk"),
        "signals/<int:pk>": live.signals.earliest("pk"),
        "risk-rules/<int:pk>": live.account.rules.earliest("pk"),
        "trades/<slug:mode>/<int:pk>": lot,
        "<int:pk>": live,
    }
    path = str(pattern.pattern)
    values = {
        "pk": next((row.pk for part, row in rows.items() if part in path), None),
        "account_id": live.account_id,
        "entry_id": lot.opening_order_id,
        "symbol": lot.symbol,
        "timeframe": lot.timeframe,
        "kind": next(iter(KINDS)),
        "mode": live.mode,
    }
    return {name: value for name, value in values.items() if f":{name}>" in path}


def test_no_page_with_a_deploy_button_calls_a_broker(alices_browser: Client, alice: User) -> None:
    """The button and its evidence show the equity at risk."""
    strategy = make_strategy(user=alice)
    backtest = make_backtest(
        user=alice,
        strategy=strategy,
        provenance=dict.fromkeys(("version", "kind_code", "engine_code"), "0") | {"data": {}},
    )
    for url in (
        "/dashboard/strategies",
        f"/dashboard/strategies/{strategy.pk}",
        "/dashboard/backtests",
        f"/dashboard/backtests/{backtest.pk}",
        f"/dashboard/backtests/{backtest.pk}/evidence",
    ):
        assert alices_browser.get(url).status_code == 200, url


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_get_endpoint_calls_a_broker(alice: User, path: str) -> None:
    pks = {
        "live_strategy_id": alice.live_strategies.earliest("pk").pk,
        "strategy_id": alice.strategies.earliest("pk").pk,
        "rule_id": account_of(alice).rules.earliest("pk").pk,
        "order_id": alice.orders.filter(account__mode=Mode.PAPER).earliest("pk").pk,
    }
    path = re.sub(r"\{(\w+)\}", lambda name: str(pks[name[1]]), path)
    assert ApiClient(alice).get(path).status == 200


def test_deploy_start_and_stop_do_not_call_a_broker(alices_browser: Client, alice: User) -> None:
    form = {"source": f"strategy:{make_strategy(user=alice).pk}", "deploy_key": "k"}
    assert alices_browser.post(reverse("livetrading:deploy"), form).status_code == 302
    live = alice.live_strategies.get(deploy_key="k")
    assert live.starting_equity == 90_000
    for action, status in (("pause", "paused"), ("start", "active"), ("stop", "stopped")):
        alices_browser.post(reverse(f"livetrading:{action}", args=[live.pk]))
        live.refresh_from_db()
        assert live.status == status
