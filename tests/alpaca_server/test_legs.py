"""Brackets, oto and oco orders of the stand-in, and replacements."""

from typing import Any

import pytest

from tests.alpaca_server.account import Account
from tests.alpaca_server.client import refusal
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body
from tests.alpaca_server.test_rules import BRACKET, OTO, STOP

GTC = {"time_in_force": "gtc"}


def statuses(account: Account) -> list[tuple[str, str]]:
    return [(order.role or order.type, order.status) for order in account.orders.values()]


def test_the_legs_of_a_bracket_wait_until_the_entry_is_filled_completely(client: Any, account: Account) -> None:
    account.largest_fill = account.cash / 2_000
    entry = client.post("/orders", body(**BRACKET | GTC))
    assert [(leg["type"], leg["status"], leg["qty"]) for leg in entry["legs"]] == [
        ("limit", "held", "10"),
        ("stop", "held", "10"),
    ]
    assert {entry["group_id"]} == {leg["group_id"] for leg in entry["legs"]}
    account.work()
    assert statuses(account) == [("entry", "partially_filled"), ("take_profit", "held"), ("stop_loss", "held")]
    assert client.get_all_positions()[0]["qty_available"] == "5"
    account.work()
    assert statuses(account) == [("entry", "filled"), ("take_profit", "new"), ("stop_loss", "held")]
    assert client.get_all_positions()[0]["qty_available"] == "0"


def test_the_stop_of_a_bracket_works_though_it_is_held_and_ends_the_target(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    client.post("/orders", body(**BRACKET | GTC))
    account.work()
    server.market.move("W", 9.5, 8.9)
    account.work()
    assert statuses(account) == [("entry", "filled"), ("take_profit", "canceled"), ("stop_loss", "filled")]
    assert (client.get_all_positions(), client.get_account()["cash"]) == ([], "9990")


def test_a_target_that_is_filled_in_part_leaves_its_stop_the_rest(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    client.post("/orders", body(**BRACKET | GTC))
    account.work()
    account.largest_fill = account.cash / 2_475
    server.market.move("W", 12)
    account.work()
    target, stop = list(account.orders.values())[1:]
    assert (target.status, target.filled, stop.qty, stop.is_open) == ("partially_filled", 4, 6, True)


def test_an_entry_that_is_cancelled_after_a_part_of_it_takes_its_legs_along(client: Any, account: Account) -> None:
    account.largest_fill = account.cash / 2_500
    entry = client.post("/orders", body(**OTO | GTC))
    account.work()
    client.cancel_order_by_id(entry["id"])
    account.largest_fill = account.cash * 0
    account.work()
    assert statuses(account) == [("entry", "canceled"), ("stop_loss", "canceled")]
    assert client.get_all_positions()[0]["qty"] == "4"


def test_a_leg_that_is_cancelled_takes_the_other_one_along(client: Any, account: Account) -> None:
    entry = client.post("/orders", body(**BRACKET | GTC))
    account.work()
    client.cancel_order_by_id(entry["legs"][1]["id"])
    account.work()
    assert statuses(account) == [("entry", "filled"), ("take_profit", "canceled"), ("stop_loss", "canceled")]


def test_a_leg_gets_its_exact_price_by_a_replacement(server: AlpacaServer, client: Any, account: Account) -> None:
    entry = client.post("/orders", body(**OTO | GTC))
    account.work()
    leg = entry["legs"][0]
    new = client.patch(f"/orders/{leg['id']}", {"stop_price": "9.31", "client_order_id": "desk-stop"})
    assert (new["replaces"], new["stop_price"], new["qty"]) == (leg["id"], "9.31", "10")
    assert client.get_order_by_id(leg["id"])["status"] == "pending_replace"
    account.work()
    old = client.get_order_by_id(leg["id"])
    assert (old["status"], old["replaced_by"]) == ("replaced", new["id"])
    assert client.get_order_by_client_id("desk-stop")["status"] == "new"
    nested = client.get(f"/orders/{entry['id']}", {"nested": "true"})
    assert [each["id"] for each in nested["legs"]] == [new["id"]]
    server.market.move("W", 9)
    account.work()
    assert client.get_account()["cash"] == "9993.1"


@pytest.mark.parametrize("order_class", [OTO, BRACKET])
def test_a_held_leg_of_a_waiting_entry_can_be_replaced(
    server: AlpacaServer, client: Any, account: Account, order_class: dict[str, Any]
) -> None:
    entry = client.post("/orders", body(type="limit", limit_price="9.9", **order_class | GTC))
    account.work()
    client.patch(f"/orders/{entry['legs'][-1]['id']}", {"stop_price": "9.5"})
    account.work()
    server.market.move("W", 9.9)
    account.work()
    assert client.get_all_positions()[0]["qty"] == "10"
    server.market.move("W", 9.4)
    account.work()
    assert (client.get_all_positions(), client.get_account()["cash"]) == ([], "9996")


def test_an_oco_sells_once(server: AlpacaServer, client: Any, account: Account) -> None:
    account.hold("W", 10, 10)
    fields = BRACKET | {"order_class": "oco", "type": "limit", "side": "sell", "time_in_force": "gtc"}
    order = client.post("/orders", body(**fields))
    account.work()
    assert (order["limit_price"], statuses(account)) == ("12", [("take_profit", "new"), ("stop_loss", "held")])
    server.market.move("W", 13, 8)
    account.work()
    assert sorted(status for _, status in statuses(account)) == ["canceled", "filled"]
    assert client.get_all_positions() == []


def test_an_order_that_waits_or_has_ended_is_not_replaced(client: Any, account: Account) -> None:
    account.hold("W", 10, 10)
    stop = client.post("/orders", body(stop_price="9", **STOP))
    found = refusal(lambda: client.patch(f"/orders/{stop['id']}", {"stop_price": "9.5"}))
    assert (found.status, "pending_new" in found.message) == (422, True)
    account.work()
    client.patch(f"/orders/{stop['id']}", {"stop_price": "9.5"})
    account.work()
    assert refusal(lambda: client.patch(f"/orders/{stop['id']}", {"stop_price": "9.6"})).status == 422
    assert refusal(lambda: client.cancel_order_by_id(stop["id"])).status == 422


def test_a_replacement_of_what_is_filled_meanwhile_is_rejected(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    account.hold("W", 10, 10)
    stop = client.post("/orders", body(stop_price="9", **STOP))
    account.work()
    new = client.patch(f"/orders/{stop['id']}", {"stop_price": "9.5"})
    server.market.move("W", 8.9)
    account.work()
    assert client.get_order_by_id(stop["id"])["status"] == "filled"
    assert client.get_order_by_id(new["id"])["status"] == "rejected"


def test_a_replacement_that_is_rejected_leaves_the_old_order_at_work(client: Any, account: Account) -> None:
    account.hold("W", 10, 10)
    stop = client.post("/orders", body(stop_price="9", **STOP))
    account.work()
    account.reject_next = ["stop"]
    new = client.patch(f"/orders/{stop['id']}", {"stop_price": "9.5"})
    account.work()
    assert client.get_order_by_id(new["id"])["status"] == "rejected"
    assert client.get_order_by_id(stop["id"])["status"] == "new"


def test_a_replacement_reserves_the_larger_of_both_and_can_be_cancelled_at_once(
    client: Any, account: Account
) -> None:
    old = client.post("/orders", body(type="limit", limit_price="9"))
    account.work()
    new = client.patch(f"/orders/{old['id']}", {"limit_price": "9.5"})
    assert client.get_account()["buying_power"] == "9905"
    client.cancel_order_by_id(new["id"])
    account.work()
    assert [client.get_order_by_id(each["id"])["status"] for each in (old, new)] == ["replaced", "canceled"]
    assert client.get_account()["buying_power"] == "10000"


def test_an_entry_that_is_replaced_after_a_part_of_it_keeps_its_legs_for_the_whole(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    account.largest_fill = account.cash / 2_500
    entry = client.post("/orders", body(type="limit", limit_price="10", **OTO | GTC))
    account.work()
    server.market.jump("W", 10.5)
    new = client.patch(f"/orders/{entry['id']}", {"limit_price": "10.5"})
    assert (new["qty"], refusal(lambda: client.patch(f"/orders/{new['id']}", {"qty": "7"})).status) == ("6", 422)
    account.largest_fill = None
    account.work()
    (leg,) = client.get(f"/orders/{new['id']}", {"nested": "true"})["legs"]
    assert (leg["status"], leg["qty"], client.get_all_positions()[0]["qty"]) == ("new", "10", "10")


def test_a_target_that_is_replaced_after_a_part_of_it_is_for_the_rest(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    entry = client.post("/orders", body("20"))
    account.work()
    entry = client.post("/orders", body(**BRACKET | GTC))
    account.work()
    account.largest_fill = account.cash / 2_425
    server.market.move("W", 12)
    account.work()
    target = entry["legs"][0]
    new = client.patch(f"/orders/{target['id']}", {"limit_price": "11"})
    assert new["qty"] == "6"
    account.largest_fill = None
    account.work()
    assert client.get_all_positions()[0]["qty"] == "20"


def test_what_is_filled_before_the_replacement_takes_effect_is_not_bought_again(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    old = client.post("/orders", body(type="limit", limit_price="9.9"))
    account.work()
    new = client.patch(f"/orders/{old['id']}", {"limit_price": "9.8"})
    account.largest_fill = account.cash / 2_500
    server.market.move("W", 9.9)
    account.work()
    server.market.move("W", 9.7)
    account.largest_fill = None
    account.work()
    assert [client.get_order_by_id(each["id"])["filled_qty"] for each in (old, new)] == ["4", "6"]


def test_a_replacement_locks_its_shares_before_it_takes_effect(client: Any, account: Account) -> None:
    account.hold("W", 16, 10)
    order = client.post("/orders", body(side="sell", type="limit", limit_price="11", time_in_force="gtc"))
    account.work()
    client.patch(f"/orders/{order['id']}", {"qty": "12"})
    assert client.get_all_positions()[0]["qty_available"] == "4"


def test_a_leg_that_is_being_replaced_while_its_entry_is_filled_works_afterwards(
    client: Any, account: Account
) -> None:
    entry = client.post("/orders", body(**OTO | GTC))
    new = client.patch(f"/orders/{entry['legs'][0]['id']}", {"stop_price": "9.5"})
    account.work()
    assert [client.get_order_by_id(each)["status"] for each in (entry["id"], new["id"])] == ["filled", "new"]
