"""The activities of the stand-in: fills, fees, corporate actions, transfers, busts, and how they are paged."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.alpaca_server.account import Account
from tests.alpaca_server.client import refusal
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body

NEXT_DAY = datetime(2012, 3, 6, 15, tzinfo=UTC)


def fills(client: Any, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/account/activities/FILL", {"direction": "asc"} | query)
    return found


def test_a_fill_is_mapped_by_its_order_and_has_no_commission(client: Any, account: Account) -> None:
    account.largest_fill = Decimal(6)
    order = client.post("/orders", body(client_order_id="desk-1"))
    account.work()
    account.work()
    found = fills(client)
    assert {each["order_id"] for each in found} == {order["id"]}
    assert sorted((each["qty"], each["cum_qty"], each["leaves_qty"], each["type"]) for each in found) == [
        ("4", "10", "0", "fill"),
        ("6", "6", "4", "partial_fill"),
    ]
    assert not {"client_order_id", "commission"} & found[0].keys()
    assert {each["id"][:14] for each in found} == {"20120305100000"}  # in New York
    assert len(fills(client, order_id=order["id"])) == 2


def test_activities_are_paged_by_the_last_id(server: AlpacaServer, client: Any, account: Account) -> None:
    for _ in range(130):
        server.market.now += timedelta(milliseconds=2)
        account.trade_outside("W", 1, 10)
    first = fills(client, page_size=100)
    rest = fills(client, page_size=100, page_token=first[-1]["id"])
    assert (len(first), len(rest)) == (100, 30)
    assert len({each["id"] for each in first + rest}) == 130
    assert first + rest == sorted(first + rest, key=lambda each: str(each["id"]))
    latest = client.get("/account/activities", {"page_size": 2})
    assert latest == [rest[-1], rest[-2]]
    assert refusal(lambda: fills(client, page_size=101)).status == 422


def test_fills_of_one_millisecond_sort_by_chance(client: Any, account: Account) -> None:
    """So a cursor at the newest one can miss the next one."""
    for _ in range(20):
        account.trade_outside("W", 1, 10)
    arrived = [each.id for each in account.activities]
    assert [each["id"] for each in fills(client)] == sorted(arrived) != arrived


def test_a_fee_is_booked_on_the_next_day_and_sorts_before_the_fills_of_its_own(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    account.hold("W", 10, 10)
    account.fee_rate = Decimal("0.001")
    account.trade_outside("W", -10, 10)
    assert (account.cash, client.get("/account/activities/FEE")) == (10_100, [])
    server.market.now = NEXT_DAY
    (fee,) = client.get("/account/activities/FEE")
    assert (fee["net_amount"], fee["date"], fee["activity_sub_type"]) == ("-0.1", "2012-03-05", "TAF")
    assert client.get_account()["cash"] == "10099.9"
    assert fee["id"] < fills(client)[0]["id"]
    created = {"after": "2012-03-06T00:00:00Z", "until": "2012-03-07"}
    assert client.get("/account/activities", created) == [fee]
    assert client.get("/account/activities", {"date": "2012-03-06"}) == [fee]


def test_activities_are_asked_for_by_types_or_by_category(client: Any, account: Account) -> None:
    account.trade_outside("W", 10, 10)
    account.book("CSD", 500)
    account.book("INT", "0.07", sub_type="CDT")
    kinds = [each["activity_type"] for each in client.get("/account/activities", {"activity_types": "CSD,INT"})]
    assert sorted(kinds) == ["CSD", "INT"]
    other = client.get("/account/activities", {"category": "non_trade_activity"})
    assert sorted(each["activity_type"] for each in other) == ["CSD", "INT"]
    both = {"category": "trade_activity", "activity_types": "INT"}
    assert refusal(lambda: client.get("/account/activities", both)).status == 422


def test_dividends_splits_renamings_and_transfers_move_money_and_shares(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    account.hold("W", 10, 10)
    account.pay_dividend("W", "0.25", day=date(2012, 3, 2))
    assert client.get("/account/activities/DIV")[0]["per_share_amount"] == "0.25"
    assert client.get_account()["cash"] == "10002.5"
    account.split("W", 2, 1)
    (position,) = client.get_all_positions()
    assert (position["qty"], position["avg_entry_price"], position["current_price"]) == ("20", "5", "5")
    account.split("W", 1, 4)
    account.rename("W", "WW")
    (position,) = client.get_all_positions()
    assert (position["symbol"], position["qty"], position["cost_basis"]) == ("WW", "5", "100")
    account.transfer("V", 3)
    assert [each["qty"] for each in client.get_all_positions()] == ["3", "5"]
    moved = client.get("/account/activities", {"activity_types": "SPLIT,NC,ACATS", "direction": "asc"})
    assert sorted((each["activity_type"], each["symbol"], each["qty"]) for each in moved) == [
        ("ACATS", "V", "3"),
        ("NC", "W", "-5"),
        ("NC", "WW", "5"),
        ("SPLIT", "W", "-20"),
        ("SPLIT", "W", "10"),
        ("SPLIT", "W", "5"),
    ]


def test_the_open_orders_of_a_symbol_that_is_split_are_cancelled(client: Any, account: Account) -> None:
    order = client.post("/orders", body(type="limit", limit_price="9"))
    account.work()
    account.split("W", 2, 1)
    assert client.get_order_by_id(order["id"])["status"] == "canceled"


def test_a_fill_is_undone_or_corrected_by_a_later_activity(client: Any, account: Account) -> None:
    order = account.trade_outside("W", 10, 10)
    (fill,) = fills(client)
    account.bust(fill["id"], price="9.5")
    corrected = fills(client)
    later = next(each for each in corrected if each["id"] != fill["id"])
    assert (later["type"], later["price"], later["qty"]) == ("trade_correct", "9.5", "10")
    assert fill["id"].endswith(later["previous_id"])
    assert (client.get_account()["cash"], client.get_order_by_id(order.id)["filled_avg_price"]) == ("9905", "9.5")
    account.bust(later["id"])
    assert (client.get_account()["cash"], client.get_all_positions()) == ("10000", [])
    assert [each["type"] for each in fills(client)].count("trade_bust") == 1


def test_a_bust_takes_money_and_shares_back(client: Any, account: Account) -> None:
    account.trade_outside("W", 10, 10)
    account.bust(fills(client)[0]["id"])
    assert (client.get_account()["cash"], client.get_all_positions()) == ("10000", [])


def test_activities_can_be_held_back_shuffled_and_repeated(
    server: AlpacaServer, client: Any, account: Account
) -> None:
    for _ in range(3):
        server.market.now += timedelta(seconds=1)
        account.trade_outside("W", 1, 10)
    first, second, third = [each.id for each in account.activities]
    account.hidden.add(second)
    assert [each["id"] for each in fills(client)] == [first, third]
    account.hidden.clear()
    account.shuffled = True
    assert [each["id"] for each in fills(client)] == [third, second, first, first, third]
