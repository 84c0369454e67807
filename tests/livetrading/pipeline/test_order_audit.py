"""What the audit keeps of an order, from the check to its end: through the pipeline and the simulated broker."""

from decimal import Decimal
from typing import Any

from livetrading.models import Order, OrderState
from livetrading.services.control import control
from livetrading.services.order_audit import move_and_record
from tests.livetrading.factories import make_order
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.origin import DESK, Origin, Via, acting
from tradedesk.audit.services import broken_at


def records_of(order: Order) -> list[AuditRecord]:
    own = AuditRecord.objects.filter(subject_type="order", subject_id=str(order.pk))
    return list(own.order_by("sequence"))


def actions_of(order: Order) -> list[str]:
    return [record.action for record in records_of(order)]


def test_the_life_of_an_entry_and_of_its_stop(alice: User) -> None:
    store_bars(AAPL=flat(*[10] * 7, 12, 12, 5))
    open_account(alice, 100_000)
    live = make_two_bar_strategy(alice, "AAPL", stop_loss_pct=0.5)
    for now in CLOSES[6:10]:
        step(live, now)
    entry, stop = Order.objects.get(purpose="entry"), Order.objects.get(purpose="stop_loss")
    assert actions_of(entry) == ["order_created", "order_accepted", "fill"]
    assert actions_of(stop) == ["order_created", "order_accepted", "fill"]
    made, accepted, fill = records_of(entry)
    assert {(each.actor, each.via, each.user_id, each.time) for each in (made, accepted, fill)} == {
        (DESK, "desk", alice.pk, WALL)
    }
    assert made.details["client_order_id"] == entry.client_order_id
    assert (accepted.details["before"], accepted.details["after"]) == ("submitting", "accepted")
    booked = entry.fills.get()
    assert fill.details["activity_id"] == booked.activity_id
    figures = [Decimal(fill.details[name]) for name in ("quantity", "price")]
    assert figures == [booked.quantity, booked.price]
    assert broken_at() == ""


def test_a_stop_by_hand_is_of_the_user_with_the_entries_that_it_cancels(alice: User) -> None:
    store_bars(AAPL=flat(*[10] * 7, 12))
    open_account(alice, 100_000)
    live = make_two_bar_strategy(alice, "AAPL")
    check(live, CLOSES[6])
    check(live, CLOSES[7])
    entry = Order.objects.get(purpose="entry")
    with acting(Origin(Via.PAGE, address="203.0.113.7")):
        control(live, "stop", CLOSES[7], WALL)
    cancelled = records_of(entry)[-1]
    assert (cancelled.action, cancelled.actor) == ("order_cancelled", alice.email)
    assert (cancelled.via, cancelled.address) == ("page", "203.0.113.7")


def test_an_order_that_does_not_move_is_not_recorded(alice: User) -> None:
    order = make_order(user=alice, state=OrderState.FILLED)
    assert not move_and_record(order, OrderState.ACCEPTED, wall_now=WALL)
    assert not AuditRecord.objects.exists()
    changes: dict[str, Any] = {"reason": "No shares to borrow."}
    other = make_order(user=alice, state=OrderState.SUBMITTING)
    assert move_and_record(other, OrderState.REJECTED, wall_now=WALL, **changes)
    assert AuditRecord.objects.get().details["reason"] == "No shares to borrow."
