"""What a halt does next, without a database."""

from datetime import datetime, timedelta

import pytest

from livetrading.brokers.simulation.broker import CAPABILITIES as SIMULATION
from livetrading.models import Order, OrderState
from livetrading.pipeline.flatten import ToStop, plan_halt
from livetrading.pipeline.lot_orders import LotOrders, Plan
from tests.livetrading.made_bars import CLOSES, NOW
from tests.livetrading.pipeline.test_plan import entry, leg, lot, part, sale
from tests.livetrading.second_broker.variants import SEPARATE, VARIANTS

S = OrderState


def planned(*lots: LotOrders, entries: list[Order] | None = None, since: datetime | None = None) -> Plan:
    return plan_halt(ToStop(entries or [], list(lots), since), SEPARATE, CLOSES[2], NOW)


@pytest.mark.parametrize(
    ("state", "to"),
    [
        (S.PENDING, S.CANCELLED),
        (S.WAITING, S.CANCELLED),
        (S.ACCEPTED, S.CANCEL_PENDING),
        (S.PARTIALLY_FILLED, S.CANCEL_PENDING),
        (S.SUBMITTING, None),
        (S.UNKNOWN, None),
        (S.CANCEL_PENDING, None),
    ],
)
def test_an_entry_is_cancelled_wherever_it_is_and_one_on_its_way_later(state: str, to: str | None) -> None:
    made = planned(entries=[entry(state, 0)])
    assert [move[1] for move in made.moves] == ([] if to is None else [to])


@pytest.mark.parametrize("capabilities", [*VARIANTS.values(), SIMULATION])
def test_a_lot_gets_one_exit_for_all_of_it(capabilities: object) -> None:
    held = lot(leg(entry()), sold=30)
    (made,) = plan_halt(ToStop([], [held]), capabilities, CLOSES[2], NOW).new  # type: ignore[arg-type]
    assert (made.side, made.purpose, made.type, made.quantity, made.partial) == (
        "sell",
        "exit",
        "market",
        70,
        False,
    )
    assert made.opening_order == held.entry
    assert (made.signal_id, made.created_at, made.state_changed_at) == (None, CLOSES[2], NOW)
    # Where stops hold the shares, `protect` sends it once they are free.
    assert made.state == (S.PENDING if capabilities is SIMULATION else S.WAITING)


def test_a_lot_that_is_being_sold_gets_no_second_exit() -> None:
    opening = entry()
    assert not planned(lot(sale(opening, S.ACCEPTED)))
    assert not planned(lot(leg(opening, state=S.PENDING, type="market")))


def test_a_sale_of_a_part_does_not_count_and_ends_first() -> None:
    held = lot(part(entry(), 40, S.ACCEPTED))
    (made,) = plan_halt(ToStop([], [held]), SIMULATION, CLOSES[2], NOW).new
    assert (made.state, made.quantity) == (S.WAITING, 100)


@pytest.mark.parametrize(("age", "tries"), [(timedelta(0), 0), (timedelta(seconds=1), 1)])
def test_a_sale_that_failed_since_is_left_to_its_retry(age: timedelta, tries: int) -> None:
    """One that failed before, and would be tried again after a long pause, is made again immediately."""
    held = lot()
    held.failed = sale(held.entry, S.REJECTED)
    held.failed.state_changed_at = NOW - age
    assert len(planned(held, since=NOW).new) == tries
    held.failed.partial = True
    assert [order.quantity for order in planned(held, since=NOW).new] == [100]
