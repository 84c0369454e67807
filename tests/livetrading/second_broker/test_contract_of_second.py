"""The contract of every broker, held by the second broker of the tests; and what it does beyond it."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import (
    AttachedExit,
    Broker,
    BrokerOrder,
    Capabilities,
    OrderRefused,
    OrderRequest,
    OutcomeUnknown,
)
from tests.livetrading.second_broker.broker import SecondBroker
from tests.livetrading.second_broker.market import Path
from tests.livetrading.second_broker.variants import ATTACHED, GUARDED, REPLACING, SEPARATE


def a_broker(capabilities: Capabilities = REPLACING) -> SecondBroker:
    return SecondBroker(capabilities, paths={"W": Path(Decimal(10))})


def request(quantity: str = "10", **fields: Any) -> OrderRequest:
    values: dict[str, Any] = {"client_order_id": f"desk-{uuid.uuid4().hex}", "symbol": "W", "side": "buy"}
    return OrderRequest(**(values | {"quantity": Decimal(quantity)} | fields))


def stop(closes: OrderRequest, price: str = "9", **fields: Any) -> OrderRequest:
    quantity = str(fields.pop("quantity", closes.quantity))
    given = {"type": "stop", "stop_price": Decimal(price), "time_in_force": "gtc"} | fields
    return request(quantity, side="sell", closes=closes.client_order_id, **given)


def held(broker: SecondBroker) -> OrderRequest:
    """An entry that is filled."""
    entry = request()
    broker.submit(entry)
    broker.work()
    return entry


def state(broker: SecondBroker, order: OrderRequest) -> str:
    found = broker.order_by_client_id(order.client_order_id)
    return found.state if found else "unknown to the broker"


# --- The contract ---


def test_an_accepted_order_is_open_and_known_by_its_client_id() -> None:
    broker: Broker = a_broker()
    order = request()
    accepted = broker.submit(order)
    assert (accepted.client_order_id, accepted.state) == (order.client_order_id, "working")
    assert broker.order_by_client_id(order.client_order_id) == accepted
    assert broker.open_orders() == [accepted]
    assert broker.fills_since("") == broker.activities_since("") == []


def test_an_unknown_order_is_none_and_no_error() -> None:
    assert a_broker().order_by_client_id("desk-never") is None


def test_the_same_order_sent_twice_is_one_order() -> None:
    broker = a_broker()
    order = request()
    assert broker.submit(order) == broker.submit(order)
    broker.work()
    assert broker.submit(order).state == "filled"
    broker.work()
    assert len(broker.fills_since("")) == 1


def test_the_cursor_skips_old_fills_and_cash_and_positions_follow_them() -> None:
    broker = a_broker()
    order = held(broker)
    (fill,) = broker.fills_since("")
    assert (fill.client_order_id, fill.quantity, fill.commission) == (order.client_order_id, 10, 0)
    assert broker.fills_since(fill.activity_id) == []
    assert broker.account().cash == Decimal(100_000) - fill.quantity * fill.price
    assert broker.account().equity == Decimal(100_000)
    assert [(position.symbol, position.quantity) for position in broker.positions()] == [("W", 10)]


def test_a_cancelled_order_is_not_filled_and_a_late_cancel_changes_nothing() -> None:
    broker = a_broker()
    order = request()
    broker.largest_fill = Decimal(0)
    broker.submit(order)
    broker.cancel(order.client_order_id)
    assert state(broker, order) == "working"
    broker.work()
    assert (state(broker, order), broker.fills_since("")) == ("cancelled", [])
    broker.largest_fill = None
    filled = held(broker)
    broker.cancel(filled.client_order_id)
    broker.work()
    assert state(broker, filled) == "filled"


@pytest.mark.parametrize("quantity", ["0", "-1", "0.5"])
def test_a_quantity_that_is_not_accepted_is_refused_with_a_reason(quantity: str) -> None:
    with pytest.raises(OrderRefused, match="quantity"):
        a_broker().submit(request(quantity))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_unknown_and_the_order_can_be_asked_for(when: str) -> None:
    broker = a_broker()
    broker.losses = {"submit": [when]}
    order = request()
    with pytest.raises(OutcomeUnknown):
        broker.submit(order)
    assert state(broker, order) == ("working" if when == "after" else "unknown to the broker")
    assert broker.submit(order).state == "working"
    assert len(broker.open_orders()) == 1


# --- Its capabilities are enforced ---


def test_a_replacement_is_a_new_order_and_the_old_one_ends_as_cancelled() -> None:
    broker = a_broker()
    first = stop(held(broker))
    broker.submit(first)
    broker.work()
    second = stop(request(client_order_id=first.closes), "9.5")
    broker.replace(first.client_order_id, second)
    assert [state(broker, order) for order in (first, second)] == ["working", "working"]
    broker.work()
    assert [state(broker, order) for order in (first, second)] == ["cancelled", "working"]
    with pytest.raises(OrderRefused):
        broker.replace(first.client_order_id, stop(request(), "9.6"))


def test_a_replacement_of_an_order_that_fills_meanwhile_is_rejected() -> None:
    broker = a_broker()
    first = stop(held(broker))
    broker.submit(first)
    broker.work()
    second = stop(request(client_order_id=first.closes), "8.5")
    broker.replace(first.client_order_id, second)
    broker.move("W", 8.9)
    broker.work()
    assert [state(broker, order) for order in (first, second)] == ["filled", "rejected"]


def test_shares_that_are_locked_or_not_held_are_not_sold() -> None:
    broker = a_broker(SEPARATE)
    entry = held(broker)
    broker.submit(stop(entry))
    with pytest.raises(OrderRefused, match="locked"):
        broker.submit(request(side="sell", closes=entry.client_order_id))
    broker.submit(stop(entry, type="limit", stop_price=None, limit_price=Decimal(12)))
    broker.locks_together = False
    with pytest.raises(OrderRefused, match="locked"):
        broker.submit(stop(entry, type="limit", stop_price=None, limit_price=Decimal(12)))


def test_what_the_capabilities_exclude_is_refused() -> None:
    separate, guarded = a_broker(SEPARATE), a_broker(GUARDED)
    entry = held(separate)
    leg = AttachedExit(client_order_id="leg", type="stop", price=Decimal(9))
    for broker, order in [
        (separate, request(exits=(leg,))),
        (separate, stop(entry, quantity="0.5", fractional=True)),
        (guarded, stop(held(guarded))),
        (a_broker(ATTACHED), request(exits=(AttachedExit(client_order_id="leg", type="stop", distance=0.1),))),
        (separate, request("100000")),
    ]:
        with pytest.raises(OrderRefused):
            broker.submit(order)
    with pytest.raises(OrderRefused):
        separate.replace(entry.client_order_id, request())


def test_attached_exits_are_valid_once_the_entry_is_filled_completely() -> None:
    broker = a_broker(ATTACHED)
    legs = tuple(
        AttachedExit(client_order_id=name, type=name, price=Decimal(price))
        for name, price in [("stop", 9), ("limit", 12)]
    )
    entry = request(exits=legs)
    broker.largest_fill = Decimal(6)
    broker.submit(entry)
    broker.work()
    broker.largest_fill = Decimal(0)
    broker.move("W", 8.9, 10)
    broker.work()
    assert known(broker, "stop").filled_quantity == 0
    broker.largest_fill = None
    broker.work()
    broker.move("W", 8.9)
    broker.work()
    assert (known(broker, "stop").state, known(broker, "limit").state) == ("filled", "cancelled")
    assert broker.positions() == []


def known(broker: SecondBroker, client_order_id: str) -> BrokerOrder:
    order = broker.order_by_client_id(client_order_id)
    assert order is not None
    return order
