"""One signal is executed by hand: by the rules of a check, once, and while it is fresh."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from livetrading.models import (
    BarDecision,
    BrokerAccount,
    LiveStrategy,
    Order,
    PaperAccount,
    PaperTrade,
    SignalHistory,
)
from livetrading.pipeline.by_hand import NotExecuted, dismiss_signal, execute_signal
from livetrading.pipeline.execute import execute_order
from livetrading.services.control import control
from livetrading.services.deletion import delete_live
from livetrading.summaries.approvals import waiting_signals
from tests.livetrading.at_once import at_once
from tests.livetrading.made_bars import CLOSES, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, replay
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.livetrading.published import published
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord
from tradedesk.core.rules import Costs
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Notification

# A BUY on bar 2; bought on bar 3, it is sold on bar 6 after the SELL on bar 5.
PRICES = (10, 10, 12, 12, 12.5, 11, 10.9, 10.8)
RULES: dict[str, Any] = {"stop_loss_pct": 0.2, "take_profit_pct": 0.5}


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0, Costs(commission_per_order=1.0))
    store_bars(AAPL=flat(*PRICES))
    return make_two_bar_strategy(alice, "AAPL", auto_execute=False, **RULES)


def waiting(live: LiveStrategy, side: str = "buy") -> SignalHistory:
    return SignalHistory.objects.select_related("live_strategy", "user").get(live_strategy=live, side=side)


def send(order: Order, number: int) -> None:
    execute_order(order.pk, CLOSES[number], WALL)


def bought(live: LiveStrategy) -> None:
    """The BUY is executed by hand, and filled on bar 3."""
    check(live, CLOSES[2])
    send(execute_signal(waiting(live), CLOSES[2], WALL), 2)
    check(live, CLOSES[3])


# --- Waiting ---------------------------------------------------------------------------------------------------


def test_a_signal_is_recorded_and_notified_and_waits(live: LiveStrategy) -> None:
    assert check(live, CLOSES[2]) == []
    signal = waiting(live)
    assert (signal.outcome, signal.code) == ("recorded", "not_automatic")
    assert signal.waits_until is not None
    assert CLOSES[2] < signal.waits_until < CLOSES[3]
    assert signal.refusal == ""
    assert list(waiting_signals(live.user, CLOSES[2])) == [signal]
    note = Notification.objects.get()
    assert (note.event, note.user) == (Event.SIGNAL, live.user)
    assert "AAPL" in note.text
    assert not Order.objects.exists()


def test_a_repeated_check_notifies_no_more(live: LiveStrategy) -> None:
    check(live, CLOSES[2])
    check(live, CLOSES[2])
    assert Notification.objects.count() == 1


# --- Execute ---------------------------------------------------------------------------------------------------


def test_by_hand_the_trade_is_that_of_an_automatic_strategy_to_the_cent(live: LiveStrategy, bob: User) -> None:
    open_account(bob, 100_000.0, Costs(commission_per_order=1.0))
    replay(make_two_bar_strategy(bob, "AAPL", **RULES), CLOSES[2:8])
    bought(live)
    replay(live, CLOSES[4:6])
    send(execute_signal(waiting(live, "sell"), CLOSES[5], WALL), 5)
    replay(live, CLOSES[6:8])
    figures = ("quantity", "entry_time", "entry_price", "stop_price", "target_price", "exit_time", "pnl")
    alices, bobs = (PaperTrade.objects.filter(user=user).values_list(*figures).get() for user in (live.user, bob))
    assert alices == bobs
    cash = dict(PaperAccount.objects.values_list("broker_account__user__email", "cash"))
    assert cash[live.user.email] == cash[bob.email]


def test_the_order_has_its_exits_and_is_enqueued_and_audited(
    live: LiveStrategy, django_capture_on_commit_callbacks: Any
) -> None:
    check(live, CLOSES[2])
    with published() as tasks, django_capture_on_commit_callbacks(execute=True):
        order = execute_signal(waiting(live), CLOSES[2], WALL)
    assert ("send_orders", [[str(order.pk)]]) in tasks
    assert sorted(Order.objects.values_list("purpose", flat=True)) == ["entry", "stop_loss", "take_profit"]
    signal = waiting(live)
    assert (signal.outcome, signal.code, signal.reason, signal.order) == ("ordered", "ordered", "", order)
    assert BarDecision.objects.get(signal=signal).code == "ordered"
    audited, *made = AuditRecord.objects.order_by("sequence")
    assert {record.action for record in made} == {"order_created"}
    assert (audited.actor, audited.action, audited.subject_id) == (
        live.user.email,
        "execute_signal",
        str(signal.pk),
    )


def test_a_second_press_returns_the_same_order(live: LiveStrategy) -> None:
    check(live, CLOSES[2])
    first = execute_signal(waiting(live), CLOSES[2], WALL)
    assert execute_signal(waiting(live), CLOSES[2], WALL) == first
    assert Order.objects.filter(purpose="entry").count() == 1


@pytest.mark.django_db(transaction=True)
def test_presses_at_once_make_one_order(live: LiveStrategy) -> None:
    check(live, CLOSES[2])
    with published():
        results = at_once(*[partial(execute_signal, waiting(live), CLOSES[2], WALL) for _ in range(3)])
    assert len({order.pk for order in results}) == 1
    assert Order.objects.filter(purpose="entry").count() == 1


def test_a_sell_can_be_executed_as_long_as_its_lot_is_held(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12, 12.5, 11, 11.5, 11.5))
    bought(live)
    replay(live, CLOSES[4:8])
    (signal,) = waiting_signals(live.user, CLOSES[7])
    assert (signal.side, signal.bar_time) == ("sell", TIMES[5])
    assert execute_signal(signal, CLOSES[7], WALL).quantity == PaperTrade.objects.get().open_quantity


# --- Refusals --------------------------------------------------------------------------------------------------


def halt(live: LiveStrategy) -> None:
    BrokerAccount.objects.update(entries_stopped_at=CLOSES[2], entries_stopped_reason="Losses")


def other_mode(live: LiveStrategy) -> None:
    User.objects.update(mode=Mode.LIVE)


def too_dear(live: LiveStrategy) -> None:
    LiveStrategy.objects.update(max_position_size=5)


def no_equity(live: LiveStrategy) -> None:
    BrokerAccount.objects.update(equity=None)


def pause(live: LiveStrategy) -> None:
    control(live, "pause", CLOSES[2], WALL)


def stop(live: LiveStrategy) -> None:
    control(live, "stop", CLOSES[2], WALL)


def delete(live: LiveStrategy) -> None:
    delete_live(live, CLOSES[2], WALL)


def dismiss(live: LiveStrategy) -> None:
    dismiss_signal(waiting(live), WALL)


def change_bars(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 9.5, 9.5))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (halt, "Entries of this account are stopped: Losses"),
        (other_mode, "your account is in live mode"),
        (too_dear, "is not enough for one share"),
        (no_equity, "did not report the account's equity"),
        (pause, "The strategy is paused."),
        (stop, "The strategy is stopped."),
        (delete, "deleted"),
        (dismiss, "does not wait"),
        (change_bars, "The bars have changed"),
    ],
)
def test_a_buy_that_is_refused_makes_no_order_and_says_why(
    live: LiveStrategy, change: Callable[[LiveStrategy], None], reason: str
) -> None:
    check(live, CLOSES[2])
    change(live)
    with pytest.raises(NotExecuted, match=reason):
        execute_signal(waiting(live), CLOSES[2], WALL)
    assert not Order.objects.exists()
    signal = waiting(live)
    stored = reason if change is not dismiss else "You dismissed it."
    assert (stored in signal.reason, bool(signal.refusal)) == (True, change is not dismiss)


def test_a_signal_that_was_refused_can_be_executed_when_the_reason_is_gone(live: LiveStrategy) -> None:
    check(live, CLOSES[2])
    halt(live)
    with pytest.raises(NotExecuted):
        execute_signal(waiting(live), CLOSES[2], WALL)
    BrokerAccount.objects.update(entries_stopped_at=None)
    assert execute_signal(waiting(live), CLOSES[2], WALL).state == "pending"
    assert (waiting(live).reason, waiting(live).refusal) == ("", "")


@pytest.mark.parametrize("change", [halt, pause, stop])
def test_a_sell_goes_out_whatever_holds_entries_back(
    live: LiveStrategy, change: Callable[[LiveStrategy], None]
) -> None:
    bought(live)
    replay(live, CLOSES[4:6])
    change(live)
    assert execute_signal(waiting(live, "sell"), CLOSES[5], WALL).side == "sell"


def test_a_buy_is_too_late_after_the_open_that_it_was_meant_for(live: LiveStrategy) -> None:
    check(live, CLOSES[2])
    signal = waiting(live)
    assert signal.waits_until is not None
    late = signal.waits_until + timedelta(seconds=1)
    assert list(waiting_signals(live.user, late)) == []
    with pytest.raises(NotExecuted, match="too late"):
        execute_signal(signal, late, WALL)


def test_a_newer_signal_of_the_symbol_counts(live: LiveStrategy) -> None:
    bought(live)
    store_bars(AAPL=flat(10, 10, 12, 12, 12.5, 11, 10, 9.5))
    replay(live, CLOSES[4:8])
    first = SignalHistory.objects.select_related("live_strategy", "user").get(side="sell", bar_time=TIMES[5])
    assert first not in waiting_signals(live.user, CLOSES[7])
    with pytest.raises(NotExecuted, match="newer signal"):
        execute_signal(first, CLOSES[7], WALL)


def test_a_dismissed_signal_waits_no_more(live: LiveStrategy) -> None:
    check(live, CLOSES[2])
    assert dismiss_signal(waiting(live), WALL)
    signal = waiting(live)
    assert (signal.outcome, signal.code, signal.waits_until) == ("refused", "dismissed", None)
    assert not dismiss_signal(signal, WALL)
    assert list(waiting_signals(live.user, CLOSES[2])) == []
    assert AuditRecord.objects.filter(action="dismiss_signal").count() == 1
