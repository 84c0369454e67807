"""The stand-in through the real alpaca-py: accounts, orders and what they do to money and shares."""

from typing import Any

import pytest

from tests.alpaca_server.account import Account


def body(qty: str = "10", **fields: Any) -> dict[str, Any]:
    values = {"symbol": "W", "side": "buy", "type": "market", "time_in_force": "day", "qty": qty}
    return values | fields


def test_a_market_order_is_accepted_filled_and_held(client: Any, account: Account) -> None:
    accepted = client.post("/orders", body(client_order_id="desk-1"))
    assert (accepted["status"], accepted["filled_qty"], accepted["qty"]) == ("pending_new", "0", "10")
    account.work()
    found = client.get_order_by_client_id("desk-1")
    assert (found["status"], found["filled_qty"], found["filled_avg_price"]) == ("filled", "10", "10")
    (position,) = client.get_all_positions()
    assert (position["symbol"], position["qty"], position["avg_entry_price"]) == ("W", "10", "10")
    told = client.get_account()
    assert (told["cash"], told["equity"], told["buying_power"]) == ("9900", "10000", "9900")


def test_a_cancelled_order_ends_and_its_client_id_stays_used(client: Any, account: Account) -> None:
    accepted = client.post("/orders", body(type="limit", limit_price="9", client_order_id="desk-1"))
    account.work()
    assert client.get_account()["buying_power"] == "9910"
    client.cancel_order_by_id(accepted["id"])
    assert client.get_order_by_id(accepted["id"])["status"] == "pending_cancel"
    account.work()
    assert client.get_order_by_id(accepted["id"])["status"] == "canceled"
    assert client.get_account()["buying_power"] == "10000"
    with pytest.raises(Exception, match="client_order_id must be unique"):
        client.post("/orders", body(client_order_id="desk-1"))
