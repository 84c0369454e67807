"""How the stand-in misbehaves, and what comes out of the real alpaca-py then."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient

from tests.alpaca_server.account import Account
from tests.alpaca_server.client import refusal
from tests.alpaca_server.script import AFTER, Request, Script
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body

NOTHING_READABLE: list[tuple[str, type[Exception]]] = [
    ("lost_before", requests.ConnectionError),
    ("lost_after", requests.ConnectionError),
    ("late", requests.ConnectionError),
    ("half", requests.exceptions.ChunkedEncodingError),
    ("html", requests.JSONDecodeError),
    ("text", requests.JSONDecodeError),
    ("cut", requests.JSONDecodeError),
]


@pytest.mark.parametrize(("how", "error"), NOTHING_READABLE)
def test_an_answer_that_is_none_may_have_had_an_effect(
    server: AlpacaServer, client: Any, account: Account, how: str, error: type[Exception]
) -> None:
    server.script.add(how, "POST", "/v2/orders$")
    with pytest.raises(error):
        client.post("/orders", body(client_order_id="desk-1"))
    assert ("desk-1" in account.orders) == (how in AFTER)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_after_the_order_was_accepted_hides_it(
    server: AlpacaServer, client: Any, account: Account, status: int
) -> None:
    server.script.add("error_after", "POST", status=status)
    with pytest.raises(APIError) as raised:
        client.post("/orders", body(client_order_id="desk-1"))
    assert raised.value.status_code == status
    with pytest.raises(json.JSONDecodeError):
        assert raised.value.code
    assert refusal(lambda: client.post("/orders", body(client_order_id="desk-1"))).code == 40010001
    assert len(account.orders) == 1


def test_an_error_can_be_readable(server: AlpacaServer, client: Any, account: Account) -> None:
    server.script.add("error_before", "POST", status=403, message="symbol is halted")
    server.script.add("error_after", "POST", status=500, message="internal server error")
    first, second = (refusal(lambda: client.post("/orders", body())) for _ in range(2))
    assert (first.status, first.code, first.message) == (403, 40310000, "symbol is halted")
    assert (second.status, second.code, len(account.orders)) == (500, 50010000, 1)


def test_the_library_sends_an_order_twice_by_itself(server: AlpacaServer, account: Account) -> None:
    """So an adapter has to take the repetitions away from it."""
    client = TradingClient(account.key, account.secret, raw_data=True, url_override=server.url)
    client._retry_wait = 0
    server.script.add("error_after", "POST", status=504)
    assert refusal(lambda: client.post("/orders", body(client_order_id="desk-1"))).code == 40010001
    assert [request.method for _, request, _ in server.requests] == ["POST", "POST"]


def test_a_redirect_has_no_answer_at_all(server: AlpacaServer, client: Any, account: Account) -> None:
    server.script.add("redirect", "POST")
    assert client.post("/orders", body()) is None
    assert len(account.orders) == 1


def test_a_late_order_arrives_after_it_was_asked_for(server: AlpacaServer, client: Any, account: Account) -> None:
    server.script.add("late", "POST")
    with pytest.raises(requests.ConnectionError):
        client.post("/orders", body(client_order_id="desk-1"))
    assert refusal(lambda: client.get_order_by_client_id("desk-1")).status == 404
    ((status, answer),) = server.arrive()
    assert (status, client.get_order_by_client_id("desk-1")["id"]) == (200, answer["id"])


def test_the_broker_can_be_blind_for_its_orders(server: AlpacaServer, client: Any) -> None:
    client.post("/orders", body(client_order_id="desk-1"))
    server.script.add("blind", "GET", "/v2/orders", times=2)
    assert client.get("/orders") == []
    assert refusal(lambda: client.get_order_by_client_id("desk-1")).status == 404
    assert client.get_order_by_client_id("desk-1")["status"] == "pending_new"


@pytest.mark.parametrize(
    ("path", "name"),
    [("/orders", "status"), ("/account/activities", "activity_type"), ("/positions", "asset_class")],
)
def test_words_and_fields_can_be_unknown_or_missing(
    server: AlpacaServer, client: Any, account: Account, path: str, name: str
) -> None:
    account.trade_outside("W", 10, 10)
    client.post("/orders", body(type="limit", limit_price="9"))
    plain = client.get(path)[0]
    for how in ("word", "missing", "extra"):
        server.script.add(how, path=path)
    word, missing, extra = (client.get(path)[0] for _ in range(3))
    assert word[name] != plain[name]
    assert plain.items() > missing.items()
    assert extra.items() > plain.items()
    assert client.get(path)[0] == plain


def test_a_hanging_answer_is_ended_by_the_client_or_the_test(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    server.script.add("hang_after", "POST", times=2)
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{server.url}/v2/orders",
            json=body(),
            headers={"APCA-API-KEY-ID": account.key, "APCA-API-SECRET-KEY": account.secret},
            timeout=(5, 0.05),
        )
    assert (len(account.orders), server.most_hanging) == (1, 1)
    threading.Timer(0.1, server.release).start()
    with pytest.raises(requests.ConnectionError):
        client.post("/orders", body())


def test_a_slow_answer_comes_whole(server: AlpacaServer, client: Any) -> None:
    server.script.add("slow", seconds=0.01)
    assert client.get_account()["status"] == "ACTIVE"


def test_a_kill_is_called_before_or_after_the_effect(server: AlpacaServer, client: Any, account: Account) -> None:
    seen: list[int] = []
    server.kill = lambda: seen.append(len(account.orders))
    for how in ("kill_before", "kill_after"):
        server.script.add(how, "POST")
        with pytest.raises(requests.ConnectionError):
            client.post("/orders", body())
    assert seen == [0, 1]


CALLS: list[Callable[[Any], object]] = [lambda client: client.get_account(), lambda client: client.get_clock()]


def test_two_hundred_requests_a_minute_are_taken_when_the_limit_is_on(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    now = datetime(2012, 3, 5, 15, 0, 30, tzinfo=UTC).timestamp()
    server.limits.on, server.limits.most, server.limits.clock = True, 3, lambda: now
    for _ in range(3):
        client.get_clock()
    with pytest.raises(APIError) as raised:
        client.get_clock()
    response = raised.value.response
    assert (raised.value.status_code, response.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert float(response.headers["X-RateLimit-Reset"]) == now + 30
    now += 30
    client.get_clock()


@pytest.mark.parametrize(("how", "told"), [("busy", True), ("busy_bare", False)])
def test_a_limit_is_told_in_headers_or_not(server: AlpacaServer, client: Any, how: str, told: bool) -> None:
    server.script.add(how)
    with pytest.raises(APIError) as raised:
        client.get_clock()
    assert raised.value.status_code == 429
    assert ("X-RateLimit-Reset" in raised.value.response.headers) == told


def test_a_fault_meets_the_requests_that_it_is_for(server: AlpacaServer, client: Any) -> None:
    fault = server.script.add("error_before", "POST", symbol="W", side="buy", times=None)
    client.post("/orders", body(symbol="V"))
    client.get_account()
    with pytest.raises(APIError):
        client.post("/orders", body())
    assert fault.met == 1


def test_the_faults_of_a_script_follow_its_seed() -> None:
    def met(seed: int) -> list[bool]:
        script = Script(seed)
        script.add("lost_before", times=None, probability=0.5)
        return [script.take(Request("GET", "/v2/clock")) is not None for _ in range(100)]

    assert met(1) == met(1) != met(2)
    assert 30 < sum(met(1)) < 70
