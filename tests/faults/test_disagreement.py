"""Reports that do not agree, and prices that stand still."""

import pytest

from livetrading.models import SignalHistory
from livetrading.models.decision_code import DecisionCode
from tests.faults.desk import FaultDesk

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def bought_with_old_positions(desk: FaultDesk) -> None:
    """The fills are there, and the broker still reports the positions of before."""
    desk.alice.books.frozen = []
    desk.signal_entry()
    desk.until(lambda: desk.sent("entry"), "the entries are sent")
    desk.open_day(V=10, W=10)
    desk.until(lambda: desk.alice.trades("W") and desk.alice.trades("V"), "the fills are booked")


def test_positions_that_come_after_the_orders_are_no_incident(desk: FaultDesk) -> None:
    bought_with_old_positions(desk)
    desk.alice.books.frozen = None
    desk.settle()
    assert desk.alice.incidents() == []
    desk.others_went_on()


def test_positions_that_differ_for_longer_are_said_and_never_adopted(desk: FaultDesk) -> None:
    bought_with_old_positions(desk)
    desk.until(lambda: desk.alice.incidents() == ["position"] * 2, "the difference is reported")
    assert [trade.open_quantity for symbol in "VW" for trade in desk.alice.trades(symbol)] == [100, 100]
    assert "W: the broker holds 0 shares, the desk's records 100." in desk.alice.reads()
    desk.alice.books.frozen = None
    desk.settle()
    assert not desk.alice.account.incidents.filter(resolved_at=None).exists()
    desk.others_went_on()


def test_prices_that_stand_still_make_no_entry_and_it_is_said(desk: FaultDesk) -> None:
    """Alice's W has had no bar for three sessions when its strategy looks at the last one, which is a BUY."""
    live = desk.alice.live["W"]
    later = desk.now.replace(month=6)
    type(live).objects.filter(pk=live.pk).update(next_check_at=later)
    bob = desk.bob.live["W"]
    type(bob).objects.filter(pk=bob.pk).update(next_check_at=later)
    desk.signal_entry()
    desk.until(lambda: desk.alice.states("V", "entry") == ["accepted"], "V is sent")
    desk.open_day(V=10, W=10)
    desk.settle()
    for _ in range(3):
        desk.close_bar(V=10)
    type(live).objects.filter(pk=live.pk).update(next_check_at=desk.now)
    desk.until(lambda: SignalHistory.objects.filter(live_strategy=live).exists(), "W is checked")
    desk.settle()
    (signal,) = SignalHistory.objects.filter(live_strategy=live)
    assert (signal.outcome, signal.code) == ("refused", DecisionCode.STALE_DATA)
    assert (desk.alice.orders("W", "entry"), desk.alice.at_broker("W", "buy")) == ([], [])
    assert signal.reason in desk.alice.reads("detail", pk=live.pk)
    assert [trade.is_open for trade in desk.alice.trades("V")] == [True]
