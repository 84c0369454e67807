"""The lists of orders, the account and what belongs to the market, as the stand-in answers them."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from tests.alpaca_server.account import Account
from tests.alpaca_server.client import refusal
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body
from tests.alpaca_server.test_rules import BRACKET

WAITS: dict[str, Any] = {"type": "limit", "limit_price": "5"}


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["client_order_id"] for each in found]


def place(client: Any, *names: str) -> None:
    for name in names:
        client.post("/orders", body("1", client_order_id=name, **WAITS))


def test_orders_are_listed_by_status_symbol_and_side(client: Any, account: Account) -> None:
    place(client, "a", "b")
    client.post("/orders", body("1", symbol="V", client_order_id="c"))
    account.work()
    assert ids(client.get("/orders")) == ["b", "a"]
    assert ids(client.get("/orders", {"status": "closed"})) == ["c"]
    assert ids(client.get("/orders", {"status": "all", "direction": "asc"})) == ["a", "b", "c"]
    assert ids(client.get("/orders", {"status": "all", "symbols": "V,X"})) == ["c"]
    assert client.get("/orders", {"side": "sell"}) == []


def test_a_list_has_fifty_orders_unless_it_is_paged(client: Any, account: Account) -> None:
    for number in range(52):
        account.submit(body("1", client_order_id=f"o{number}", **WAITS))
    assert len(client.get("/orders")) == 50
    ascending = {"limit": 51, "direction": "asc"}
    page = client.get("/orders", ascending)
    assert ids(page) == [f"o{number}" for number in range(51)]
    assert ids(client.get("/orders", ascending | {"after": page[-2]["submitted_at"]})) == ["o50", "o51"]
    assert ids(client.get("/orders", ascending | {"after_order_id": page[-2]["id"]})) == ["o50", "o51"]
    assert refusal(lambda: client.get("/orders", {"limit": 501})).status == 422


def test_orders_of_one_time_are_missed_by_time_and_found_by_id(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    server.market.same_times = True
    place(client, "a", "b", "c")
    (first,) = client.get("/orders", {"limit": 1, "direction": "asc"})
    later = {"direction": "asc", "after": first["submitted_at"]}
    assert ids(client.get("/orders", later)) == []
    assert ids(client.get("/orders", {"direction": "asc", "after_order_id": first["id"]})) == ["b", "c"]
    assert ids(client.get("/orders", {"before_order_id": first["id"]})) == []


def test_a_held_leg_is_in_a_nested_list_alone(client: Any, account: Account) -> None:
    client.post("/orders", body(client_order_id="entry", **BRACKET))
    assert ids(client.get("/orders")) == ["entry"]
    account.work()
    assert [each["type"] for each in client.get("/orders")] == ["limit"]
    (entry,) = client.get("/orders", {"nested": "true"})
    assert (entry["client_order_id"], [leg["status"] for leg in entry["legs"]]) == ("entry", ["new", "held"])
    assert ids(client.get("/orders", {"nested": "true", "status": "closed"})) == []
    account.roll_up = False
    assert [each["type"] for each in client.get("/orders", {"nested": "true"})] == ["stop", "limit"]


def test_an_unknown_order_position_and_asset_are_not_found(client: Any) -> None:
    for path in ("/orders/00000000-0000-4000-8000-000000000000", "/positions/W", "/assets/NONE"):
        assert refusal(partial(client.get, path)).status == 404
    assert refusal(lambda: client.get_order_by_client_id("never")).status == 404


def test_the_clock_is_aware_and_the_calendar_is_not(server: AlpacaServer, client: Any) -> None:
    clock = client.get_clock()
    assert (clock["is_open"], clock["next_close"]) == (True, "2012-03-05T16:00:00-05:00")
    assert datetime.fromisoformat(clock["timestamp"]) == server.market.now
    server.market.now = datetime(2012, 3, 9, 22, tzinfo=UTC)
    assert client.get_clock()["next_open"] == "2012-03-12T09:30:00-04:00"
    days = client.get("/calendar", {"start": "2012-11-22", "end": "2012-11-26"})
    assert [(day["date"], day["open"], day["close"]) for day in days] == [
        ("2012-11-23", "09:30", "13:00"),
        ("2012-11-26", "09:30", "16:00"),
    ]
    assert days[0]["settlement_date"] == "2012-11-26"


def test_assets_are_listed_by_status_and_exchange(server: AlpacaServer, client: Any) -> None:
    server.market.list_asset("Z", 1, exchange="NYSE", attributes=["has_options"])
    server.market.assets["V"].status = "inactive"
    symbols = {
        name: [each["symbol"] for each in client.get("/assets", {name: value})]
        for name, value in {"status": "active", "exchange": "NYSE", "attributes": "has_options"}.items()
    }
    assert symbols == {"status": ["W", "Z"], "exchange": ["Z"], "attributes": ["Z"]}


def test_an_account_with_margin_has_twice_its_buying_power(client: Any, account: Account) -> None:
    account.multiplier = 2
    client.post("/orders", body("100"))
    account.work()
    told = client.get_account()
    assert (told["cash"], told["long_market_value"], told["buying_power"]) == ("9000", "1000", "19000")


def test_an_account_can_be_reset_or_liquidated(server: AlpacaServer, client: Any, account: Account) -> None:
    client.post("/orders", body())
    account.work()
    place(client, "waits")
    before = client.get_account()
    account.liquidate()
    assert (client.get_all_positions(), client.get("/orders")) == ([], [])
    assert len(client.get("/account/activities/FILL")) == 2
    account.reset(5_000)
    after = client.get_account()
    assert after["id"] != before["id"]
    assert (after["cash"], client.get("/orders", {"status": "all"}), client.get("/account/activities")) == (
        "5000",
        [],
        [],
    )


def test_all_orders_are_cancelled_at_once(client: Any, account: Account) -> None:
    place(client, "a", "b")
    account.work()
    assert [each["status"] for each in client.delete("/orders")] == [200, 200]
    account.work()
    assert client.get("/orders") == []


@pytest.mark.parametrize("stale", [True, False])
def test_positions_can_be_those_of_before(client: Any, account: Account, stale: bool) -> None:
    if stale:
        account.freeze_positions()
    client.post("/orders", body())
    account.work()
    assert len(client.get_all_positions()) == (0 if stale else 1)


def test_an_order_can_be_hidden_for_a_while(client: Any, account: Account) -> None:
    place(client, "a", "b")
    account.hidden.add("a")
    assert ids(client.get("/orders")) == ["b"]
    assert refusal(lambda: client.get_order_by_client_id("a")).status == 404
    account.hidden.clear()
    assert client.get_order_by_client_id("a")["qty"] == "1"
