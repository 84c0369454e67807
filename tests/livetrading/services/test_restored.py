"""After a restore: accounts at brokers wait for an operator, and what was about to be sent is asked for first."""

import pytest

from livetrading.models import Halt, Order
from livetrading.pipeline.gate import Held, gate
from livetrading.services.halt import OperatorsHalt, lift
from livetrading.services.restored import hold_back
from tests.livetrading.factories import NOW, TODAY, WALL, account_of, at_day, make_order
from tradedesk.accounts.models import Mode, User


def test_accounts_at_brokers_are_halted_and_their_waiting_orders_are_asked_for(alice: User) -> None:
    at_day(TODAY)
    paper, live = account_of(alice), account_of(alice, Mode.LIVE)
    simulated = make_order(user=alice, account=paper, state="pending")
    working = make_order(user=alice, account=live, state="accepted")
    waiting = make_order(user=alice, account=live, state="pending", side="SELL", purpose="exit")

    assert hold_back(WALL, WALL) == 1

    for row in (paper, live, simulated, working, waiting):
        row.refresh_from_db()
    assert not paper.entries_stopped
    assert simulated.state == "pending"
    assert gate(Order.Purpose.EXIT, live, alice, None).open
    alice.mode = Mode.LIVE
    assert gate(Order.Purpose.ENTRY, live, alice, None).held == Held.HALT
    assert (waiting.state, waiting.attempts) == ("unknown", 1)
    assert working.state == "accepted"
    halt = live.halts.get()
    assert (halt.action, halt.by_operator, halt.orders_to_cancel) == (Halt.Action.ORDERS, True, 1)
    with pytest.raises(OperatorsHalt):
        lift(live, "RESUME", by=alice, now=NOW, wall_now=WALL)
