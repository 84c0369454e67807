"""Sending at Alpaca: the limit of requests silences nobody, and no order is given up that may live there."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from livetrading.brokers.protocol import NotSent
from livetrading.models import Order, OrderState
from livetrading.pipeline import execute as execute_module
from livetrading.pipeline.gate import OPEN
from tests.alpaca_server.limits import Limits
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.factories import make_order
from tradedesk.accounts.models import User

S = OrderState


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    return alpaca_desk(server, alice, settings)


def sell(desk: AlpacaDesk) -> None:
    """One more bar, whose close signals an exit."""
    desk.server.market.move("W", 9.98)
    desk.close_bar(10, 10, 9.98, 9.98)


def entries(desk: AlpacaDesk, number: int, **fields: Any) -> list[Order]:
    """Entries of one share each of symbols of their own, which are to be sent."""
    symbols = [f"A{index}" for index in range(number)]
    desk.server.list_assets(**dict.fromkeys(symbols, 11))
    values: dict[str, Any] = {"state": S.PENDING, "quantity": Decimal(1), "account": desk.account}
    values |= {"created_at": desk.now, "state_changed_at": desk.wall, "valid_until": desk.now + timedelta(days=3)}
    return [make_order(user=desk.user, symbol=symbol, **(values | fields)) for symbol in symbols]


# --- The limit of requests ---


def test_entries_beyond_the_limit_wait_and_an_exit_goes_out(
    desk: AlpacaDesk, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute_module, "gate_before_sending", lambda order, now: OPEN)
    desk.deploy()
    desk.hold()
    sell(desk)
    cache.clear()
    settings.ALPACA_REQUESTS_PER_MINUTE = 40
    desk.server.limits, desk.server.requests = Limits(most=40, on=True), []
    desk.outbox += [order.pk for order in entries(desk, 30)]
    desk.tick()
    desk.send()
    assert desk.states("exit") == [S.WAITING]
    desk.step(2, trades=False)
    assert desk.states("exit") == [S.ACCEPTED]
    bought = desk.account.orders.filter(symbol__startswith="A")
    assert set(bought.values_list("state", "attempts")) == {(S.ACCEPTED, 1), (S.PENDING, 0)}
    assert desk.account.quiet_until is None
    assert len(desk.server.requests) <= 40
    # A minute later all of them are there.
    cache.clear()
    desk.server.limits = Limits(most=200)
    settings.ALPACA_REQUESTS_PER_MINUTE = 200
    desk.step(2, trades=False)
    assert set(bought.values_list("state", flat=True)) == {S.ACCEPTED}


def test_a_leg_is_replaced_by_one_request(desk: AlpacaDesk) -> None:
    desk.deploy()
    desk.order_entries()
    desk.open_day(10)
    desk.server.requests.clear()
    desk.step(4)
    asked = desk.alpaca.asked()
    replaced = [each.removeprefix("PATCH ") for each in asked if each.startswith("PATCH")]
    assert len(replaced) == 2
    for path in replaced:
        assert f"GET {path}" not in asked[: asked.index(f"PATCH {path}")]
    desk.check_settled()


def test_questions_for_entries_that_were_not_answered_leave_room_for_exits(
    desk: AlpacaDesk, settings: Any
) -> None:
    (entry,) = entries(desk, 1, state=S.UNKNOWN, attempts=1)
    (sale,) = entries(desk, 1, state=S.UNKNOWN, attempts=1, purpose=Order.Purpose.EXIT, side="sell")
    settings.ALPACA_REQUESTS_PER_MINUTE = 10
    cache.clear()
    broker = desk.alpaca.broker()
    for _ in range(12):
        assert broker.order_by_client_id(sale.client_order_id) is None
    with pytest.raises(NotSent):
        broker.order_by_client_id(entry.client_order_id)
    Order.objects.filter(pk=entry.pk).update(state=S.ACCEPTED)
    assert broker.order_by_client_id(entry.client_order_id) is None


# --- A refusal of a repeated request ---


def test_a_stop_that_lives_is_found_although_its_repetition_was_refused(desk: AlpacaDesk) -> None:
    """Alpaca may look at the shares before the id: the stop is refused for the shares that it holds itself."""
    desk.deploy(take_profit_pct=None)
    desk.hold()
    desk.books.shares_first = True
    (first,) = [order for order in desk.books.orders.values() if order.is_open]
    desk.books.end(first, "canceled")
    desk.server.script.add("lost_after", "POST")
    desk.step()
    (stop,) = [order for order in desk.books.orders.values() if order.is_open]
    desk.books.hidden.add(stop.client_order_id)
    desk.step(2)
    order = desk.account.orders.get(client_order_id=stop.client_order_id)
    assert (order.state, order.attempts) == (S.UNKNOWN, 2)
    assert "insufficient qty" in order.reason
    desk.books.hidden.clear()
    desk.step(3)
    assert desk.on_sale() == [("stop", Decimal(100), "9.00", "gtc")]
    order.refresh_from_db()
    assert order.state == S.ACCEPTED
    assert not {S.REJECTED, S.GUARDED} & set(desk.states("stop_loss"))
    desk.check_settled()


def test_a_replacement_that_lives_is_found_although_its_repetition_was_refused(desk: AlpacaDesk) -> None:
    desk.deploy(take_profit_pct=None)
    desk.order_entries()
    desk.open_day(10)
    desk.books.shares_first, desk.books.roll_up = True, False
    desk.server.script.add("lost_after", "PATCH")
    desk.step()
    (new,) = [order for order in desk.books.orders.values() if order.replaces]
    desk.books.hidden.add(new.client_order_id)
    desk.step(2, trades=False)
    order = desk.account.orders.get(client_order_id=new.client_order_id)
    assert (order.state, order.attempts) == (S.UNKNOWN, 2)
    desk.books.hidden.clear()
    desk.step(3)
    assert desk.on_sale() == [("stop", Decimal(100), "9.00", "gtc")]
    assert desk.states("stop_loss") == [S.CANCELLED, S.ACCEPTED]
    desk.check_settled()


# --- Orders that are hard to find ---


def test_the_sale_of_a_guarded_exit_whose_answer_was_lost_is_found(desk: AlpacaDesk) -> None:
    """Its id ends like that of a leg, and it is none. Alpaca rejects it, so that no fill names it either."""
    desk.deploy(fractional=True, max_position_size=Decimal(1000), take_profit_pct=None)
    desk.hold()
    desk.books.reject_next = ["market"]
    desk.server.script.add("lost_after", "POST")
    desk.close_bar(10, 10.02, 10, 10.02)
    desk.close_bar(10.02, 10.02, 8.9, 10.02)
    desk.step(10, trades=False)
    assert desk.states("stop_loss")[0] == S.REJECTED
    assert "unsent_order" not in desk.incidents()
    desk.open_day(8.9)
    desk.step(4)
    desk.set_time(desk.now + timedelta(minutes=5))  # another try
    desk.step(4)
    (trade,) = desk.trades()
    assert trade.open_quantity == 0
    assert desk.unfinished() == []
    desk.check_settled()
