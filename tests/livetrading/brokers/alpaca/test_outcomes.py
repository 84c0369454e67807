"""What becomes of a request: accepted, refused or unknown, by the answer. With the real alpaca-py over HTTP."""

import json
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
import requests

from livetrading.brokers.alpaca import client as client_module
from livetrading.brokers.alpaca import connections
from livetrading.brokers.alpaca.broker import AlpacaBroker
from livetrading.brokers.alpaca.budget import RequestBudget, Urgency
from livetrading.brokers.alpaca.client import Client, NotUnique, _judged, _library
from livetrading.brokers.alpaca.connections import use_shared, within
from livetrading.brokers.protocol import KeysRefused, OrderRefused, OutcomeUnknown, TooManyRequests
from livetrading.credentials import Credentials
from livetrading.models import BrokerAccount
from tests.alpaca_server.account import Account
from tests.alpaca_server.script import AFTER, BEFORE
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.stand_in import request

# Faults after which the caller has a proper answer of an accepted order.
HARMLESS = {"word", "missing", "extra", "slow"}
ORDERS = "^/v2/orders$"


@pytest.fixture
def books(server: AlpacaServer) -> Account:
    server.list_assets(AAPL=20.0)
    return server.open_account()


@pytest.fixture
def broker(server: AlpacaServer, books: Account, monkeypatch: pytest.MonkeyPatch) -> AlpacaBroker:
    # A request that hangs must end soon, and one on a busy machine must not.
    monkeypatch.setattr(client_module, "CALL", 2.0)
    monkeypatch.setattr(AlpacaBroker, "_urgency_of_question", lambda self, client_order_id: Urgency.EXIT)
    return broker_with(server, Credentials(key_id=books.key, secret=books.secret))


def broker_with(server: AlpacaServer, credentials: Credentials) -> AlpacaBroker:
    """An adapter of an account that is in no database, where no order was sent before."""
    budget = RequestBudget(f"{server.url}-{id(server.market)}", 200)
    return AlpacaBroker(BrokerAccount(pk=1), server.market.now, Client(server.url, credentials, budget))


def placed(books: Account, id_: str) -> bool:
    return id_ in books.orders


@pytest.mark.parametrize("how", [how for how in AFTER if not how.startswith("kill")])
def test_an_order_that_was_accepted_is_never_refused(
    server: AlpacaServer, books: Account, broker: AlpacaBroker, how: str
) -> None:
    server.script.add(how, "POST", ORDERS, seconds=0.1)
    if how in HARMLESS:
        answer = broker.submit(request("desk-a"))
        assert answer.state == ("unknown" if how == "word" else "working")
    else:
        with pytest.raises(OutcomeUnknown):
            broker.submit(request("desk-a"))
    assert placed(books, "desk-a")
    # The desk asks, or sends the same order again: there is one.
    found = broker.order_by_client_id("desk-a")
    assert found is not None
    assert broker.submit(request("desk-a")).broker_order_id == found.broker_order_id
    assert len(books.orders) == 1


@pytest.mark.parametrize("how", [how for how in BEFORE if not how.startswith("kill")])
def test_an_order_that_did_not_arrive_is_unknown_and_not_repeated_by_itself(
    server: AlpacaServer, books: Account, broker: AlpacaBroker, how: str
) -> None:
    server.script.add(how, "POST", ORDERS, seconds=30)
    with pytest.raises(OutcomeUnknown) as raised:
        broker.submit(request("desk-a"))
    assert isinstance(raised.value, TooManyRequests) == how.startswith("busy")
    assert not placed(books, "desk-a")
    assert [each.method for _, each, _ in server.requests] == ["POST"]
    assert broker.order_by_client_id("desk-a") is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_an_error_of_the_server_is_unknown(server: AlpacaServer, broker: AlpacaBroker, status: int) -> None:
    server.script.add("error_after", "POST", ORDERS, status=status)
    with pytest.raises(OutcomeUnknown):
        broker.submit(request("desk-a"))


def test_a_used_id_that_is_not_found_yet_is_unknown(
    server: AlpacaServer, books: Account, broker: AlpacaBroker
) -> None:
    """The answer to the first one was lost; 422 is the answer to the second one, and the order lives."""
    server.script.add("lost_after", "POST", ORDERS)
    with pytest.raises(OutcomeUnknown):
        broker.submit(request("desk-a"))
    server.script.add("blind", "GET")
    with pytest.raises(OutcomeUnknown):
        broker.submit(request("desk-a"))
    assert placed(books, "desk-a")


def test_the_id_of_a_cancelled_order_is_the_cancelled_order(books: Account, broker: AlpacaBroker) -> None:
    broker.submit(request("desk-a"))
    books.end(books.orders["desk-a"], "canceled")
    assert broker.submit(request("desk-a")).state == "cancelled"


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"symbol": "NONE"}, "does not know the symbol"),
        ({"quantity": 100_000}, "buying power"),
        ({"type": "limit", "limit_price": 0}, "takes no price"),
        ({"side": "sell", "symbol": "AAPL"}, "short"),
        ({"quantity": "0.001"}, "at least $1"),
        ({"quantity": "0"}, "above zero"),
        ({"side": "bought"}, "invalid side"),
    ],
)
def test_a_refusal_has_a_sentence(broker: AlpacaBroker, fields: dict[str, Any], part: str) -> None:
    values = {"quantity": 10} | fields
    if "limit_price" in values:
        values["limit_price"] = Decimal(values["limit_price"])
    with pytest.raises(OrderRefused, match=part.replace("$", "\\$")):
        broker.submit(request("desk-a", values.pop("quantity"), **values))


@pytest.mark.parametrize("key", [True, False])
def test_keys_that_are_not_accepted_are_no_refusal_of_the_order(
    server: AlpacaServer, books: Account, key: bool
) -> None:
    """Alpaca answers 401 to an unknown key, and 403 to a wrong secret."""
    broker = broker_with(server, Credentials(key_id=books.key if key else "PKNOBODY", secret="not-the-secret"))
    for ask in (broker.account, lambda: broker.submit(request("desk-a")), broker.open_orders):
        with pytest.raises(KeysRefused):
            ask()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, {"message": "Forbidden"}, KeysRefused),
        (403, {"code": 40110000, "message": "request is not authorized"}, KeysRefused),
        (403, {"code": 40310000, "message": "insufficient buying power"}, OrderRefused),
        (403, {"message": "Access denied by the proxy"}, OutcomeUnknown),
        (422, {"code": 42210000, "message": "qty must be > 0"}, OrderRefused),
        (422, {"code": 40010001, "message": "client_order_id must be unique"}, NotUnique),
    ],
)
def test_a_403_of_a_gateway_is_no_refusal_of_the_order(
    status: int, body: dict[str, Any], expected: type[Exception]
) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = status, json.dumps(body).encode()
    with pytest.raises((OutcomeUnknown, OrderRefused)) as raised:
        _judged(answer, 0.0, missing=False)
    assert type(raised.value) is expected


@pytest.mark.parametrize("how", [how for how in BEFORE + AFTER if how not in HARMLESS and "kill" not in how])
def test_a_report_that_does_not_come_is_unknown(
    server: AlpacaServer, broker: AlpacaBroker, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(client_module, "CALL", 1.0)
    server.script.add(how, "GET", "^/v2/account$", seconds=1)
    with pytest.raises(OutcomeUnknown):
        broker.account()
    if not how.startswith("busy"):
        assert broker.account().status == "ACTIVE"


@pytest.mark.django_db
def test_a_request_for_too_many_waits_as_long_as_the_broker_says(
    server: AlpacaServer, broker: AlpacaBroker
) -> None:
    server.script.add("busy", "GET", "^/v2/positions$", seconds=25)
    with pytest.raises(TooManyRequests) as raised:
        broker.positions()
    assert timedelta(seconds=15) <= raised.value.retry_after <= timedelta(seconds=26)
    # Meanwhile entries and reports wait, and the question for an order, cancellations and exits go out.
    with pytest.raises(TooManyRequests):
        broker.submit(request("desk-a"))
    with pytest.raises(TooManyRequests):
        broker.open_orders()
    assert broker.order_by_client_id("desk-a") is None
    broker.cancel("desk-a")
    with pytest.raises(OrderRefused):
        broker.submit(request("desk-b", side="sell"))


def test_the_requests_of_one_call_share_its_time(
    server: AlpacaServer, books: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CALL", client_module.LEAST / 2)
    broker = broker_with(server, Credentials(key_id=books.key, secret=books.secret))
    with pytest.raises(OutcomeUnknown):
        broker.account()
    assert server.requests == []


def test_a_request_that_its_own_time_limits_do_not_end_is_left_behind(
    server: AlpacaServer, books: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a name is not found, or an answer comes byte by byte."""
    monkeypatch.setattr(client_module, "CALL", 2 * client_module.LEAST)
    broker = broker_with(server, Credentials(key_id=books.key, secret=books.secret))
    ended = Event()
    monkeypatch.setattr(broker._client, "_send", lambda *request, **fields: ended.wait(60))
    with pytest.raises(OutcomeUnknown):
        broker.account()
    assert not ended.is_set()
    ended.set()


def test_a_connection_that_comes_too_late_sends_nothing(server: AlpacaServer, books: Account) -> None:
    connections._shared.cache_clear()  # none is left of another test
    session = requests.Session()
    use_shared(session)
    keys = {"APCA-API-KEY-ID": books.key, "APCA-API-SECRET-KEY": books.secret}
    with pytest.raises(requests.RequestException):
        within(0.0, lambda: session.get(f"{server.url}/v2/account", headers=keys))
    assert server.requests == []
    assert within(60.0, lambda: session.get(f"{server.url}/v2/account", headers=keys)).status_code == 200


def test_all_clients_of_a_process_share_its_connections(server: AlpacaServer) -> None:
    keys = Credentials(key_id="PKONE", secret="one")
    sessions = [_library(server.url, keys)[1] for _ in range(2)]
    adapters = [session.get_adapter(url) for session in sessions for url in ("http://a", "https://a")]
    assert len({id(adapter) for adapter in adapters}) == 1
    assert sessions[0] is not sessions[1]


def test_the_library_is_asked_to_repeat_nothing_and_never_without_a_host(
    server: AlpacaServer, books: Account
) -> None:
    keys, budget = Credentials(key_id=books.key, secret=books.secret), RequestBudget("none", 200)
    library: Any = Client(server.url, keys, budget)._library
    assert library._retry == 0
    assert library._base_url == server.url
    with pytest.raises(ValueError, match="host"):
        Client("", keys, budget)


def test_numbers_are_read_as_they_stand_in_the_answer(server: AlpacaServer, books: Account) -> None:
    from tests.alpaca_server.routes import Route

    broker = broker_with(server, Credentials(key_id=books.key, secret=books.secret))
    odd = '{"cash": 0.1, "equity": "100000.000000000000000001", "buying_power": 3}'
    route = Route("GET", "/v2/odd", lambda server, account, request: (200, json.loads(odd)))
    server.routes.append(route)
    answer = broker._client.get("/odd", urgency=Urgency.EXIT)
    server.routes.remove(route)
    assert str(Decimal(answer["cash"])) == "0.1"
    assert answer["equity"] == "100000.000000000000000001"
