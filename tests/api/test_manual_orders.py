"""Orders by hand through the API."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import BrokerAccount, Order
from livetrading.pipeline import direct
from livetrading.services.halt import request
from tests.api.client import ApiClient, field_messages
from tests.api.closes import close_of
from tests.livetrading.factories import NOW, WALL, account_of, make_live_strategy, make_paper_trade, report_figures
from tradedesk.accounts.models import Mode, User

PAPER, LIVE = "/api/paper/orders", "/api/live/orders"
BUY = {"symbol": "aapl", "qty": 10, "side": "buy"}


@pytest.fixture(autouse=True)
def _at_the_market(market: None, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    report_figures(alice, equity=100_000, cash=100_000)
    monkeypatch.setattr(direct, "workers_work", lambda wall_now: True)


@pytest.fixture
def live_mode(alice: User, settings: Any) -> BrokerAccount:
    """Alice in live mode, with an account whose broker takes orders."""
    settings.BROKERS = settings.BROKERS | {"other": "livetrading.brokers.simulation.broker.connect"}
    settings.TRADES_AT_BROKERS = True
    User.objects.filter(pk=alice.pk).update(mode=Mode.LIVE)
    account = account_of(alice, Mode.LIVE)
    paper = account_of(alice).paper_account
    paper.pk, paper.broker_account = None, account
    paper.save()
    return account


def test_an_order_and_its_later_state(alices: ApiClient) -> None:
    placed = alices.post(PAPER, BUY | {"order_type": "limit", "limit_price": 20.5, "stop_loss_pct": 0.1})
    order = Order.objects.get(purpose="entry")
    assert (placed.status, placed.json) == (
        201,
        {
            "order_id": str(order.pk),
            "symbol": "AAPL",
            "qty": 10,
            "side": "buy",
            "order_type": "limit",
            "status": "pending",
            "reason": "",
            "filled_qty": 0,
            "filled_price": None,
            "mode": "paper",
            "order_ids": [str(order.pk)],
        },
    )
    assert Order.objects.get(purpose="stop_loss").opening_order == order
    Order.objects.filter(pk=order.pk).update(state="filled", filled_quantity=10, filled_price=Decimal("20.4"))
    read = alices.get(f"{PAPER}/{order.pk}").json
    assert (read["status"], read["filled_price"]) == ("filled", 20.4)


def test_a_repeated_key_gives_the_same_order_and_another_body_is_refused(alices: ApiClient) -> None:
    first, again = (alices.post(PAPER, BUY, Idempotency_Key="k") for _ in range(2))
    assert (first.status, again.status, first.json) == (201, 201, again.json)
    other = alices.post(PAPER, BUY | {"qty": 11}, Idempotency_Key="k")
    assert (other.status, "detail" in other.json) == (409, True)
    assert Order.objects.count() == 1
    assert alices.post(PAPER, BUY, Idempotency_Key="l").json["order_id"] != first.json["order_id"]


def test_dollars_and_a_stop_order(alices: ApiClient) -> None:
    last = close_of("AAPL")
    body = {
        "symbol": "AAPL",
        "dollars": 1000.0,
        "side": "buy",
        "order_type": "stop",
        "stop_price": round(last + 1, 2),
    }
    assert alices.post(PAPER, body).json["qty"] == 1000 // (last + 1)


def test_a_sale_of_several_lots_has_an_order_for_each(alices: ApiClient, alice: User) -> None:
    make_paper_trade(user=alice, quantity=Decimal(5))
    make_paper_trade(user=alice, quantity=Decimal(7))
    make_paper_trade(user=alice, live_strategy=make_live_strategy(user=alice))
    sold = alices.post(PAPER, {"symbol": "AAPL", "qty": 12, "side": "sell"}, Idempotency_Key="k")
    assert (sold.status, sold.json["qty"], len(sold.json["order_ids"])) == (201, 5, 2)
    again = alices.post(PAPER, {"symbol": "AAPL", "qty": 12, "side": "sell"}, Idempotency_Key="k")
    assert again.json["order_ids"] == sold.json["order_ids"]
    more = alices.post(PAPER, {"symbol": "AAPL", "qty": 13, "side": "sell"})
    assert (more.status, more.json["detail"][0]["field"]) == (422, "qty")


def test_a_rule_that_holds_it_back_is_named(alices: ApiClient, alice: User) -> None:
    account_of(alice).rules.create(kind="order_value", limit=100)
    response = alices.post(PAPER, BUY)
    (problem,) = response.json["detail"]
    assert (response.status, problem["rule"], "$100.00" in problem["message"]) == (422, "account_rule", True)
    assert not Order.objects.exists()


def test_a_halted_account_is_a_conflict(alices: ApiClient, alice: User) -> None:
    request(account_of(alice), "entries", by="alice", reason="Lunch.", now=NOW, wall_now=WALL)
    response = alices.post(PAPER, BUY)
    assert (response.status, "Lunch." in response.json["detail"]) == (409, True)
    make_paper_trade(user=alice)
    assert alices.post(PAPER, BUY | {"side": "sell"}).status == 201


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"qty": 0}, "qty"),
        ({"qty": -1}, "qty"),
        ({"qty": 1e12}, "qty"),
        ({"qty": "10"}, "qty"),
        ({"qty": None}, "qty"),
        ({"qty": 1e-7}, "qty"),
        ({"dollars": 10}, "qty"),
        ({"side": "short"}, "side"),
        ({"order_type": "opg"}, "order_type"),
        ({"order_type": "limit"}, "limit_price"),
        ({"limit_price": 5}, "limit_price"),
        ({"order_type": "stop", "stop_price": 0.01}, "stop_price"),
        ({"time_in_force": "fok"}, "time_in_force"),
        ({"symbol": "../x"}, "symbol"),
        ({"symbol": "ZZZZ"}, "symbol"),
        ({"stop_loss_pct": 7.0}, "stop_loss_pct"),
        ({"side": "sell"}, "qty"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(alices: ApiClient, values: dict[str, Any], field: str) -> None:
    assert set(field_messages(alices.post(PAPER, BUY | values))) == {field}
    assert not Order.objects.exists()


def test_live_orders_need_the_mode_and_the_header(alices: ApiClient, live_mode: BrokerAccount) -> None:
    assert alices.post(LIVE, BUY).status == 428
    assert alices.post(LIVE, BUY, X_Confirm_Live_Trade="yes").status == 428
    assert alices.post(PAPER, BUY).status == 400
    live_mode.buying_power = Decimal(100_000)
    live_mode.save()
    placed = alices.post(LIVE, BUY, X_Confirm_Live_Trade="true")
    assert (placed.status, placed.json["mode"]) == (201, "live")
    order_id = placed.json["order_id"]
    assert alices.get(f"{LIVE}/{order_id}").status == 200
    assert alices.get(f"{PAPER}/{order_id}").status == 404


def test_in_paper_mode_there_are_no_live_orders(alices: ApiClient, alice: User) -> None:
    account_of(alice, Mode.LIVE)
    response = alices.post(LIVE, BUY, X_Confirm_Live_Trade="true")
    assert (response.status, "detail" in response.json, Order.objects.exists()) == (400, True, False)


def test_bob_and_charlie(alices: ApiClient, bobs: ApiClient, charlies: ApiClient, bob: User) -> None:
    order_id = alices.post(PAPER, BUY, Idempotency_Key="k").json["order_id"]
    assert bobs.get(f"{PAPER}/{order_id}").status == 404
    assert bobs.get(f"{PAPER}/x").status == 404
    assert [charlies.post(PAPER, BUY).status, charlies.post(LIVE, BUY).status] == [401, 401]
    assert charlies.get(f"{PAPER}/{order_id}").status == 401
    own = bobs.post(PAPER, BUY, Idempotency_Key="k").json["order_id"]  # before Bob has an account
    assert (own != order_id, Order.objects.get(pk=own).user) == (True, bob)
