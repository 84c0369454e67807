"""The check against Alpaca's specification tolerates nothing. It is made at the end of every other test here."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.alpaca_server.account import Account
from tests.alpaca_server.routes import TRADING
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.specification import specified, violations
from tests.alpaca_server.test_orders import body
from tests.alpaca_server.wire import Exchange


@pytest.fixture
def exchange(server: AlpacaServer, client: Any) -> Exchange:
    client.post("/orders", body())
    return server.exchanges[-1]


def changed(exchange: Exchange, **fields: Any) -> Exchange:
    return Exchange(**(vars(exchange) | fields))


def test_an_honest_exchange_has_no_violation(exchange: Exchange) -> None:
    assert violations(exchange) == []


WRONG: list[Callable[[Exchange], dict[str, Any]]] = [
    lambda was: {"answer": was.answer | {"qty": 10}},
    lambda was: {"answer": was.answer | {"status": "pondering"}},
    lambda was: {"answer": was.answer | {"moon_phase": "waning"}},
    lambda was: {"answer": was.answer | {"id": "no-uuid"}},
    lambda was: {"answer": was.answer | {"created_at": "2012-03-05"}},
    lambda was: {"answer": {name: value for name, value in was.answer.items() if name != "type"}},
    lambda was: {"answer": [was.answer]},
    lambda was: {"status": 201},
    lambda was: {"status": 422},
    lambda was: {"body": was.body | {"qty": 10}},
    lambda was: {"body": was.body | {"type": "iceberg"}},
    lambda was: {"body": was.body | {"client_id": "x"}},
    lambda was: {"query": {"nested": "true"}},
    lambda was: {"method": "GET", "body": {}},
    lambda was: {"path": "/v2/v2/orders"},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_a_violation(exchange: Exchange, wrong: Callable[[Exchange], dict[str, Any]]) -> None:
    assert violations(changed(exchange, **wrong(exchange)))


def test_a_refusal_has_a_code_and_a_message(exchange: Exchange) -> None:
    refused = changed(exchange, status=403, answer={"code": 40310000, "message": "no", "symbol": "W"})
    assert violations(refused) == []
    assert violations(changed(refused, answer={"message": "no"}))


def test_every_route_is_specified() -> None:
    assert [route for route in TRADING if not specified(route.method, route.path.replace("([^/]+)", "x"))] == []


def test_a_list_is_checked_item_by_item(server: AlpacaServer, client: Any, account: Account) -> None:
    account.trade_outside("W", 10, 10)
    account.book("INT", "0.07")
    client.get("/account/activities")
    exchange = server.exchanges[-1]
    assert len(exchange.answer) == 2
    assert violations(exchange) == []
    for number in (0, 1):
        items = [each | {"order_type": "x"} if at == number else each for at, each in enumerate(exchange.answer)]
        assert violations(changed(exchange, answer=items))
