"""When and at which price the stand-in fills orders, and when they end by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body
from tests.alpaca_server.test_rules import STOP

CLOSE = datetime(2012, 3, 5, 21, tzinfo=UTC)
NEXT_OPEN = datetime(2012, 3, 6, 14, 30, tzinfo=UTC)


def test_stops_and_limits_are_filled_at_their_price_or_the_first_one_beyond(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    account.hold("W", 30, 10)
    orders = [
        client.post("/orders", body(stop_price="9", **STOP)),
        client.post("/orders", body(stop_price="9", limit_price="8.95", **STOP | {"type": "stop_limit"})),
        client.post("/orders", body(side="sell", type="limit", limit_price="11")),
    ]
    account.work()
    server.market.move("W", 9.5, 8.9)
    account.work()
    server.market.jump("W", 11.5)
    account.work()
    found = [client.get_order_by_id(order["id"]) for order in orders]
    assert [(each["status"], each["filled_avg_price"]) for each in found] == [
        ("filled", "9"),
        ("filled", "9"),
        ("filled", "11.5"),
    ]


def test_a_stop_limit_that_the_price_jumps_over_waits_at_its_limit(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    account.hold("W", 10, 10)
    order = client.post("/orders", body(stop_price="9", limit_price="8.95", **STOP | {"type": "stop_limit"}))
    account.work()
    server.market.jump("W", 8)
    account.work()
    assert client.get_order_by_id(order["id"])["status"] == "new"
    server.market.move("W", 9.2)
    account.work()
    assert client.get_order_by_id(order["id"])["filled_avg_price"] == "8.95"


def test_a_day_order_expires_at_the_close_and_one_till_cancelled_after_ninety_days(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    fields: dict[str, Any] = {"type": "limit", "limit_price": "9"}
    day, gtc = (client.post("/orders", body(time_in_force=each, **fields)) for each in ("day", "gtc"))
    assert day["expires_at"] == "2012-03-05T21:00:00Z"
    account.work()
    server.market.now = CLOSE
    assert client.get_order_by_id(day["id"])["status"] == "expired"
    server.market.now = CLOSE + timedelta(days=89)
    assert client.get_order_by_id(gtc["id"])["status"] == "new"
    server.market.now += timedelta(days=3)
    assert client.get_order_by_id(gtc["id"])["status"] == "expired"


def test_an_order_between_sessions_waits_for_the_open(server: AlpacaServer, client: Any, account: Account) -> None:
    server.market.now = CLOSE + timedelta(hours=1)
    order = client.post("/orders", body())
    account.work()
    assert client.get_order_by_id(order["id"])["status"] == "accepted"
    server.market.jump("W", 10.5)
    account.work()
    assert client.get_order_by_id(order["id"])["filled_qty"] == "0"
    server.market.now = NEXT_OPEN
    account.work()
    assert client.get_order_by_id(order["id"])["filled_avg_price"] == "10.5"


def test_an_order_for_the_open_gets_its_price_or_is_cancelled(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    server.market.now = CLOSE + timedelta(hours=4)
    account.largest_fill = account.cash / 10_000
    market = client.post("/orders", body(time_in_force="opg"))
    limit = client.post("/orders", body(time_in_force="opg", type="limit", limit_price="10"))
    account.work()
    server.market.jump("W", 10.5)
    server.market.now = NEXT_OPEN
    account.work()
    found = [client.get_order_by_id(order["id"]) for order in (market, limit)]
    assert [(each["status"], each["filled_qty"]) for each in found] == [("filled", "10"), ("canceled", "0")]


def test_a_limit_order_for_extended_hours_trades_until_eight_in_the_evening(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    server.market.now = CLOSE + timedelta(hours=1)
    fields: dict[str, Any] = {"type": "limit", "extended_hours": True}
    order, other = (client.post("/orders", body(limit_price=price, **fields)) for price in ("10", "9"))
    account.work()
    assert client.get_order_by_id(order["id"])["status"] == "filled"
    assert client.get_order_by_id(other["id"])["expires_at"] == "2012-03-06T01:00:00Z"
    server.market.now = CLOSE + timedelta(hours=4)
    assert client.get_order_by_id(other["id"])["status"] == "expired"


def test_a_symbol_that_is_halted_fills_nothing(server: AlpacaServer, client: Any, account: Account) -> None:
    server.market.halted.add("W")
    order = client.post("/orders", body())
    account.work()
    assert client.get_order_by_id(order["id"])["status"] == "new"
    server.market.halted.clear()
    account.work()
    assert client.get_order_by_id(order["id"])["status"] == "filled"


def test_a_cancellation_comes_too_late_for_what_the_price_has_touched(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    order = client.post("/orders", body(type="limit", limit_price="9.5"))
    account.work()
    server.market.move("W", 9)
    client.cancel_order_by_id(order["id"])
    account.work()
    assert client.get_order_by_id(order["id"])["status"] == "filled"


def test_a_cancellation_can_be_stuck(client: Any, account: Account) -> None:
    order = client.post("/orders", body(type="limit", limit_price="9"))
    account.work()
    account.stuck.add(order["client_order_id"])
    client.cancel_order_by_id(order["id"])
    account.work()
    assert client.get_order_by_id(order["id"])["status"] == "pending_cancel"


def test_an_order_can_be_rejected_after_it_was_accepted(client: Any, account: Account) -> None:
    account.reject_next = ["market"]
    order = client.post("/orders", body())
    account.work()
    found = client.get_order_by_id(order["id"])
    assert (found["status"], found["failed_at"] is None) == ("rejected", False)


def test_accounts_of_one_market_are_apart(server: AlpacaServer, client: Any, account: Account) -> None:
    bob = server.open_account("PKBOB", cash=500)
    client.post("/orders", body(type="limit", limit_price="9.5"))
    server.work()
    server.market.move("W", 9)
    bob.work()
    server.market.move("W", 10)
    account.work()
    assert (account.cash, bob.cash, bob.orders) == (9_905, 500, {})
