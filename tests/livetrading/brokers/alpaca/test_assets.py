"""What can be traded at Alpaca is known before an entry is decided; exits do not wait for it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from livetrading.brokers.alpaca.account import asset_of
from livetrading.brokers.protocol import Asset
from livetrading.models import Order, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.pipeline.assets import ask_for_assets, known_assets
from livetrading.pipeline.decide import decide
from livetrading.pipeline.evaluate import Evaluation, SignalEvent
from livetrading.pipeline.gate import OPEN
from livetrading.pipeline.tick import _assets
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.pipeline.test_decide import RICH, RULES, book, event
from tradedesk.accounts.models import User
from tradedesk.core.rules import RiskRules
from tradedesk.core.signals import Side


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    cache.clear()
    return alpaca_desk(server, alice, settings)


def asked(desk: AlpacaDesk, what: str = "GET /v2/assets/W") -> int:
    return desk.alpaca.asked().count(what)


# --- What Alpaca says ---


@pytest.mark.parametrize(
    ("row", "tradable", "fractionable"),
    [
        ({"status": "active", "tradable": True, "fractionable": True}, True, True),
        ({"status": "active", "tradable": True, "fractionable": False}, True, False),
        ({"status": "active", "tradable": False}, False, True),
        ({"status": "inactive", "tradable": True}, False, True),
        ({}, True, True),
    ],
)
def test_what_is_not_said_of_an_asset_stops_nothing(
    row: dict[str, Any], tradable: bool, fractionable: bool
) -> None:
    asset = asset_of(row)
    assert (asset.problem == "", asset.fractionable) == (tradable, fractionable)


def test_a_symbol_that_alpaca_does_not_know_cannot_be_traded(desk: AlpacaDesk) -> None:
    assert "does not know" in desk.alpaca.broker().asset("NO/NE").problem
    assert desk.alpaca.broker().asset("W") == Asset()


# --- The decision, pure ---


def test_an_entry_of_what_cannot_be_traded_is_refused_and_a_sale_is_not() -> None:
    events = [event("AAPL"), event("IBM", Side.SELL), event("CAT")]
    no = Asset(problem="Not tradable.")
    found = decide(events, book("IBM"), RULES, RICH, OPEN, assets={"AAPL": no, "IBM": no})
    assert [(each.event.symbol, each.code, bool(each.quantity)) for each in found] == [
        ("IBM", DecisionCode.ORDERED, True),
        ("AAPL", DecisionCode.UNTRADABLE, False),
        ("CAT", DecisionCode.ORDERED, True),
    ]
    assert found[1].reason == "Not tradable."


@pytest.mark.parametrize(("fractionable", "quantity"), [(True, Decimal("57.142857")), (False, Decimal(57))])
def test_parts_of_a_share_only_where_they_are_bought(fractionable: bool, quantity: Decimal) -> None:
    rules = RiskRules(position_size_pct=0.02, max_positions=5, fractional=True)
    assets = {"AAPL": Asset(fractionable=fractionable)}
    (found,) = decide([event("AAPL", close=35.0)], book(), rules, RICH, OPEN, assets=assets)
    assert found.quantity == quantity


# --- Through the pipeline ---


def test_a_symbol_that_cannot_be_traded_is_refused_at_the_check(desk: AlpacaDesk, server: AlpacaServer) -> None:
    server.market.assets["W"].tradable = False
    desk.deploy()
    desk.order_entries()
    (signal,) = SignalHistory.objects.filter(side="buy")
    assert (signal.outcome, signal.code) == (SignalHistory.Outcome.REFUSED, DecisionCode.UNTRADABLE)
    assert "cannot be traded" in signal.reason
    assert not desk.account.orders.exists()
    assert asked(desk, "POST /v2/orders") == 0


def test_a_symbol_without_parts_of_a_share_is_bought_whole_with_its_exits(
    desk: AlpacaDesk, server: AlpacaServer
) -> None:
    server.market.assets["W"].fractionable = False
    desk.deploy(fractional=True, max_position_size=Decimal(1000))
    desk.order_entries()
    (entry,) = desk.orders("entry")
    assert (entry.quantity, entry.fractional) == (90, False)
    assert {leg.holder for leg in entry.exits.all()} == {Order.Holder.ATTACHED}
    assert desk.books.refused == []


def test_a_symbol_is_asked_for_once_a_day(desk: AlpacaDesk) -> None:
    for _ in range(2):
        ask_for_assets(desk.account, desk.alpaca.broker(), ["W"], desk.now)
    assert asked(desk) == 1
    assert known_assets(desk.account, ["W", "V"], desk.now) == {"W": Asset()}
    tomorrow = desk.now + timedelta(days=1)
    assert known_assets(desk.account, ["W"], tomorrow) == {}


def test_an_answer_that_is_missing_stops_no_entry(desk: AlpacaDesk, server: AlpacaServer) -> None:
    server.script.add("html", "GET", "/v2/assets/W")
    desk.deploy()
    desk.order_entries()
    assert len(desk.orders("entry")) == 1
    assert asked(desk) == 1


@pytest.mark.parametrize(
    ("events", "ask", "requests"),
    [
        ([event("W")], True, 1),
        ([event("W")], False, 0),
        ([event("W"), event("AAPL", Side.SELL)], True, 0),
        ([event("W", Side.SELL)], True, 0),
    ],
)
def test_a_sale_does_not_wait_for_what_is_said_of_a_purchase(
    desk: AlpacaDesk, events: list[SignalEvent], ask: bool, requests: int
) -> None:
    """ask: False while an order waits to be sent."""
    evaluation = Evaluation(None, {}, {}, events, [])
    known = _assets(desk.account, desk.alpaca.broker(), [evaluation], desk.now, ask=ask)
    assert (asked(desk), known) == (requests, {"W": Asset()} if requests else {})
