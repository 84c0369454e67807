"""Sales that an owner has made at the broker, outside the desk, and records."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import BrokerAccount, Fill, Incident, LiveStrategy, Order, PaperPosition, PaperTrade
from livetrading.pipeline.outside_sales import NotRecorded, record_sale
from livetrading.services.trade_totals import differences
from tests.livetrading.factories import make_live_strategy, make_order
from tests.livetrading.made_bars import CLOSES, NOW
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, account_now, entry_of, run_reconcile
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord

START = CLOSES[1]
LATER = START + timedelta(minutes=6)


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def sell_outside(live: LiveStrategy, broker: ScriptedBroker, shares: int, price: object = 12) -> BrokerAccount:
    """Alice holds 100 AAPL, bought at $10, and sells some in the broker's own app."""
    broker.filled(entry_of(live), 10)
    run_reconcile(live, broker)
    broker.held["AAPL"] -= shares
    broker.cash += shares * Decimal(str(price))
    for seconds in (1, 12):
        run_reconcile(live, broker, START + timedelta(seconds=seconds))
    return account_now(live)


def record(account: BrokerAccount, price: object = 12, now: datetime = LATER) -> list[Order]:
    return record_sale(account, "AAPL", Decimal(str(price)), by=account.user, now=now, wall_now=NOW)


@pytest.mark.parametrize("shares", [100, 40])
def test_the_missing_shares_are_booked_as_sold_and_nothing_is_sent(
    live: LiveStrategy, broker: ScriptedBroker, shares: int
) -> None:
    account = sell_outside(live, broker, shares)
    sent = len(broker.submitted)
    (order,) = record(account)
    trade = PaperTrade.objects.get()
    assert (trade.exit_quantity, trade.exit_price, trade.pnl) == (shares, 12, 2 * shares)
    assert (trade.is_open, trade.exit_reason) == ((True, "") if shares == 40 else (False, "manual"))
    assert list(PaperPosition.objects.values_list("quantity", flat=True)) == ([60] if shares == 40 else [])
    assert (order.state, order.filled_quantity, order.client_order_id[:5]) == ("filled", shares, "outsi")
    live.refresh_from_db()
    assert live.realized_pnl == 2 * shares
    assert account_now(live).booked_cash == 99_000 + 12 * shares
    assert list(differences()) == []
    run_reconcile(live, broker, LATER)
    assert not Incident.objects.filter(resolved_at=None).exists(), "shares and cash agree again"
    assert len(broker.submitted) == sent
    said = AuditRecord.objects.get(action="sale_recorded")
    assert (said.user_id, said.details["price"]) == (account.user_id, "12.000000")


def test_a_second_press_books_nothing_more(live: LiveStrategy, broker: ScriptedBroker) -> None:
    account = sell_outside(live, broker, 40)
    record(account)
    with pytest.raises(NotRecorded):
        record(account)
    assert Fill.objects.filter(order__purpose="exit").count() == 1


def test_the_oldest_lots_are_sold_first(live: LiveStrategy, broker: ScriptedBroker) -> None:
    broker.filled(entry_of(live, 30), 9, time=START - timedelta(days=2))
    account = sell_outside(live, broker, 40)
    assert sorted(order.quantity for order in record(account)) == [10, 30]
    assert [trade.open_quantity for trade in PaperTrade.objects.filter(exit_time=None)] == [90]


@pytest.mark.parametrize("price", [0, -1, "0.0000001", 10_000_001])
def test_a_price_that_is_none_is_refused_at_its_field(
    live: LiveStrategy, broker: ScriptedBroker, price: object
) -> None:
    account = sell_outside(live, broker, 40)
    with pytest.raises(NotRecorded) as refusal:
        record(account, price)
    assert refusal.value.field == "price"


def test_nothing_is_recorded_while_something_may_explain_it(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """A difference of some seconds, a sale that is at work, and shares that the broker has more."""
    account = sell_outside(live, broker, 40)
    entry = Order.objects.get(purpose="entry")
    with pytest.raises(NotRecorded):
        record(account, now=START + timedelta(minutes=4))
    about: dict[str, Any] = {"user": account.user, "side": "sell", "opening_order": entry}
    sale = make_order(purpose="exit", state="accepted", **about)
    with pytest.raises(NotRecorded):
        record(account)
    sale.delete()
    stop = make_order(purpose="stop_loss", state="cancel_pending", **about)
    with pytest.raises(NotRecorded):
        record(account)
    stop.delete()
    Incident.objects.create(
        account=account,
        kind="unbooked_fill",
        key="7",
        order=entry,
        text="",
        first_seen_at=START,
        reported_at=START,
    )
    with pytest.raises(NotRecorded):
        record(account)
    Incident.objects.filter(kind="unbooked_fill").delete()
    broker.held["AAPL"] += 50
    run_reconcile(live, broker, START + timedelta(seconds=20))
    with pytest.raises(NotRecorded):
        record(account, now=LATER + timedelta(hours=1))
    assert not Fill.objects.filter(order__purpose="exit").exists()
