"""A broker that hangs, and one that takes no more requests: nobody else waits, and exits go first."""

import time

import pytest

from livetrading.models import BrokerAccount
from tests.faults.desk import FaultDesk
from tests.livetrading.factories import account_of
from tests.livetrading.made_bars import CLOSES, TWO_BARS
from tests.livetrading.pipeline.desk import deployed
from tests.livetrading.second_broker.desk import CASH, RULES
from tradedesk.accounts.models import User

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# Half of the threads of the test's worker, which has four.
HALF = 2


def test_a_broker_that_hangs_takes_no_more_than_its_share_of_the_threads(desk: FaultDesk) -> None:
    """Six accounts at the broker hang. Bob's at the same broker and Carol's at the simulation go on."""
    carol = User.objects.create_user("carol@example.com", "a password of no interest")
    values = TWO_BARS | {"next_check_at": CLOSES[0]} | RULES
    simulated = deployed(carol, values.pop("kind"), ["W"], equity=float(CASH), account=account_of(carol), **values)
    for number in range(6):
        user = User.objects.create_user(f"hangs-{number}@example.com", "a password of no interest")
        desk.add(user, desk.variant, ("W",))
        desk.broker.script.add("hang_before", key=f"hangs-{number}", times=None)
    desk.signal_entry()
    began = time.monotonic()
    desk.until(lambda: desk.bob.states("W", "entry") == ["accepted"], "Bob's entry is sent")
    bob = time.monotonic() - began
    desk.until(lambda: simulated.orders.filter(purpose="entry", state="accepted").exists(), "Carol's is sent")
    carols = time.monotonic() - began
    desk.until(lambda: BrokerAccount.objects.filter(failures__gt=0).count() > 1, "two accounts are degraded")
    degraded = [t for t in desk.traders.values() if BrokerAccount.objects.get(pk=t.account.pk).failures]
    print(f"Bob's entry after {bob:.1f} s, Carol's after {carols:.1f} s, {desk.broker.most_hanging} hung at once")
    assert 0 < desk.broker.most_hanging <= HALF
    assert "could not be reconciled: The broker did not respond." in degraded[0].reads()
    desk.broker.script.clear()
    desk.broker.release()
    desk.open_day(V=10, W=10)
    desk.until(lambda: not BrokerAccount.objects.filter(failures__gt=0).exists(), "the accounts are well again")
    desk.settle()


def test_after_too_many_requests_exits_go_before_entries(desk: FaultDesk) -> None:
    """Alice's W is to be sold and her V to be bought when the broker takes no more of her requests."""
    for price in (10, 10, 11):
        desk.close_bar(V=10, W=price)
    desk.until(lambda: desk.alice.states("W", "entry") == ["accepted"], "W is bought")
    desk.open_day(V=10, W=10)
    desk.settle()
    desk.move(W=9.95)
    desk.close_bar(V=10, W=(10.0, 10.0, 9.98, 9.98))
    desk.beat(3)
    storm = desk.broker.script.add("busy", key="alice", times=6, seconds=0.3)
    desk.close_bar(V=11, W=9.95)
    desk.until(lambda: storm.met == 6, "the storm is over")
    desk.until(lambda: desk.alice.states("V", "entry") == ["accepted"], "the entry is sent")
    desk.open_day(V=11, W=9.95)
    desk.settle()
    script = [(r.route, r.symbol, r.side) for _, r, how in desk.broker.requests if r.key == "alice" and not how]
    sales = [number for number, request in enumerate(script) if request == ("submit", "W", "sell")]
    assert sales[-1] < script.index(("submit", "V", "buy"))
    assert (desk.alice.at_broker("W", "sell"), desk.alice.at_broker("V", "buy")) == (["filled"], ["filled"])
    assert [trade.is_open for trade in desk.alice.trades("W")] == [False]
    assert [trade.is_open for trade in desk.bob.trades("W")] == [False]
    assert desk.bob.incidents() == []
