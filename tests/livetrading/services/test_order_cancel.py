"""Cancelling one order by hand: which, and what it becomes."""

from typing import Any

import pytest

from livetrading.models import OrderState
from livetrading.models.order import FINAL
from livetrading.services.halt import request
from livetrading.services.order_cancel import (
    NotCancelled,
    can_cancel,
    cancel_order,
    flattened_accounts,
    is_sold_off,
)
from tests.livetrading.factories import NOW, WALL, account_of, make_order, make_paper_trade, make_stop
from tests.livetrading.published import published
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord

S = OrderState


@pytest.mark.parametrize(
    ("state", "to"),
    [
        (S.PENDING, S.CANCELLED),
        (S.WAITING, S.CANCELLED),
        (S.ACCEPTED, S.CANCEL_PENDING),
        (S.PARTIALLY_FILLED, S.CANCEL_PENDING),
    ],
)
@pytest.mark.parametrize("purpose", ["entry", "exit"])
def test_an_entry_or_an_exit_is_cancelled_once(alice: User, state: str, to: str, purpose: str) -> None:
    order = make_order(user=alice, state=state, purpose=purpose)
    assert can_cancel(order, flattened_accounts(alice))
    for _ in range(2):
        found = cancel_order(order, by=alice, wall_now=WALL)
        assert (found.state, found.reason) == (to, "Cancelled by hand.")
    assert AuditRecord.objects.get().details == {"before": state, "after": to}


@pytest.mark.parametrize("state", [S.SUBMITTING, S.UNKNOWN, *(state for state in FINAL if state != S.CANCELLED)])
def test_one_that_is_being_sent_or_has_ended_is_refused(alice: User, state: str) -> None:
    order = make_order(user=alice, state=state)
    assert not can_cancel(order, ())
    with pytest.raises(NotCancelled):
        cancel_order(order, by=alice, wall_now=WALL)
    order.refresh_from_db()
    assert (order.state, order.reason) == (state, "")


@pytest.mark.parametrize("fields", [{}, {"type": "market", "state": "pending"}])
def test_protection_cannot_be_cancelled(alice: User, fields: dict[str, Any]) -> None:
    trade = make_paper_trade(user=alice)
    stop = make_stop(trade=trade, **fields)
    trade.opening_order.filled_quantity = 10
    trade.opening_order.save()
    assert not can_cancel(stop, ())
    with pytest.raises(NotCancelled, match="protects"):
        cancel_order(stop, by=alice, wall_now=WALL)
    waiting = make_order(user=alice, purpose="stop_loss", state="waiting", opening_order=make_order(user=alice))
    with pytest.raises(NotCancelled, match="Cancel the entry"):
        cancel_order(waiting, by=alice, wall_now=WALL)


def test_the_sale_of_a_flattened_account_cannot_be_cancelled(alice: User) -> None:
    order = make_order(user=alice, purpose="exit", side="sell")
    entry = make_order(user=alice)
    offered = []
    for action in ("orders", "flatten"):
        request(account_of(alice), action, by=alice, now=NOW, wall_now=WALL)
        flattened = flattened_accounts(alice)
        offered.append((can_cancel(order, flattened), is_sold_off(order, flattened)))
    assert offered == [(True, False), (False, True)]
    assert (can_cancel(entry, flattened), is_sold_off(entry, flattened)) == (True, False)
    with pytest.raises(NotCancelled, match="flattened"):
        cancel_order(order, by=alice, wall_now=WALL)


@pytest.mark.django_db(transaction=True)
def test_a_tick_is_published(alice: User) -> None:
    order = make_order(user=alice)
    with published() as tasks:
        cancel_order(order, by=alice, wall_now=WALL)
    assert tasks == [("tick_now", [order.account_id])]
