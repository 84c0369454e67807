"""The contract of every broker adapter. Add a new adapter to the parameters of the fixture `at`."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from livetrading.brokers.protocol import AttachedExit, Broker, BrokerOrder, OrderRefused, OrderRequest
from livetrading.models import BrokerAccount
from livetrading.services.accounts import broker_for
from tests.livetrading.brokers.alpaca.stand_in import stand_in
from tests.livetrading.brokers.simulation.simulated_account import order_request
from tests.livetrading.pipeline.desk import WALL, open_account
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import session_close

At = Callable[[datetime], Broker]
DAYS = [session_close(date(2012, 3, day)) for day in (5, 6, 7, 8)]


@pytest.fixture
def paper(alice: User) -> At:
    """The simulation."""
    load_samples(WALL)
    open_account(alice, 100_000.0)
    return lambda now: broker_for(BrokerAccount.objects.get(), now)


@pytest.fixture(params=["paper", "alpaca"])
def at(request: pytest.FixtureRequest, alice: User) -> At:
    """Returns the broker of Alice's account at a market time."""
    if request.param == "paper":
        return cast("At", request.getfixturevalue("paper"))
    server, settings = request.getfixturevalue("server"), request.getfixturevalue("settings")
    return stand_in(server, alice, settings, DAYS[0]).at


def request(quantity: str = "10", **fields: Any) -> OrderRequest:
    return order_request(f"desk-{uuid.uuid4().hex}", quantity, **fields)


def protected(broker: Broker, **fields: Any) -> OrderRequest:
    """An entry with a stop and a target, as this broker takes them: at distances from the fill, or at prices."""
    entry = request(stop=0.10, target=0.5, **fields)
    if broker.capabilities.attached_exits_at_fill:
        return entry
    prices = {"stop": Decimal(18), "limit": Decimal(30)}
    return replace(entry, exits=tuple(replace(leg, distance=None, price=prices[leg.type]) for leg in entry.exits))


def legs_of(broker: Broker, entry: OrderRequest) -> dict[str, BrokerOrder]:
    """The open attached exits of this entry, by the ends of their ids."""
    return {
        order.client_order_id.removeprefix(f"{entry.client_order_id}-"): order
        for order in broker.open_orders()
        if order.client_order_id.startswith(f"{entry.client_order_id}-")
    }


def test_an_accepted_order_is_open_and_known_by_its_client_id(at: At) -> None:
    broker = at(DAYS[0])
    order = request()
    accepted = broker.submit(order)
    assert (accepted.client_order_id, accepted.state) == (order.client_order_id, "working")
    assert broker.order_by_client_id(order.client_order_id) == accepted
    assert broker.open_orders() == [accepted]
    assert broker.fills_since("") == []


def test_an_unknown_order_is_none_and_no_error(at: At) -> None:
    assert at(DAYS[0]).order_by_client_id("desk-never") is None


def test_the_same_order_sent_twice_is_one_order(at: At) -> None:
    order = request()
    assert at(DAYS[0]).submit(order) == at(DAYS[0]).submit(order)
    assert len(at(DAYS[0]).open_orders()) == 1
    assert len(at(DAYS[1]).fills_since("")) == 1


def test_an_order_sent_again_after_its_fill_is_returned_and_not_filled_again(at: At) -> None:
    order = request()
    at(DAYS[0]).submit(order)
    at(DAYS[1]).fills_since("")
    assert at(DAYS[1]).submit(order).state == "filled"
    assert len(at(DAYS[2]).fills_since("")) == 1


def test_an_order_is_filled_once_and_the_cursor_skips_old_fills(at: At) -> None:
    order = request()
    at(DAYS[0]).submit(order)
    (fill,) = at(DAYS[1]).fills_since("")
    assert (fill.client_order_id, fill.quantity) == (order.client_order_id, Decimal(10))
    # What is not after the cursor may be repeated.
    assert [each for each in at(DAYS[2]).fills_since(fill.activity_id) if each != fill] == []
    assert at(DAYS[2]).fills_since("") == [fill]


def test_cash_equity_and_positions_follow_the_fills(at: At) -> None:
    at(DAYS[0]).submit(request())
    (fill,) = at(DAYS[1]).fills_since("")
    account = at(DAYS[1]).account()
    assert account.cash == Decimal(100_000) - fill.quantity * fill.price - fill.commission
    (position,) = at(DAYS[1]).positions()
    assert (position.symbol, position.quantity) == ("AAPL", Decimal(10))


def test_a_filled_entry_creates_its_protective_exits(at: At) -> None:
    entry = protected(at(DAYS[0]), time_in_force="gtc")
    at(DAYS[0]).submit(entry)
    (fill,) = at(DAYS[1]).fills_since("")
    legs = legs_of(at(DAYS[1]), entry)
    stop, target = legs["stop"], legs["target"]
    assert len(at(DAYS[1]).open_orders()) == 2
    assert (stop.limit_price, target.stop_price) == (None, None)
    assert (stop.quantity, target.quantity) == (10, 10)
    assert float(stop.stop_price or 0) == pytest.approx(float(fill.price) * 0.9, abs=1e-6)
    assert float(target.limit_price or 0) == pytest.approx(float(fill.price) * 1.5, abs=1e-6)
    assert at(DAYS[1]).order_by_client_id(f"{entry.client_order_id}-stop") == stop
    assert at(DAYS[1]).order_by_client_id(f"{entry.client_order_id}-target") == target


def test_a_lot_is_closed_and_its_protective_exits_end(at: At) -> None:
    entry = protected(at(DAYS[0]), time_in_force="gtc")
    at(DAYS[0]).submit(entry)
    broker = at(DAYS[1])
    broker.fills_since("")
    if not broker.capabilities.attached_exits_at_fill:
        # They hold the shares, so they are cancelled before the sale.
        for suffix in legs_of(broker, entry):
            broker.cancel(f"{entry.client_order_id}-{suffix}")
        at(DAYS[1])
    at(DAYS[1]).submit(request(side="sell", closes=entry.client_order_id))
    at(DAYS[2]).fills_since("")
    assert at(DAYS[2]).open_orders() == []
    assert at(DAYS[2]).positions() == []
    for suffix in ("stop", "target"):
        leg = at(DAYS[2]).order_by_client_id(f"{entry.client_order_id}-{suffix}")
        assert leg is not None
        assert leg.state == "cancelled"


def test_an_attached_exit_closes_the_lot(at: At) -> None:
    """The price rises above the target."""
    entry = protected(at(DAYS[0]), time_in_force="gtc")
    target = entry.exits[1]
    near = {"distance": 1e-6} if target.price is None else {"price": Decimal("20.05")}
    at(DAYS[0]).submit(replace(entry, exits=(entry.exits[0], replace(target, **near))))
    at(DAYS[1])
    fills = at(DAYS[2]).fills_since("")
    assert [fill.client_order_id for fill in fills] == [entry.client_order_id, target.client_order_id]
    assert at(DAYS[2]).positions() == []
    assert at(DAYS[2]).open_orders() == []


def test_a_cancelled_order_is_not_filled(at: At) -> None:
    order = request()
    at(DAYS[0]).submit(order)
    at(DAYS[0]).cancel(order.client_order_id)
    assert at(DAYS[1]).fills_since("") == []
    cancelled = at(DAYS[1]).order_by_client_id(order.client_order_id)
    assert cancelled is not None
    assert cancelled.state == "cancelled"


def test_a_cancellation_after_the_fill_changes_nothing(at: At) -> None:
    order = request()
    at(DAYS[0]).submit(order)
    at(DAYS[1]).fills_since("")
    at(DAYS[1]).cancel(order.client_order_id)
    filled = at(DAYS[1]).order_by_client_id(order.client_order_id)
    assert filled is not None
    assert filled.state == "filled"


def test_an_order_without_a_quantity_is_refused_with_a_reason(at: At) -> None:
    with pytest.raises(OrderRefused, match="quantity must be above zero"):
        at(DAYS[0]).submit(request("0"))


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "stop_limit", "stop_price": Decimal(10), "limit_price": Decimal(10)},
        {"exits": (AttachedExit(client_order_id="x", type="stop", price=Decimal(10)),)},
        {"matching": None},
    ],
)
def test_the_simulation_refuses_what_it_cannot_do(paper: At, fields: dict[str, Any]) -> None:
    order = request(**fields)
    with pytest.raises(OrderRefused):
        paper(DAYS[0]).submit(order)
    assert paper(DAYS[0]).order_by_client_id(order.client_order_id) is None


def test_an_order_that_cannot_be_replaced_stays_as_it_is(at: At) -> None:
    """The simulation replaces none, and Alpaca none that has not been routed to the market."""
    order = request()
    at(DAYS[0]).submit(order)
    with pytest.raises(OrderRefused):
        at(DAYS[0]).replace(order.client_order_id, request())
    (working,) = at(DAYS[0]).open_orders()
    assert (working.client_order_id, working.state) == (order.client_order_id, "working")


def test_a_replaced_exit_is_another_order_and_the_old_one_is_cancelled(at: At) -> None:
    broker = at(DAYS[0])
    if not broker.capabilities.replace:
        return
    entry = protected(broker, time_in_force="gtc")
    broker.submit(entry)
    stop = f"{entry.client_order_id}-stop"
    new = request(
        side="sell", type="stop", time_in_force="gtc", stop_price=Decimal("18.5"), closes=entry.client_order_id
    )
    at(DAYS[1]).replace(stop, new)
    prices = {order.client_order_id: order.stop_price for order in at(DAYS[1]).open_orders()}
    assert prices == {new.client_order_id: Decimal("18.5"), f"{entry.client_order_id}-target": None}
    old = at(DAYS[1]).order_by_client_id(stop)
    assert old is not None
    assert old.state == "cancelled"


def test_an_account_without_activities_reports_none(at: At) -> None:
    assert at(DAYS[0]).activities_since("") == []
