"""Stop trading, close and cancel through the API."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import BrokerAccount, Halt, LivePosition, Order, PaperPosition
from livetrading.pipeline import direct
from livetrading.services.halt import request
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import (
    NOW,
    WALL,
    account_of,
    make_incident,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
    make_stop,
)
from tradedesk.accounts.models import User

LIVE = "/api/v1/live-trading"
HALT = f"{LIVE}/halt"


@pytest.fixture(autouse=True)
def _with_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers do what is asked for; without them these requests act themselves (tests of pipeline.direct)."""
    monkeypatch.setattr(direct, "workers_work", lambda wall_now: True)


def test_a_halt_from_request_to_resume(alice: User, alices: ApiClient) -> None:
    make_order(user=alice)
    make_paper_trade(user=alice)
    assert alices.get(HALT).json == {
        "mode": "paper",
        "halted": False,
        "halted_accounts": [],
        "running": False,
        "entries_stopped": None,
        "halt": None,
        "operator": None,
        "progress": None,
        "waits_for": None,
    }
    response = alices.post(HALT, {"action": "flatten", "reason": "A bad day."})
    assert response.status == 202
    assert alices.post(HALT, {"action": "flatten"}).json == response.json
    state = response.json
    assert (state["halted"], state["running"]) == (True, True)
    assert (state["entries_stopped"]["by"], state["entries_stopped"]["reason"]) == (
        "alice@example.com",
        "A bad day.",
    )
    assert (state["halt"]["positions_to_sell"], state["halt"]["orders_to_cancel"]) == (1, 1)
    assert state["progress"] == "0 of 1 lot sold, 0 of 1 entry order cancelled"
    Halt.objects.update(started_at="2026-01-05T12:00:00Z")
    assert "next bar" in alices.get(HALT).json["waits_for"]
    assert field_messages(alices.send("DELETE", HALT, {"confirm": "resume"})).keys() == {"confirm"}
    for _ in range(2):
        assert alices.send("DELETE", HALT, {"confirm": "RESUME"}).status == 204
    assert alices.get(HALT).json["halted"] is False


def test_stopped_entries_are_done_at_once(alices: ApiClient, alice: User) -> None:
    response = alices.post(HALT, {"action": "entries"})
    assert (response.status, response.json["running"], response.json["halt"]["action"]) == (200, False, "entries")
    assert alices.get(f"{LIVE}/dashboard").json["entries_stopped"]["by"] == "alice@example.com"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "everything"}, "action"),
        ({"action": 1}, "action"),
        ({"action": "flatten", "reason": "x" * 301}, "reason"),
        ({"action": "flatten", "reason": "\x00"}, "reason"),
        ({"action": "flatten", "sure": True}, "sure"),
    ],
)
def test_a_bad_request_stops_nothing(alices: ApiClient, alice: User, body: Any, field: str) -> None:
    assert field in field_messages(alices.post(HALT, body))
    assert not BrokerAccount.objects.filter(entries_stopped_at__isnull=False).exists()
    assert field_messages(alices.send("DELETE", HALT, {})).keys() == {"confirm"}


def test_a_mode_without_a_broker_is_refused(alices: ApiClient, alice: User) -> None:
    alice.mode = "live"
    alice.save()
    assert alices.post(HALT, {"action": "entries"}).status == 409


def test_bob_stops_only_himself_and_charlie_nobody(
    alice: User, alices: ApiClient, bobs: ApiClient, charlies: ApiClient
) -> None:
    make_paper_trade(user=alice)
    assert bobs.post(HALT, {"action": "flatten"}).status == 202
    assert alices.get(HALT).json["halted"] is False
    for method, path in [("GET", HALT), ("POST", HALT), ("DELETE", HALT), ("GET", f"{LIVE}/orders")]:
        body = {"action": "entries"} if method == "POST" else {"confirm": "RESUME"} if method == "DELETE" else None
        assert charlies.send(method, path, body).status == 401


def test_what_an_operator_has_halted_the_user_does_not_lift(alice: User, bob: User, alices: ApiClient) -> None:
    request(account_of(alice), "entries", by=bob, now=NOW, wall_now=WALL)
    assert alices.get(HALT).json["operator"] == "the operator bob@example.com"
    assert alices.send("DELETE", HALT, {"confirm": "RESUME"}).status == 409
    assert alices.get(HALT).json["halted"] is True


def test_the_mode_can_be_named_and_all_its_accounts_stop(alice: User, alices: ApiClient) -> None:
    live = account_of(alice, "live")
    second = BrokerAccount.objects.create(
        user=alice, broker="other", mode="live", name="Second", active=False, verified_at=WALL
    )
    answer = alices.post(HALT, {"action": "entries", "mode": "live"})
    assert (answer.status, answer.json["mode"]) == (200, "live")
    assert answer.json["halted_accounts"] == [live.pk, second.pk]
    assert alices.get(HALT).json["halted"] is False
    assert alices.get(f"{HALT}?mode=live").json["halted"] is True
    assert alices.send("DELETE", HALT, {"confirm": "RESUME", "mode": "live"}).status == 204
    assert alices.get(f"{HALT}?mode=live").json["halted_accounts"] == []
    assert "mode" in field_messages(alices.post(HALT, {"action": "entries", "mode": "both"}))
    assert "mode" in field_messages(alices.get(f"{HALT}?mode=both"))


# --- Positions ---


def test_a_position_is_closed_in_part_and_then_completely(alice: User, alices: ApiClient) -> None:
    for shares in (10, 20):
        make_paper_trade(user=alice, quantity=Decimal(shares))
    (position,) = alices.get(f"{LIVE}/positions").json["items"]
    assert position["id"] == PaperPosition.objects.get().pk
    close = f"{LIVE}/positions/{position['id']}/close"
    response = alices.post(close, {"quantity": 15})
    assert (response.status, sorted(order["shares"] for order in response.json["orders"])) == (202, [5, 10])
    assert alices.post(close, {"quantity": 15}).json == response.json
    assert alices.post(close, {"quantity": 16}).status == 409
    for body in (None, {}, {"quantity": None}):
        assert alices.post(close, body).status == 202
    assert Order.objects.filter(purpose="exit", partial=False, quantity=20).count() == 1


def test_a_repeated_sale_with_the_same_key_sells_once(alice: User, alices: ApiClient, bobs: ApiClient) -> None:
    """Also when the first one has been filled meanwhile."""
    for shares in (10, 20):
        make_paper_trade(user=alice, quantity=Decimal(shares))
    close = f"{LIVE}/positions/{PaperPosition.objects.get().pk}/close"
    first = alices.post(close, {"quantity": 5}, Idempotency_Key="press")
    (order,) = first.json["orders"]
    assert (first.status, order["shares"]) == (202, 5)
    Order.objects.filter(purpose="exit").update(state="filled", filled_quantity=5, filled_price=10)
    again = alices.post(close, {"quantity": 5}, Idempotency_Key="press")
    assert (again.status, [each["id"] for each in again.json["orders"]]) == (202, [order["id"]])
    assert Order.objects.filter(purpose="exit").count() == 1
    assert alices.post(close, {"quantity": 5}, Idempotency_Key="another").json["orders"][0]["id"] != order["id"]
    # Another key is another sale, which waits for the one at work.
    assert alices.post(close, {"quantity": 5}, Idempotency_Key="third").status == 409
    assert field_messages(alices.post(close, {}, Idempotency_Key="k" * 65)).keys() == {"Idempotency-Key"}
    assert Order.objects.filter(purpose="exit").count() == 2
    PaperPosition.objects.all().delete()  # all is sold
    assert alices.post(close, {"quantity": 5}, Idempotency_Key="press").json == again.json
    assert alices.post(close, {"quantity": 5}, Idempotency_Key="fourth").status == 404
    assert bobs.post(close, {"quantity": 5}, Idempotency_Key="press").status == 404


def test_the_position_of_a_strategy_has_the_id_of_the_accounts_position(alice: User, alices: ApiClient) -> None:
    live = make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=live)
    make_paper_trade(user=alice)
    (position,) = alices.get(f"{LIVE}/strategies/{live.pk}/status").json["positions"]
    assert (position["id"], position["shares"]) == (PaperPosition.objects.get().pk, 10)


@pytest.mark.parametrize("quantity", [0, -1, 11, 0.5, "5", True, 1e300])
def test_shares_that_cannot_be_sold_are_refused_at_the_field(
    alice: User, alices: ApiClient, quantity: Any
) -> None:
    make_paper_trade(user=alice)
    close = f"{LIVE}/positions/{PaperPosition.objects.get().pk}/close"
    assert field_messages(alices.post(close, {"quantity": quantity})).keys() == {"quantity"}
    assert not Order.objects.filter(purpose="exit").exists()


def test_shares_sold_outside_the_desk_are_booked(alice: User, alices: ApiClient, bobs: ApiClient) -> None:
    trade = make_paper_trade(user=alice)
    sold = f"{LIVE}/positions/{PaperPosition.objects.get().pk}/sold-outside"
    assert alices.post(sold, {"price": 31}).status == 409
    make_incident(
        account=trade.account,
        key=trade.symbol,
        facts={"difference": "-10", "own": "10"},
        first_seen_at=datetime(2000, 1, 3, tzinfo=UTC),
    )
    assert bobs.post(sold, {"price": 31}).status == 404
    for price in (0, -1, None, "x", True, 1e300):
        assert field_messages(alices.post(sold, {"price": price})).keys() == {"price"}
    answer = alices.post(sold, {"price": 31})
    assert (answer.status, [order["shares"] for order in answer.json["orders"]]) == (200, [10])
    assert alices.post(sold, {"price": 31}).status == 404
    trade.refresh_from_db()
    assert (trade.is_open, trade.exit_price) == (False, 31)


def test_a_position_belongs_to_its_user_and_mode(alice: User, alices: ApiClient, bobs: ApiClient) -> None:
    make_paper_trade(user=alice)
    own = PaperPosition.objects.get().pk
    assert bobs.post(f"{LIVE}/positions/{own}/close").status == 404
    assert alices.post(f"{LIVE}/positions/{own + 1}/close").status == 404
    assert alices.post(f"{LIVE}/positions/{2**70}/close").status == 404
    assert ApiClient(None).post(f"{LIVE}/positions/{own}/close").status == 401
    make_live_trade(user=alice)
    alice.mode = "live"
    alice.save()
    LivePosition.objects.update(id=own + 7)
    assert alices.post(f"{LIVE}/positions/{own}/close").status == 404
    assert alices.post(f"{LIVE}/positions/{own + 7}/close").status == 409  # no broker is connected


def test_a_strategy_is_closed(alice: User, alices: ApiClient, bobs: ApiClient) -> None:
    live = make_live_strategy(user=alice, status="paused")
    trade = make_paper_trade(user=alice, live_strategy=live)
    make_paper_trade(user=alice, symbol="IBM")
    close = f"{LIVE}/strategies/{live.pk}/close"
    assert bobs.post(close).status == 404
    (order,) = alices.post(close).json["orders"]
    assert (order["closes_order_id"], order["live_strategy_id"]) == (str(trade.opening_order_id), live.pk)
    other = make_live_strategy(user=alice)
    assert alices.post(f"{LIVE}/strategies/{other.pk}/close").status == 409


# --- Orders ---


def test_orders_are_listed_with_filters_and_pages(alice: User, alices: ApiClient, bobs: ApiClient) -> None:
    live = make_live_strategy(user=alice)
    make_order(user=alice, live_strategy=live, state="filled")
    make_order(user=alice, symbol="IBM", side="sell", purpose="exit")
    make_order(user=alice, mode="live")
    orders = f"{LIVE}/orders"

    def found(query: str) -> list[str]:
        return [order["symbol"] for order in alices.get(f"{orders}?{query}").json["items"]]

    assert sorted(found("")) == ["AAPL", "IBM"]
    for query in ("state=pending", "working=true", "symbol=ibm", "side=sell", "purpose=exit"):
        assert found(query) == ["IBM"]
    for query in ("state=filled", "working=false", f"live_strategy_id={live.pk}"):
        assert found(query) == ["AAPL"]
    assert found("state=rejected") == []
    page = alices.get(f"{orders}?limit=1&offset=1").json
    assert (len(page["items"]), page["count"]) == (1, 2)
    assert bobs.get(orders).json["count"] == 0
    for query in ("state=odd", "working=odd", "live_strategy_id=x", "symbol=%00", "limit=1000"):
        assert alices.get(f"{orders}?{query}").status == 422, query
    # SQLite takes no larger number than 2**63 - 1.
    assert alices.get(f"{orders}?live_strategy_id={2**63}").status == 422


def test_an_order_is_cancelled_once(alice: User, alices: ApiClient, bobs: ApiClient, charlies: ApiClient) -> None:
    pending, accepted = make_order(user=alice), make_order(user=alice, state="accepted", symbol="IBM")
    filled = make_order(user=alice, state="filled")
    stop = make_stop(trade=make_paper_trade(user=alice))
    for client, status in ((bobs, 404), (charlies, 401)):
        assert client.send("DELETE", f"{LIVE}/orders/{pending.pk}").status == status
    for order, status, state in ((pending, 200, "cancelled"), (accepted, 202, "cancel_pending")):
        for _ in range(2):
            response = alices.send("DELETE", f"{LIVE}/orders/{order.pk}")
            assert (response.status, response.json["state"]) == (status, state)
    for order in (filled, stop):
        response = alices.send("DELETE", f"{LIVE}/orders/{order.pk}")
        assert (response.status, isinstance(response.json["detail"], str)) == (409, True)
    assert alices.send("DELETE", f"{LIVE}/orders/12").status == 404


def test_the_number_of_queries_does_not_depend_on_the_rows(
    alice: User, bob: User, alices: ApiClient, bobs: ApiClient, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for user, client, rows in ((alice, alices, 1), (bob, bobs, 15)):
        for _ in range(rows):
            make_order(user=user, live_strategy=make_live_strategy(user=user))
            make_paper_trade(user=user)
        client.post(HALT, {"action": "flatten"})
        for path in (f"{LIVE}/orders", HALT, f"{LIVE}/positions"):
            with django_assert_max_num_queries(20) as queries:
                assert client.get(path).status == 200
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
    assert account_of(alice).halts.count() == 1
