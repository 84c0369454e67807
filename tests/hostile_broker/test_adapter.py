"""The adapter of the hostile broker over HTTP: it keeps the contract of a broker, and has the right word for each
answer."""

import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import Broker, OrderRefused, OrderRequest, OutcomeUnknown, TooManyRequests
from tests.hostile_broker import adapter
from tests.hostile_broker.adapter import HostileAdapter
from tests.hostile_broker.script import AFTER, Request, Script
from tests.hostile_broker.server import HostileBroker
from tests.hostile_broker.variants import VARIANTS


@pytest.fixture(scope="module")
def server() -> Iterator[HostileBroker]:
    server = HostileBroker()
    yield server
    server.close()


@pytest.fixture
def broker(server: HostileBroker, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Broker:
    monkeypatch.setattr(adapter, "TIMEOUTS", (5, 5))
    variant = getattr(request, "param", "separate")
    server.reset()
    server.open_account("alice", VARIANTS[variant], Decimal(10_000), W=10.0)
    return HostileAdapter(server.url, "alice", VARIANTS[variant])


def order(quantity: str = "10", **fields: Any) -> OrderRequest:
    values: dict[str, Any] = {"client_order_id": f"desk-{uuid.uuid4().hex}", "symbol": "W", "side": "buy"}
    return OrderRequest(**(values | {"quantity": Decimal(quantity)} | fields))


def test_an_accepted_order_is_open_filled_and_held(server: HostileBroker, broker: Broker) -> None:
    request = order()
    accepted = broker.submit(request)
    assert (accepted.client_order_id, accepted.state) == (request.client_order_id, "working")
    assert broker.order_by_client_id(request.client_order_id) == accepted
    assert broker.open_orders() == [accepted]
    assert broker.fills_since("") == broker.activities_since("") == []
    server.accounts["alice"].work()
    (fill,) = broker.fills_since("")
    assert (fill.client_order_id, fill.quantity, fill.price) == (request.client_order_id, 10, 10)
    assert [(each.symbol, each.quantity) for each in broker.positions()] == [("W", 10)]
    report = broker.account()
    assert (report.cash, report.equity, broker.open_orders()) == (9_900, 10_000, [])


def test_an_unknown_order_is_none_and_no_error(broker: Broker) -> None:
    assert broker.order_by_client_id("desk-never") is None


def test_a_replaced_and_a_cancelled_order_end(server: HostileBroker, broker: Broker) -> None:
    server.accounts["alice"].capabilities = VARIANTS["replacing"]
    entry = order()
    broker.submit(entry)
    server.accounts["alice"].work()
    fields: dict[str, Any] = {"side": "sell", "type": "stop", "closes": entry.client_order_id}
    first, second = (order(stop_price=Decimal(price), **fields) for price in ("9", "9.5"))
    broker.submit(first)
    server.accounts["alice"].work()
    broker.replace(first.client_order_id, second)
    server.accounts["alice"].work()
    found = [broker.order_by_client_id(each.client_order_id) for each in (first, second)]
    assert [each and each.state for each in found] == ["cancelled", "working"]
    broker.cancel(second.client_order_id)
    server.accounts["alice"].work()
    assert broker.open_orders() == []


@pytest.mark.parametrize(
    "how", ["lost_before", "lost_after", "error_before", "error_after", "html", "cut", "text"]
)
def test_an_answer_that_is_no_proper_one_is_unknown(server: HostileBroker, broker: Broker, how: str) -> None:
    server.script.add(how, "submit")
    request = order()
    with pytest.raises(OutcomeUnknown):
        broker.submit(request)
    booked = how in AFTER
    assert (broker.order_by_client_id(request.client_order_id) is not None) == booked


def test_a_word_that_nobody_has_documented_is_unknown(server: HostileBroker, broker: Broker) -> None:
    server.script.add("word", "submit")
    assert broker.submit(order()).state == "unknown"


def test_a_broker_that_hangs_is_left_after_the_time_out(
    server: HostileBroker, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "TIMEOUTS", (0.05, 0.05))
    server.script.add("hang_after", "submit")
    with pytest.raises(OutcomeUnknown):
        broker.submit(order())
    assert len(server.accounts["alice"].orders) == 1


def test_a_refusal_has_the_words_of_the_broker(broker: Broker) -> None:
    with pytest.raises(OrderRefused, match="quantity is not accepted"):
        broker.submit(order("0"))
    with pytest.raises(OrderRefused, match="not enough cash"):
        broker.submit(order("100000"))


def test_a_duplicate_of_an_order_that_lives_is_no_refusal(server: HostileBroker, broker: Broker) -> None:
    request = order()
    broker.submit(request)
    with pytest.raises(OutcomeUnknown, match="must be unique"):
        broker.submit(request)
    assert len(server.accounts["alice"].orders) == 1


@pytest.mark.parametrize("broker", ["careless"], indirect=True)
def test_a_careless_broker_makes_a_second_order_of_it(server: HostileBroker, broker: Broker) -> None:
    request = order()
    broker.submit(request)
    broker.submit(request)
    assert len(server.accounts["alice"].orders) == 2
    assert server.accounts["alice"].doubled == [request.client_order_id]


CALLS: list[Callable[[Broker], object]] = [
    lambda broker: broker.submit(order()),
    lambda broker: broker.order_by_client_id("desk-1"),
    lambda broker: broker.account(),
]


@pytest.mark.parametrize("call", CALLS)
def test_too_many_requests_say_how_long_to_wait(
    server: HostileBroker, broker: Broker, call: Callable[[Broker], object]
) -> None:
    server.script.add("busy", seconds=2.5)
    with pytest.raises(TooManyRequests) as raised:
        call(broker)
    assert raised.value.retry_after.total_seconds() == 2.5


def test_a_key_that_is_not_known_is_no_refusal_of_an_order(server: HostileBroker, broker: Broker) -> None:
    with pytest.raises(OutcomeUnknown):
        HostileAdapter(server.url, "nobody", VARIANTS["separate"]).submit(order())


def test_the_faults_of_a_script_follow_its_seed(server: HostileBroker) -> None:
    """A probability of a half meets about half of the requests, and the same ones again."""

    def met(seed: int) -> list[bool]:
        script = Script(seed)
        script.add("lost_before", times=None, probability=0.5)
        return [script.take(Request("submit", "alice")) is not None for _ in range(100)]

    assert met(1) == met(1) != met(2)
    assert 30 < sum(met(1)) < 70


def test_fills_can_be_shuffled_hidden_and_changed(server: HostileBroker, broker: Broker) -> None:
    books = server.accounts["alice"]
    books.largest_fill = Decimal(5)
    broker.submit(order())
    books.work()
    books.work()
    books.shuffled = True
    assert [fill.activity_id for fill in broker.fills_since("")] == ["2", "1", "1", "2"]
    books.shuffled, books.hidden = False, {"1"}
    assert [fill.activity_id for fill in broker.fills_since("2")] == ["2"]
    books.bust("1")
    books.bust("2", price="9")
    bust, correction = broker.activities_since("")
    assert (bust.kind, bust.previous_id, bust.amount, bust.quantity) == ("bust", "1", 50, 0)
    assert (correction.activity_id, correction.quantity, correction.price) == ("activity-2", 5, 9)
    assert broker.activities_since(correction.activity_id) == []
    assert (broker.account().cash, broker.positions()[0].quantity) == (9_955, 5)
