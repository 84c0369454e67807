"""Fills and other activities: windows, pages, ids and kinds. Pure, but for the pages, which come over HTTP."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from livetrading.brokers.alpaca import activities
from livetrading.brokers.alpaca.activities import (
    DAYS,
    OVERLAP,
    PAGE,
    change_of,
    fill_of,
    is_fill,
    named_by,
    order_of_trade,
    other_of,
    others_after,
    others_of,
    read_others,
    read_trades,
    read_trades_of,
    time_of,
    trades_after,
)
from livetrading.brokers.alpaca.budget import RequestBudget
from livetrading.brokers.alpaca.client import Client
from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.credentials import Credentials
from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer

NOW = datetime(2012, 3, 6, 15, tzinfo=UTC)
# An hour in New York, five before that of UTC.
KNOWN = "20120305103000123::aa-bb"
TRADE: dict[str, Any] = {
    "id": KNOWN,
    "activity_type": "FILL",
    "type": "partial_fill",
    "qty": "1.5",
    "price": "20.1234",
    "side": "buy",
    "order_id": "B1",
    "transaction_time": "2012-03-05T15:30:00.123456789Z",
}


def test_the_time_of_an_id_is_that_of_new_york() -> None:
    assert time_of(KNOWN) == datetime(2012, 3, 5, 15, 30, tzinfo=UTC)
    assert time_of("20120705103000123::x") == datetime(2012, 7, 5, 14, 30, tzinfo=UTC)
    assert time_of("another form") is None


def test_the_windows_overlap_what_is_known() -> None:
    trade = datetime(2012, 3, 5, 15, 30, tzinfo=UTC)
    assert trades_after(KNOWN, NOW, NOW) == trade - OVERLAP
    assert trades_after("", None, NOW) == NOW - DAYS
    assert trades_after("", NOW - timedelta(days=20), NOW) == NOW - timedelta(days=20) - DAYS
    assert others_after(None, NOW) == NOW - DAYS
    assert others_after(trade, NOW) == trade - DAYS


def test_a_fill_has_what_the_desk_books() -> None:
    fill = fill_of(TRADE, "desk-a")
    assert (fill.activity_id, fill.client_order_id, fill.commission) == (KNOWN, "desk-a", 0)
    assert (fill.quantity, fill.price) == (Decimal("1.5"), Decimal("20.1234"))
    assert fill.time == datetime(2012, 3, 5, 15, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("name", ["id", "qty", "price", "transaction_time"])
def test_a_fill_that_cannot_be_read_is_not_passed_over(name: str) -> None:
    row = {key: value for key, value in TRADE.items() if key != name}
    with pytest.raises(OutcomeUnknown):
        fill_of(row, "desk-a")


@pytest.mark.parametrize(
    ("word", "known"), [("fill", True), ("", True), ("trade_bust", False), ("pondered", False)]
)
def test_a_word_that_is_not_known_is_no_fill(word: str, known: bool) -> None:
    assert is_fill(TRADE | {"type": word}) is known


def test_trades_are_sorted_as_they_happened() -> None:
    def at(text: str, side: str = "buy", id_: str = "1") -> dict[str, Any]:
        return TRADE | {"transaction_time": text, "side": side, "id": id_}

    rows = [
        at("2012-03-05T15:30:00Z", "buy", "9"),
        at("2012-03-05T15:30:00Z", "sell", "1"),
        at("2012-03-05T15:30:00.000000007Z"),
        at("2012-03-05T15:30:00.00000001Z"),
        at("2012-03-05T15:30:00.1Z"),
        at("2012-03-05T15:30:01Z"),
    ]
    shuffled = [*rows[3:], *rows[:3]]
    assert sorted(shuffled, key=order_of_trade) == rows


def test_a_bust_and_a_correction_name_the_fill_by_its_whole_id() -> None:
    bust = TRADE | {"id": "20120306100000000::cc", "type": "trade_bust", "previous_id": "aa-bb"}
    known = named_by(bust, [TRADE, bust], lambda execution: "")
    assert known == KNOWN
    assert named_by(bust, [bust], lambda execution: f"stored::{execution}") == "stored::aa-bb"
    assert named_by(bust, [bust], lambda execution: "") == "aa-bb"
    undone = change_of(bust, known)
    assert (undone.kind, undone.previous_id, undone.quantity, undone.amount) == ("bust", KNOWN, 0, 0)
    corrected = change_of(bust | {"type": "trade_correct", "price": "19.5"}, known)
    assert (corrected.kind, corrected.quantity, corrected.price) == ("correction", Decimal("1.5"), Decimal("19.5"))
    assert change_of(bust | {"type": "pondered"}, "").kind == "other"


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("FEE", "fee"), ("DIV", "dividend"), ("DIVNRA", "dividend"), ("INT", "interest"), ("CSD", "transfer"),
        ("ACATS", "transfer"), ("SPLIT", "split"), ("NC", "other"), ("PONDER", "other"),
    ],
)  # fmt: skip
def test_the_kinds_of_other_activities(type_: str, kind: str) -> None:
    row = {"id": "20120305000000000::x", "activity_type": type_, "date": "2012-03-05", "net_amount": "-1.23"}
    found = other_of(row | {"qty": "2", "symbol": "AAPL", "activity_sub_type": "SUB"})
    assert (found.kind, found.amount, found.symbol) == (kind, Decimal("-1.23"), "AAPL")
    assert found.time == datetime(2012, 3, 5, 5, tzinfo=UTC)
    assert found.description == f"{type_} SUB"
    assert found.quantity == (2 if kind in ("split", "transfer", "other") else 0)


def test_an_activity_needs_neither_a_date_nor_an_amount_and_counts_nothing_when_it_was_taken_back() -> None:
    row = {"id": "20120305000000000::x", "activity_type": "SPLIT"}
    found = other_of(row)
    assert (found.time.date(), found.amount) == (date(2012, 3, 5), 0)
    assert others_of([row | {"status": "canceled"}]) == []
    with pytest.raises(OutcomeUnknown):
        other_of({"id": "no date", "activity_type": "FEE"})


def moved(id_: str, symbol: str, qty: object, type_: str = "SPLIT", **fields: str) -> dict[str, str]:
    row = {"id": id_, "activity_type": type_, "date": "2012-03-05", "symbol": symbol, "qty": str(qty)}
    return row | {"net_amount": "0"} | fields


@pytest.mark.parametrize("group", [{"group_id": "G"}, {}])
def test_the_two_rows_of_a_reverse_split_are_one(group: dict[str, str]) -> None:
    rows = [moved("b", "W", 10, **group), moved("x", "V", 5), moved("a", "W", -100, **group)]
    split, other = others_of(rows)
    assert (split.kind, split.activity_id, split.symbol) == ("split", "b", "W")
    assert (split.shares_before, split.quantity) == (100, -90)
    assert (other.symbol, other.shares_before, other.quantity) == ("V", None, 5)


def test_a_split_may_state_its_ratio() -> None:
    (split,) = others_of([moved("b", "W", 50, new_rate="3", old_rate="2")])
    assert split.ratio == Fraction(3, 2)
    (split,) = others_of([moved("b", "W", 50, new_rate="3", old_rate="0")])
    assert split.ratio is None


def test_the_two_rows_of_a_symbol_change_are_one() -> None:
    group = {"group_id": "G", "activity_sub_type": "SNC"}
    (change,) = others_of([moved("a", "W", -100, "NC", **group), moved("b", "WW", 100, "NC", **group)])
    assert (change.kind, change.symbol, change.new_symbol, change.quantity) == ("symbol_change", "W", "WW", 100)


@pytest.mark.parametrize(
    "rows",
    [
        [moved("a", "W", -100, "NC", group_id="G"), moved("b", "WW", 90, "NC", group_id="G")],
        [moved("a", "W", -100, "NC", group_id="G"), moved("b", "W", 100, "NC", group_id="G")],
        [moved("a", "W", -100, "NC"), moved("b", "WW", 100, "NC")],
        [moved("a", "W", -100, "MA", group_id="G"), moved("b", "WW", 100, "MA", group_id="G")],
        [moved("a", "W", -100, group_id="G"), moved("b", "WW", 10, group_id="G")],
        [moved("a", "W", 100, group_id="G"), moved("b", "W", 10, group_id="G")],
        [moved(each, "W", qty, group_id="G") for each, qty in (("a", -100), ("b", 10), ("c", 1))],
    ],
)
def test_rows_in_another_form_stay_apart(rows: list[dict[str, str]]) -> None:
    found = others_of(rows)
    assert [each.activity_id for each in found] == [row["id"] for row in rows]
    assert all(each.kind in ("split", "other") and each.shares_before is None for each in found)


# --- Pages ---


@pytest.fixture
def books(server: AlpacaServer) -> Account:
    server.market.now = NOW
    server.list_assets(AAPL=20.0)
    return server.open_account()


@pytest.fixture
def client(server: AlpacaServer, books: Account) -> Client:
    keys = Credentials(key_id=books.key, secret=books.secret)
    return Client(server.url, keys, RequestBudget(books.id, 200))


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("count", [PAGE - 1, PAGE, 2 * PAGE, 2 * PAGE + 3])
def test_all_pages_are_read_and_each_activity_once(
    books: Account, client: Client, monkeypatch: pytest.MonkeyPatch, count: int, *, shuffled: bool
) -> None:
    """Many at one time: their order by id is another one than that in which they came."""
    books.market.same_times = True
    for _ in range(count):
        books.charge("0.01")
    books.shuffled = shuffled
    ids = [row["id"] for row in read_others(client, NOW - timedelta(days=1))]
    assert len(ids) == count
    assert set(ids) == {each.id for each in books.activities}


class Paged:
    """A broker whose list is sorted by another thing than its ids."""

    rows = tuple({"id": f"20120305103000123::{999 - each:03}"} for each in range(2 * PAGE + 50))
    asked = 0

    def get(self, path: str, query: dict[str, Any], *, urgency: object) -> list[dict[str, str]]:
        self.asked += 1
        ids = [row["id"] for row in self.rows]
        begin = ids.index(query["page_token"]) + 1 if "page_token" in query else 0
        return list(self.rows[begin : begin + PAGE])


def test_the_next_page_begins_after_the_last_row_of_this_one() -> None:
    client: Any = Paged()
    assert (len(read_trades(client, NOW)), client.asked) == (len(Paged.rows), 3)


def test_a_transfer_of_shares_may_state_their_price() -> None:
    row = {"id": "20120305000000000::x", "activity_type": "ACATS", "qty": "-5", "price": "20.5"}
    assert (other_of(row).quantity, other_of(row).price) == (-5, Decimal("20.5"))
    assert other_of(row | {"activity_type": "DIV"}).price == 0


def test_a_look_at_the_trades_ends_after_so_many_pages_with_the_oldest_ones(
    books: Account, client: Client
) -> None:
    for _ in range(2 * PAGE + 1):
        books.trade_outside("AAPL", 1, 20)
    ids = [each.id for each in books.activities]
    after = NOW - timedelta(days=1)
    assert [row["id"] for row in read_trades(client, after, 2)] == sorted(ids)[: 2 * PAGE]
    assert len(read_trades(client, after)) == 2 * PAGE + 1


def test_the_trades_of_one_order_are_those_alone(books: Account, client: Client) -> None:
    first, second = books.trade_outside("AAPL", 2, 20), books.trade_outside("AAPL", -1, 20)
    after = NOW - timedelta(days=1)
    for order in (first, second):
        assert [row["order_id"] for row in read_trades_of(client, order.id, after)] == [order.id]


def test_a_fee_that_is_booked_later_for_an_earlier_day_is_in_the_window(
    server: AlpacaServer, books: Account, client: Client
) -> None:
    books.charge("0.01")
    before = read_others(client, others_after(NOW, NOW))
    server.market.now = NOW + timedelta(days=1)
    books.charge("0.02", day=date(2012, 3, 5))
    after = read_others(client, others_after(NOW, server.market.now))
    assert (len(before), len(after)) == (1, 2)
    assert after[0]["net_amount"] == "-0.02"  # it sorts before the one that is known


def test_trades_and_other_activities_are_read_apart(books: Account, client: Client) -> None:
    books.trade_outside("AAPL", 5, 20)
    books.charge("0.01")
    after = NOW - timedelta(hours=1)
    assert [row["activity_type"] for row in read_trades(client, after)] == ["FILL"]
    assert [row["activity_type"] for row in read_others(client, after)] == ["FEE"]
    assert activities.read_trades(client, NOW + timedelta(hours=1)) == []
