"""Quantities with nine decimals: less than a millionth of a share leaves no order and no lot open."""

from contextlib import ExitStack
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetrading.models import Incident, LiveStrategy, Order, OrderState, PaperPosition, PaperTrade
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    account_now,
    entry_of,
    exit_of,
    fresh,
    leg_of,
    run_reconcile,
)
from tradedesk.accounts.models import User

NANO = Decimal("0.000000001")
DESK_PLACES = Decimal("0.000001")


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def parts_of(whole: Decimal, cuts: list[int]) -> list[Decimal]:
    """`whole` in parts of whole billionths, at these cuts in thousandths of it."""
    places = sorted({(whole * cut / 1000).quantize(NANO) for cut in cuts} | {Decimal(0), whole})
    return [high - low for low, high in pairwise(places) if high > low]


CUTS = st.lists(st.integers(1, 999), max_size=6)
# What the broker executes beyond, or short of, the ordered quantity: less than a millionth of a share.
RESIDUE = st.integers(-999, 999).map(lambda count: count * NANO)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 20_000_000).map(lambda millionths: millionths * DESK_PLACES),
    RESIDUE,
    RESIDUE,
    CUTS,
    CUTS,
    st.booleans(),
)
def test_residues_leave_no_order_and_no_lot_open(
    live: LiveStrategy,
    quantity: Decimal,
    bought_residue: Decimal,
    sold_residue: Decimal,
    buys: list[int],
    sells: list[int],
    by_the_stop: bool,
) -> None:
    """A lot is bought and sold in any parts, each side up to a millionth more or less than was ordered."""
    quantity += DESK_PLACES  # more than the residues
    bought = quantity + bought_residue
    sold = bought + sold_residue
    with ExitStack() as stack:
        stack.enter_context(transaction.atomic())
        stack.callback(transaction.set_rollback, True)
        broker = ScriptedBroker()
        entry = entry_of(live, quantity)
        broker.report_order(entry, "working")
        broker.report_order(leg_of(entry), "working")
        for part in parts_of(bought, buys):
            broker.fill(entry, part, 10)
        run_reconcile(live, broker)
        assert (fresh(entry).state, entry.filled_quantity) == (OrderState.FILLED, bought)
        assert PaperTrade.objects.get().is_open
        leaving = leg_of(entry) if by_the_stop else exit_of(entry, bought)
        broker.report_order(leaving, "working")
        for part in parts_of(sold, sells):
            broker.fill(leaving, part, 11)
        run_reconcile(live, broker)
        trade = PaperTrade.objects.get()
        assert (trade.is_open, trade.exit_quantity) == (False, sold)
        assert fresh(leaving).state == OrderState.FILLED
        assert not PaperPosition.objects.exists()
        assert not Incident.objects.exclude(kind=Incident.Kind.CASH).exists()
        assert abs((account_now(live).booked_cash or 0) - broker.cash) < Decimal("0.01")


def test_more_than_dust_is_left_over(live: LiveStrategy) -> None:
    """Two millionths of a share are shares: the order and the lot stay open."""
    broker = ScriptedBroker()
    entry = entry_of(live, 1)
    broker.report_order(entry, "working")
    broker.fill(entry, "0.999998", 10)
    run_reconcile(live, broker)
    assert fresh(entry).state == OrderState.PARTIALLY_FILLED
    leaving = exit_of(entry, "0.999998")
    broker.report_order(leaving, "working")
    broker.fill(leaving, "0.999996", 10)
    run_reconcile(live, broker)
    assert (fresh(leaving).state, PaperTrade.objects.get().is_open) == (OrderState.PARTIALLY_FILLED, True)
    assert PaperPosition.objects.get().quantity == Decimal("0.000002")


def test_an_order_of_nine_decimals_is_stored_exactly(live: LiveStrategy) -> None:
    entry = entry_of(live, "1.123456789")
    assert Order.objects.get(pk=entry.pk).quantity == Decimal("1.123456789")
