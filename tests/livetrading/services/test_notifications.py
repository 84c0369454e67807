"""The text, the event and the priority of notifications about fills and orders that were not placed."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import LiveStrategy, OrderState
from livetrading.services.notifications import notify_fill, notify_not_sent
from tests.livetrading.factories import NOW, closed, make_live_strategy, make_order, make_paper_trade
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Notification


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, name="Golden cross")


def fill(quantity: str = "10", price: str = "31.5") -> BrokerFill:
    return BrokerFill(
        activity_id="1",
        client_order_id="desk-1",
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(0),
        time=NOW,
    )


def notification_of(user: User) -> tuple[str, int, str]:
    notification = Notification.objects.get()
    assert (notification.user, notification.created_at, notification.read_at) == (user, NOW, None)
    assert notification.url == "/trades?mode=paper"
    return notification.event, notification.priority, notification.text


@pytest.mark.parametrize(
    ("quantity", "price", "shares"),
    [
        ("10", "31.5", "10 AAPL at $31.50"),
        ("100.000000", "1234.567891", "100 AAPL at $1,234.57"),
        ("0.250000", "31", "0.25 AAPL at $31.00"),
    ],
)
def test_a_purchase(alice: User, live: LiveStrategy, quantity: str, price: str, shares: str) -> None:
    order = make_order(user=alice, live_strategy=live)
    notify_fill(order, fill(quantity, price), make_paper_trade(user=alice), NOW)
    assert notification_of(alice) == ("order_filled", Priority.NORMAL, f"Bought {shares} · Golden cross")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (closed(NOW, 33), "Sold 10 AAPL at $31.50 · signal · +$30.00"),
        (closed(NOW, 30), "Sold 10 AAPL at $31.50 · signal · +$0.00"),
        (
            closed(NOW, 27, exit_reason="stop_loss"),
            "Sold 10 AAPL at $31.50 · stop loss · -$30.00",
        ),
        (
            closed(NOW, 40, exit_reason="take_profit", pnl=Decimal("1234.5")),
            "Sold 10 AAPL at $31.50 · take profit · +$1,234.50",
        ),
        (
            {"exit_quantity": Decimal(4), "pnl": Decimal(-2)},
            "Sold 10 AAPL at $31.50 · partial exit · -$2.00",
        ),
    ],
)
def test_a_sale_has_its_reason_and_its_profit_or_loss(
    alice: User, live: LiveStrategy, fields: dict[str, Any], text: str
) -> None:
    order = make_order(user=alice, live_strategy=live, side="sell", purpose="exit")
    notify_fill(order, fill(), make_paper_trade(user=alice, **fields), NOW)
    assert notification_of(alice) == ("order_filled", Priority.NORMAL, f"{text} · Golden cross")


def test_a_manual_order_has_no_strategy_name(alice: User) -> None:
    notify_fill(make_order(user=alice), fill(), make_paper_trade(user=alice), NOW)
    assert notification_of(alice) == ("order_filled", Priority.NORMAL, "Bought 10 AAPL at $31.50")


REFUSALS = [
    ("entry", OrderState.BLOCKED, {}, Event.ORDER_BLOCKED, Priority.NORMAL),
    ("entry", OrderState.REJECTED, {}, Event.ORDER_REJECTED, Priority.HIGH),
    ("entry", OrderState.EXPIRED, {}, Event.ORDER_REJECTED, Priority.HIGH),
    ("exit", OrderState.BLOCKED, {}, Event.ORDER_BLOCKED, Priority.CRITICAL),
    ("exit", OrderState.REJECTED, {}, Event.ORDER_REJECTED, Priority.CRITICAL),
    ("exit", OrderState.EXPIRED, {}, Event.ORDER_REJECTED, Priority.CRITICAL),
    # The desk guards it, so the shares are protected.
    ("stop_loss", OrderState.REJECTED, {"stop_price": Decimal(28)}, Event.ORDER_REJECTED, Priority.HIGH),
]


@pytest.mark.parametrize(("purpose", "state", "fields", "event", "priority"), REFUSALS)
def test_an_exit_that_is_not_placed_is_critical(
    alice: User, purpose: str, state: OrderState, fields: dict[str, Any], event: Event, priority: Priority
) -> None:
    notify_not_sent(make_order(user=alice, side="sell", purpose=purpose, **fields), state, "No.", NOW)
    assert notification_of(alice)[:2] == (event, priority)


@pytest.mark.parametrize(("side", "purpose", "shares"), [("buy", "entry", "Buy 10"), ("sell", "exit", "Sell 10")])
def test_an_order_that_was_not_placed_has_its_reason(alice: User, side: str, purpose: str, shares: str) -> None:
    order = make_order(user=alice, side=side, purpose=purpose)
    notify_not_sent(order, OrderState.BLOCKED, "Entries are stopped (kill switch).", NOW)
    assert notification_of(alice)[2] == f"{shares} AAPL was not placed: Entries are stopped (kill switch)."
