"""Losses of an account: they are watched at every tick, and each limit trips exactly once.

A strategy buys and keeps 4,166 AAPL at 12, half of $100,000; each dollar less is a loss of 4.17%.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from livetrading.models import AccountRule, BrokerAccount, Halt, LiveStrategy, Order, OrderState, PaperTrade
from livetrading.pipeline import watch as watch_module
from livetrading.pipeline.account_figures import equity_of
from livetrading.pipeline.dispatch import WATCH_EVERY, claim_due_accounts
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.tick import tick
from livetrading.pipeline.watch import watch
from livetrading.services import halt as halts
from livetrading.services.halt import RESUME, lift
from tests.livetrading.at_once import at_once
from tests.livetrading.made_bars import CLOSES, DAYS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, deployed, open_account, replay
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, connect, entry_of, fresh
from tests.livetrading.pipeline.test_rules_in_checks import rule
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.notifications.events import Event, Priority


def holding_aapl(user: User, *closes: float, **fields: Any) -> LiveStrategy:
    """It is bought at 12 in session 1 and kept; the sessions from 2 on close at `closes`."""
    open_account(user, 100_000.0)
    store_bars(AAPL=flat(12, 12, *closes))
    return deployed(user, "buy_and_hold", ["AAPL"], position_size_pct=0.5, stop_loss_pct=None, **fields)


def watched(live: LiveStrategy, session: int) -> None:
    """A tick without a check, and the sending of what it made."""
    for order_id in tick(live.account_id, CLOSES[session], WALL, checks=False).orders:
        execute_order(order_id, CLOSES[session], WALL)


def notified(user: User, event: Event) -> list[tuple[int, str]]:
    return list(user.notifications.filter(event=event).order_by("pk").values_list("priority", "text"))


def account_of(live: LiveStrategy) -> BrokerAccount:
    return BrokerAccount.objects.select_related("user").get(pk=live.account_id)


def test_open_losses_alone_trip_the_kill_switch_without_any_signal_or_check(alice: User) -> None:
    live = holding_aapl(alice, 12, 11.01, 11)
    replay(live, CLOSES[:3])
    made = rule(live.account, "max_drawdown_pct", 0.0416)
    watched(live, 3)
    made.refresh_from_db()
    assert (made.tripped_at, Halt.objects.count()) == (None, 0), "4.12% are below 4.16%"
    watched(live, 4)
    made.refresh_from_db()
    account = account_of(live)
    reason = "The drawdown of the account is 4.2%; the limit is 4.2%."
    assert (made.tripped_at, made.tripped_reason) == (CLOSES[4], reason)
    assert (account.entries_stopped_at, account.entries_stopped_reason) == (CLOSES[4], reason)
    halt = Halt.objects.get()
    assert (halt.action, halt.requested_by, halt.is_unfinished) == ("orders", "the kill switch", False)
    ((priority, text),) = notified(alice, Event.KILL_SWITCH)
    assert priority == Priority.CRITICAL
    assert reason in text
    assert "positions are kept" in text
    assert PaperTrade.objects.get().is_open
    assert AuditRecord.objects.filter(action="rule_tripped").count() == 1


def test_it_trips_exactly_once(alice: User) -> None:
    live = holding_aapl(alice, 11, 10, 9)
    replay(live, CLOSES[:2])
    rule(live.account, "max_drawdown_pct", 0.04)
    for session in (2, 2, 3, 4):
        watched(live, session)
    assert len(notified(alice, Event.KILL_SWITCH)) == 1
    assert Halt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_the_same_moment_trip_it_once(alice: User) -> None:
    live = holding_aapl(alice, 11)
    rule(live.account, "max_drawdown_dollars", 1_000)
    BrokerAccount.objects.update(equity=98_000)
    account = account_of(live)
    changed = at_once(*[lambda: watch(account, CLOSES[2], WALL)] * 2)
    assert sorted(changed) == [False, True]
    assert (len(notified(alice, Event.KILL_SWITCH)), Halt.objects.count()) == (1, 1)


def test_entries_are_stopped_and_entry_orders_cancelled(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = connect(monkeypatch, ScriptedBroker())
    live = holding_aapl(alice, 11)
    rule(live.account, "max_drawdown_pct", 0.1)
    tick(live.account_id, CLOSES[1], WALL, checks=False)
    working, pending = entry_of(live), entry_of(live, state=OrderState.PENDING, symbol="IBM")
    broker.report_order(working)
    broker.cash = Decimal(90_000)
    BrokerAccount.objects.update(booked_cash=broker.cash)  # lost, and not paid out
    tick(live.account_id, CLOSES[2], WALL, checks=False)
    assert broker.cancelled == [working.client_order_id]
    assert fresh(pending).state == OrderState.CANCELLED
    execute_order(pending.pk, CLOSES[2], WALL)
    assert broker.submitted == []


def test_positions_are_flattened_when_that_was_chosen_beforehand(alice: User) -> None:
    live = holding_aapl(alice, 11, 10)
    replay(live, CLOSES[:2])
    rule(live.account, "max_drawdown_pct", 0.04, flatten=True)
    watched(live, 2)
    sale = Order.objects.get(purpose="exit")
    assert (sale.quantity, sale.state) == (4_166, OrderState.ACCEPTED)
    ((_, text),) = notified(alice, Event.KILL_SWITCH)
    assert "all positions are sold" in text
    watched(live, 3)
    assert not PaperTrade.objects.get().is_open


def test_it_stays_halted_until_it_is_lifted_and_then_the_peak_starts_again(alice: User) -> None:
    live = holding_aapl(alice, 11, 11, 10.9, 9)
    replay(live, CLOSES[:2])
    made = rule(live.account, "max_drawdown_pct", 0.04)
    watched(live, 2)
    account = account_of(live)
    assert (account.peak_equity, account.equity) == (100_000, 95_834)
    lift(account, RESUME, by=alice, now=CLOSES[2], wall_now=WALL)
    watched(live, 3)
    account, made = account_of(live), AccountRule.objects.get()
    assert (account.entries_stopped, account.peak_equity, account.peak_restarted_at) == (False, 95_834, CLOSES[3])
    assert (made.tripped_at, made.tripped_reason) == (None, "")
    assert notified(alice, Event.KILL_SWITCH)[1] == (
        Priority.NORMAL,
        "Paper: drawdowns are measured again from the equity of $95,834.00.",
    )
    assert AuditRecord.objects.filter(action="peak_restarted").count() == 1
    watched(live, 4)
    assert not account_of(live).entries_stopped, "0.4% below the new peak"
    watched(live, 5)
    assert account_of(live).entries_stopped, "9.1% below the new peak"
    assert len(notified(alice, Event.KILL_SWITCH)) == 3


def test_a_daily_loss_trips_once_a_day_and_holds_although_it_is_won_back(alice: User) -> None:
    live = holding_aapl(alice, 11, 10)
    replay(live, CLOSES[:2])
    made = rule(live.account, "daily_loss_dollars", 1_000)
    watched(live, 2)
    assert notified(alice, Event.LIMIT_TRIPPED) == [
        (
            Priority.HIGH,
            "Paper: Today's loss of the account is $4,166.00; the limit is $1,000.00. No entries until tomorrow.",
        )
    ]
    assert not account_of(live).entries_stopped
    store_bars(AAPL=flat(12, 12, 13))
    tick(live.account_id, CLOSES[2] + timedelta(hours=1), WALL, checks=False)
    entry = entry_of(live, state=OrderState.PENDING, symbol="IBM", created_at=CLOSES[2])
    execute_order(entry.pk, CLOSES[2], WALL)
    assert fresh(entry).reason.startswith("Daily loss limit ($): Today's loss of the account is $4,166.00")
    store_bars(AAPL=flat(12, 12, 13, 12.9))
    watched(live, 3)
    made.refresh_from_db()
    assert (made.tripped_at, len(notified(alice, Event.LIMIT_TRIPPED))) == (CLOSES[2], 1)
    entry = entry_of(live, state=OrderState.PENDING, symbol="AAPL", created_at=CLOSES[3])
    execute_order(entry.pk, CLOSES[3], WALL)
    assert fresh(entry).state == OrderState.ACCEPTED, "another day"


def test_the_day_begins_with_the_last_report_of_the_day_before(alice: User) -> None:
    live = holding_aapl(alice, 11, 10.5)
    replay(live, CLOSES[:2])
    for session, start in ((2, 100_000), (3, 95_834)):
        watched(live, session)
        assert (account_of(live).day_start_equity, account_of(live).equity_day) == (start, DAYS[session])


@pytest.mark.parametrize(
    ("amount", "included", "peak"),
    [(-30_000, False, 70_000), (-30_000, True, 70_000), (30_000, False, 130_000), (30_000, True, 130_000)],
)
def test_a_transfer_is_neither_a_loss_nor_a_gain(
    alice: User, monkeypatch: pytest.MonkeyPatch, amount: int, included: bool, peak: int
) -> None:
    """included: the broker reports the cash before the activity."""
    broker = connect(monkeypatch, ScriptedBroker())
    live = holding_aapl(alice)
    rule(live.account, "max_drawdown_pct", 0.5)
    rule(live.account, "daily_loss_dollars", 40_000)
    tick(live.account_id, CLOSES[1], WALL, checks=False)
    if included:
        broker.cash += amount
        tick(live.account_id, CLOSES[1] + timedelta(seconds=1), WALL, checks=False)
        broker.cash -= amount
    broker.pay("transfer", amount)
    tick(live.account_id, CLOSES[1] + timedelta(seconds=2), WALL, checks=False)
    account = account_of(live)
    assert (account.equity, account.peak_equity, account.day_start_equity) == (peak, peak, peak)
    assert not AccountRule.objects.exclude(tripped_at=None).exists()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


def ticked(live: LiveStrategy, seconds: int, session: int = 1) -> BrokerAccount:
    tick(live.account_id, CLOSES[session] + timedelta(seconds=seconds), WALL, checks=False)
    return account_of(live)


def test_a_deposit_beside_an_older_difference_raises_the_peak_once(alice: User, broker: ScriptedBroker) -> None:
    live = holding_aapl(alice)
    rule(live.account, "max_drawdown_pct", 0.1)
    broker.cash += Decimal("0.02")
    for seconds in (0, 1):
        ticked(live, seconds)
    broker.cash += 50_000
    assert ticked(live, 2).peak_equity == 100_000
    broker.cash -= 50_000
    broker.pay("transfer", 50_000)
    account = ticked(live, 3)
    assert (account.peak_equity, account.equity) == (150_000, Decimal("150000.02"))
    broker.cash -= 20_000
    broker.pay("fee", 0)
    ticked(live, 4)
    assert not AccountRule.objects.exclude(tripped_at=None).exists(), "it may be a withdrawal"


@pytest.mark.parametrize("listed", [True, False])
def test_a_withdrawal_that_is_listed_later_is_no_loss_until_then(
    alice: User, broker: ScriptedBroker, listed: bool
) -> None:
    live = holding_aapl(alice)
    rule(live.account, "max_drawdown_pct", 0.25)
    rule(live.account, "daily_loss_pct", 0.1)
    ticked(live, 0)
    broker.cash -= 30_000
    for session in (1, 2, 3):
        ticked(live, 10, session)
    assert not AccountRule.objects.exclude(tripped_at=None).exists()
    if listed:
        broker.cash += 30_000
        broker.pay("transfer", -30_000)
        account = ticked(live, 20, 3)
        assert (account.equity, account.peak_equity, account.day_start_equity) == (70_000, 70_000, 70_000)
    for session in (4, 5):
        ticked(live, 20, session)
    # One that nothing explains is a loss after some days.
    tripped = AccountRule.objects.exclude(tripped_at=None).values_list("kind", flat=True)
    assert ("max_drawdown_pct" in tripped) is not listed


def test_a_withdrawal_of_the_night_moves_the_start_of_the_day(alice: User, broker: ScriptedBroker) -> None:
    live = holding_aapl(alice)
    rule(live.account, "daily_loss_pct", 0.1)
    ticked(live, 0)
    broker.pay("transfer", -30_000)
    account = ticked(live, 0, 2)
    assert (account.day_start_equity, account.equity_day) == (70_000, DAYS[2])
    assert not AccountRule.objects.exclude(tripped_at=None).exists()


def test_shares_that_leave_with_their_price_are_no_loss(alice: User, broker: ScriptedBroker) -> None:
    live = holding_aapl(alice)
    ticked(live, 0)
    broker.cash -= 5_000  # the broker's cash is its equity here
    BrokerAccount.objects.update(booked_cash=broker.cash)
    broker.pay("transfer", 0, quantity=Decimal(-100), price=Decimal(50))
    account = ticked(live, 1)
    assert (account.peak_equity, account.day_start_equity) == (95_000, 95_000)


def test_without_a_report_of_the_balance_nothing_trips(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = connect(monkeypatch, ScriptedBroker())
    live = holding_aapl(alice)
    rule(live.account, "max_drawdown_pct", 0.1)
    tick(live.account_id, CLOSES[1], WALL, checks=False)
    broker.cash = Decimal(10)
    broker.failing["account"] = RuntimeError("no answer")
    tick(live.account_id, CLOSES[2], WALL, checks=False)
    assert not Halt.objects.exists()


def test_what_cannot_be_watched_holds_no_exit_back(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    live = holding_aapl(alice, 11, 10)
    replay(live, CLOSES[:2])
    rule(live.account, "max_drawdown_pct", 0.04, flatten=True)

    def fails(*_arguments: object) -> None:
        raise RuntimeError("no figures")

    monkeypatch.setattr(watch_module, "is_reached", fails)
    watched(live, 2)
    assert (account_of(live).state, Halt.objects.exists()) == ("connected", False)
    monkeypatch.undo()
    watched(live, 3)
    assert Order.objects.get(purpose="exit").state == OrderState.ACCEPTED


def test_a_crash_while_it_trips_leaves_all_of_it_or_nothing(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    live = holding_aapl(alice, 11)
    rule(live.account, "max_drawdown_dollars", 1_000)
    BrokerAccount.objects.update(equity=98_000)

    def dies(*_arguments: object, **_named: object) -> None:
        raise SystemExit

    account = account_of(live)
    with monkeypatch.context() as patched:
        patched.setattr(halts, "request", dies)
        with pytest.raises(SystemExit):
            watch(account, CLOSES[2], WALL)
    assert (AccountRule.objects.get().tripped_at, notified(alice, Event.KILL_SWITCH)) == (None, [])
    assert watch(account_of(live), CLOSES[2], WALL)
    assert account_of(live).entries_stopped


def test_a_limit_that_is_off_or_not_reached_costs_one_query(alice: User) -> None:
    live = holding_aapl(alice)
    rule(live.account, "max_drawdown_dollars", 1_000, enabled=False)
    rule(live.account, "order_value", 1_000)
    BrokerAccount.objects.update(equity=50_000)
    account = account_of(live)
    before = len(connection.queries_log)
    connection.force_debug_cursor = True
    try:
        assert not watch(account, CLOSES[2], WALL)
        assert len(connection.queries_log) - before == 1
    finally:
        connection.force_debug_cursor = False


def test_an_account_with_active_strategies_is_watched_regularly(alice: User) -> None:
    """Also when no check is due and nothing is held."""
    live = holding_aapl(alice)
    later = CLOSES[1] + timedelta(days=9)
    LiveStrategy.objects.update(next_check_at=later)
    tick(live.account_id, CLOSES[1], WALL, checks=False)
    soon = CLOSES[1] + WATCH_EVERY - timedelta(seconds=1)
    assert claim_due_accounts(soon, WALL) == []
    assert [pk for pk, _ in claim_due_accounts(CLOSES[1] + WATCH_EVERY, WALL)] == [live.account_id]
    BrokerAccount.objects.update(claimed_until=None)
    LiveStrategy.objects.update(status="paused")
    assert claim_due_accounts(CLOSES[1] + WATCH_EVERY, WALL) == []


def test_the_account_is_locked_before_the_rule(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere: in the other order, the kill switch and a person who moves a rule wait for each other."""
    live = holding_aapl(alice, 11)
    replay(live, CLOSES[:3])
    made = rule(live.account, "max_drawdown_pct", 0.01)
    tripped_at_lock = []
    locked = BrokerAccount.locked

    def spy(account_id: int) -> BrokerAccount:
        tripped_at_lock.append(AccountRule.objects.get(pk=made.pk).tripped_at)
        return locked(account_id)

    monkeypatch.setattr(BrokerAccount, "locked", spy)
    assert watch_module._trip(account_of(live), made, equity_of(account_of(live), CLOSES[3]), CLOSES[3], WALL)
    assert tripped_at_lock[0] is None
