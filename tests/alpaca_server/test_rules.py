"""What the stand-in refuses, with the status and the code of Alpaca."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.alpaca_server.account import Account
from tests.alpaca_server.client import client_of, refusal
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body

STOP: dict[str, Any] = {"side": "sell", "type": "stop", "time_in_force": "gtc"}
BRACKET: dict[str, Any] = {
    "order_class": "bracket",
    "take_profit": {"limit_price": "12"},
    "stop_loss": {"stop_price": "9"},
}
OTO: dict[str, Any] = {"order_class": "oto", "stop_loss": {"stop_price": "9"}}


REFUSED: list[tuple[dict[str, Any], int, int, str]] = [
    ({"symbol": "NONE"}, 422, 42210000, "not found"),
    ({"qty": "0"}, 422, 42210000, "qty must be"),
    ({"qty": "ten"}, 422, 40010001, "invalid qty"),
    ({"type": "limit"}, 422, 40010001, "limit orders require limit price"),
    ({"type": "limit", "limit_price": "9.999"}, 422, 42210000, "sub-penny"),
    ({"type": "limit", "limit_price": "0.12345"}, 422, 42210000, "sub-penny"),
    ({"qty": "0.05"}, 403, 40310000, "cost basis"),
    ({"qty": "1001"}, 403, 40310000, "insufficient buying power"),
    ({"side": "sell"}, 403, 40310000, "not allowed to short"),
    ({"position_intent": "buy_to_close"}, 422, 42210000, "position intent mismatch"),
    ({"qty": "1.5", "time_in_force": "gtc"}, 422, 42210000, "DAY"),
    ({"qty": "1.5", **OTO}, 422, 42210000, "simple"),
    ({"order_class": "bracket", "take_profit": {"limit_price": "12"}}, 422, 42210000, "bracket orders require"),
    ({**BRACKET, "order_class": "oto"}, 422, 42210000, "oto orders require"),
    ({**BRACKET, "take_profit": {"limit_price": "8"}}, 422, 42210000, "beyond"),
    ({**OTO, "stop_loss": {"stop_price": "10"}}, 422, 42210000, "base_price - 0.01"),
    ({**OTO, "stop_loss": {"stop_price": "9"}, "type": "limit", "limit_price": "9"}, 422, 42210000, "base_price"),
    ({**BRACKET, "take_profit": {"limit_price": "10"}}, 422, 42210000, "base_price + 0.01"),
    ({**OTO, "type": "limit", "limit_price": "10", "extended_hours": True}, 422, 42210000, "simple"),
    ({"extended_hours": True}, 422, 42210000, "extended hours"),
    ({"time_in_force": "opg"}, 403, 40310000, "opg"),
    ({"client_order_id": "x" * 129}, 422, 40010001, "128"),
    ({"type": "stop", "stop_price": "9"}, 422, 42210000, "greater than current price"),
]


@pytest.mark.parametrize(("fields", "status", "code", "words"), REFUSED)
def test_an_order_that_breaks_a_rule_is_refused(
    client: Any, account: Account, fields: dict[str, Any], status: int, code: int, words: str
) -> None:
    found = refusal(lambda: client.post("/orders", body(**fields)))
    assert (found.status, found.code) == (status, code)
    assert words in found.message
    assert account.orders == {}


def test_a_price_below_a_dollar_has_four_decimals(server: AlpacaServer, client: Any) -> None:
    server.market.jump("W", "0.5")
    client.post("/orders", body(type="limit", limit_price="0.4321"))


def test_another_key_and_another_secret_are_refused(server: AlpacaServer, account: Account) -> None:
    other = client_of(server, account)
    other._secret_key = "wrong"
    assert refusal(other.get_account).status == 403
    other._api_key = "PKNOBODY"
    assert refusal(other.get_account).status == 401


@pytest.mark.parametrize(
    "block",
    [
        {"status": "ACCOUNT_UPDATED"},
        {"trading_blocked": True},
        {"account_blocked": True},
        {"trade_suspended_by_user": True},
    ],
)
def test_a_blocked_account_says_so_and_takes_no_orders(
    client: Any, account: Account, block: dict[str, Any]
) -> None:
    for name, value in block.items():
        setattr(account, name, value)
        assert client.get_account()[name] == value
    assert refusal(lambda: client.post("/orders", body())).status == 403


def test_shares_that_an_open_sale_holds_cannot_be_sold_again(client: Any, account: Account) -> None:
    account.hold("W", 10, 10)
    client.post("/orders", body(stop_price="9", **STOP))
    account.work()
    found = refusal(lambda: client.post("/orders", body("1", side="sell")))
    assert (found.status, found.code) == (403, 40310000)
    more = json.loads(found.text)
    assert (more["available"], more["held_for_orders"], more["existing_qty"]) == ("0", "10", "10")
    assert client.get_all_positions()[0]["qty_available"] == "0"


def test_a_simple_order_against_an_open_stop_is_a_wash_trade_and_a_complex_one_is_not(
    client: Any, account: Account
) -> None:
    account.hold("W", 10, 10)
    stop = client.post("/orders", body(stop_price="9", **STOP))
    account.work()
    found = refusal(lambda: client.post("/orders", body()))
    assert found.status == 403
    assert json.loads(found.text)["existing_order_id"] == stop["id"]
    assert client.post("/orders", body(**OTO))["status"] == "pending_new"


def test_the_held_leg_of_an_entry_that_waits_is_no_wash_trade(client: Any) -> None:
    client.post("/orders", body(type="limit", limit_price="9.5", **OTO))
    client.post("/orders", body())


def test_limits_are_a_wash_trade_only_if_they_cross(client: Any, account: Account) -> None:
    account.hold("W", 10, 10)
    client.post("/orders", body(side="sell", type="limit", limit_price="11"))
    account.work()
    client.post("/orders", body(type="limit", limit_price="9"))
    assert refusal(lambda: client.post("/orders", body(type="limit", limit_price="11"))).status == 403


def test_a_part_of_a_share_is_sold_but_never_replaced(client: Any, account: Account) -> None:
    client.post("/orders", body("1.123456789"))
    account.work()
    assert client.get_all_positions()[0]["qty"] == "1.123456789"
    stop = client.post("/orders", body("1.123456789", stop_price="9", **STOP | {"time_in_force": "day"}))
    account.work()
    found = refusal(lambda: client.patch(f"/orders/{stop['id']}", {"stop_price": "9.5"}))
    assert (found.status, "fractional" in found.message) == (422, True)


def test_an_asset_that_is_not_fractionable_or_tradable_says_so(server: AlpacaServer, client: Any) -> None:
    server.market.list_asset("B", 300_000, fractionable=False)
    server.market.list_asset("D", 1, tradable=False, status="inactive")
    assert refusal(lambda: client.post("/orders", body("0.01", symbol="B"))).status == 403
    assert refusal(lambda: client.post("/orders", body(symbol="D"))).status == 422
    assert (client.get_asset("B")["fractionable"], client.get_asset("D")["tradable"]) == (False, False)


def test_an_order_for_the_open_is_taken_until_two_minutes_before(server: AlpacaServer, client: Any) -> None:
    server.market.now = datetime(2012, 3, 5, 14, 28, tzinfo=UTC)  # 9:28 in New York
    assert refusal(lambda: client.post("/orders", body(time_in_force="opg"))).status == 403
    server.market.now = datetime(2012, 3, 5, 14, 27, 59, tzinfo=UTC)
    assert client.post("/orders", body(time_in_force="opg"))["status"] == "accepted"
    server.market.now = datetime(2012, 3, 6, 0, 0, tzinfo=UTC)  # 19:00
    client.post("/orders", body(time_in_force="opg"))


def test_a_short_sale_needs_an_account_and_an_asset_for_it(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    account.shorting_enabled, account.multiplier = True, 2
    client.post("/orders", body(side="sell"))
    account.work()
    (position,) = client.get_all_positions()
    assert (position["side"], position["qty"], account.cash) == ("short", "-10", Decimal(10_100))
    server.market.assets["V"].shortable = False
    assert refusal(lambda: client.post("/orders", body(side="sell", symbol="V"))).status == 422


def test_an_order_that_was_only_received_counts_for_the_wash_rule_and_for_the_buying_power(
    client: Any, account: Account
) -> None:
    account.hold("W", 10, 10)
    client.post("/orders", body("900"))
    assert refusal(lambda: client.post("/orders", body("5", side="sell"))).status == 403
    assert "buying power" in refusal(lambda: client.post("/orders", body("101"))).message


def test_parts_of_a_share_can_be_limited_to_market_orders(client: Any, account: Account) -> None:
    account.fractional_types = ("market",)
    assert refusal(lambda: client.post("/orders", body("1.5", type="limit", limit_price="9"))).status == 422
    client.post("/orders", body("1.5"))
