"""Busts and corrections of fills: lot, order, position, cash and totals are as if the fill had always been so."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import AccountActivity, Fill, Incident, LiveStrategy, Order, PaperPosition, PaperTrade
from livetrading.models.signal import OrderSide
from livetrading.services.trade_totals import differences
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import TIMES
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    account_now,
    entry_of,
    exit_of,
    fresh,
    run_reconcile,
)
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord

Kind = Incident.Kind


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def change(
    broker: ScriptedBroker, fill: BrokerFill, quantity: object = 0, price: object = 0, previous: str = ""
) -> None:
    """The broker undoes this fill, or corrects it to so many shares at that price."""
    order = Order.objects.get(client_order_id=fill.client_order_id)
    sign = 1 if order.side == OrderSide.BUY else -1
    after, paid = Decimal(str(quantity)), Decimal(str(price))
    fields: dict[str, Any] = {"previous_id": previous or fill.activity_id, "quantity": after, "price": paid}
    amount = sign * (fill.quantity * fill.price - after * paid) + (0 if after else fill.commission)
    broker.pay("correction" if after else "bust", amount, activity_id=str(1000 + len(broker.activities)), **fields)
    broker.held[order.symbol] += sign * (after - fill.quantity)


def agree(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """Cash and shares are those of the broker, to the cent, and the totals are those of the lots."""
    assert list(differences()) == []
    assert account_now(live).booked_cash == broker.cash
    held = {symbol: shares for symbol, shares in broker.held.items() if shares}
    assert dict(PaperPosition.objects.values_list("symbol", "quantity")) == held
    live.refresh_from_db()
    assert live.realized_pnl == sum((trade.pnl for trade in PaperTrade.objects.all()), Decimal(0))


def reported(kind: str) -> int:
    return Incident.objects.filter(kind=kind).exclude(reported_at=None).count()


def test_a_corrected_purchase_changes_lot_stop_cash_and_position(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry = entry_of(live)
    fill = broker.filled(entry, 10, commission=1)
    run_reconcile(live, broker)
    change(broker, fill, 100, "9.50")
    run_reconcile(live, broker)
    trade = PaperTrade.objects.get()
    assert (trade.quantity, trade.entry_price, trade.stop_price, trade.commission) == (
        100,
        Decimal("9.50"),
        Decimal("8.55"),
        1,
    )
    assert (fresh(entry).filled_price, trade.entry_time) == (Decimal("9.50"), TIMES[1])
    assert reported(Kind.CORRECTED_FILL) == 1
    assert AuditRecord.objects.filter(action="fill_corrected").count() == 1
    assert live.user.notifications.filter(text__contains="corrected the fill of 100 AAPL at $10.00").count() == 1
    agree(live, broker)
    run_reconcile(live, broker)
    assert (Fill.objects.count(), AccountActivity.objects.count(), reported(Kind.CORRECTED_FILL)) == (2, 1, 1)
    agree(live, broker)


def test_a_busted_purchase_leaves_no_lot(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live)
    fill = broker.filled(entry, 10, commission=1)
    run_reconcile(live, broker)
    change(broker, fill)
    run_reconcile(live, broker)
    assert not PaperTrade.objects.exists()
    assert (fresh(entry).filled_quantity, fresh(entry).filled_price) == (0, None)
    assert reported(Kind.CORRECTED_FILL) == 1
    agree(live, broker)


def test_a_busted_part_of_a_purchase_leaves_the_rest(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live)
    broker.report_order(entry, "working", 100)
    broker.fill(entry, 60, 10)
    second = broker.fill(entry, 40, 11)
    run_reconcile(live, broker)
    change(broker, second)
    run_reconcile(live, broker)
    trade = PaperTrade.objects.get()
    assert (trade.quantity, trade.entry_price) == (60, 10)
    agree(live, broker)


def test_a_busted_sale_opens_the_lot_again(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live)
    broker.filled(entry, 10)
    run_reconcile(live, broker)
    sale = broker.filled(exit_of(entry), 12, time=TIMES[2])
    run_reconcile(live, broker)
    assert not PaperTrade.objects.get().is_open
    change(broker, sale)
    run_reconcile(live, broker)
    trade = PaperTrade.objects.get()
    assert (trade.is_open, trade.open_quantity, trade.pnl, trade.exit_reason) == (True, 100, 0, "")
    agree(live, broker)


def test_a_corrected_sale_changes_the_profit(live: LiveStrategy, broker: ScriptedBroker) -> None:
    entry = entry_of(live)
    broker.filled(entry, 10)
    sale = broker.filled(exit_of(entry), 12, time=TIMES[2], commission=2)
    run_reconcile(live, broker)
    change(broker, sale, 100, "11.25")
    run_reconcile(live, broker)
    trade = PaperTrade.objects.get()
    assert (trade.exit_price, trade.pnl, trade.exit_time, trade.exit_reason) == (
        Decimal("11.25"),
        123,
        TIMES[2],
        "manual",
    )
    agree(live, broker)


@pytest.mark.parametrize("by_correction", [True, False])
def test_a_correction_is_corrected_again_and_undone(
    live: LiveStrategy, broker: ScriptedBroker, by_correction: bool
) -> None:
    """by_correction: whether the broker names the correction or the first fill as what it changes."""
    fill = broker.filled(entry_of(live), 10)
    change(broker, fill, 90, 9)
    run_reconcile(live, broker)
    corrected = BrokerFill(
        activity_id=fill.activity_id,
        client_order_id=fill.client_order_id,
        quantity=Decimal(90),
        price=Decimal(9),
        time=fill.time,
    )
    change(broker, corrected, previous="1000" if by_correction else "")
    run_reconcile(live, broker)
    assert not PaperTrade.objects.exists()
    agree(live, broker)


def test_the_bust_of_a_purchase_whose_shares_are_sold_waits_for_that_of_the_sale(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    entry = entry_of(live)
    bought = broker.filled(entry, 10)
    sold = broker.filled(exit_of(entry), 12, time=TIMES[2])
    run_reconcile(live, broker)
    before = PaperTrade.objects.values().get()
    change(broker, bought)
    run_reconcile(live, broker)
    run_reconcile(live, broker)
    assert PaperTrade.objects.values().get() == before
    assert Incident.objects.filter(kind=Kind.UNBOOKED_CORRECTION, resolved_at=None).count() == 1
    assert live.user.notifications.filter(text__contains="cannot book it").count() == 1
    change(broker, sold)
    run_reconcile(live, broker)
    run_reconcile(live, broker)
    assert not Incident.objects.filter(kind=Kind.UNBOOKED_CORRECTION, resolved_at=None).exists()
    assert not PaperTrade.objects.exists()
    agree(live, broker)


def test_a_correction_of_an_order_from_outside_is_no_business_of_the_desk(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.pay("bust", 50, previous_id="elsewhere")
    run_reconcile(live, broker)
    activity = AccountActivity.objects.get()
    assert (activity.booked, activity.amount, account_now(live).booked_cash) == (True, 0, 100_000)


@pytest.mark.parametrize("left", [0, 40])
def test_a_fill_that_comes_after_its_bust_or_correction_is_undone_all_the_same(
    live: LiveStrategy, broker: ScriptedBroker, left: int
) -> None:
    entry = entry_of(live)
    fill = broker.filled(entry, 10)
    change(broker, fill, left, 10)
    broker.fills.clear()  # the list does not have it yet
    run_reconcile(live, broker)
    assert (Fill.objects.count(), AccountActivity.objects.filter(booked=False).count()) == (0, 0)
    broker.fills.append(fill)
    run_reconcile(live, broker)
    assert [trade.quantity for trade in PaperTrade.objects.all()] == [left] * bool(left)
    agree(live, broker)


def test_a_correction_of_a_fill_that_is_set_aside_waits_for_it(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = broker.filled(entry_of(live), 10)
    change(broker, fill, 100, 9)
    with monkeypatch.context() as patch:
        patch.setattr("livetrading.pipeline.fills.book_fill", lambda *_: 1 / 0)
        run_reconcile(live, broker)
    assert not AccountActivity.objects.get().booked
    run_reconcile(live, broker)
    assert PaperTrade.objects.get().entry_price == 9
    agree(live, broker)
