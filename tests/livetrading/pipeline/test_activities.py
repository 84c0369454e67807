"""Activities: money that moves without a fill is booked once, whatever the broker calls it."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetrading.models import AccountActivity, BrokerAccount, Incident, LiveStrategy
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import TIMES
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, account_now, entry_of, run_reconcile
from tests.livetrading.pipeline.test_lots import rolled_back
from tradedesk.accounts.models import User


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def test_an_activity_moves_the_booked_cash_once(live: LiveStrategy, broker: ScriptedBroker) -> None:
    broker.pay("fee", "-1.25", symbol="AAPL", description="Regulatory fee")
    broker.pay("dividend", 30, time=TIMES[0])
    assert run_reconcile(live, broker).changed
    account = account_now(live)
    assert (account.booked_cash, account.activity_cursor) == (Decimal("100028.75"), "2")
    fee, dividend = AccountActivity.objects.order_by("pk")
    assert (fee.kind, fee.symbol, fee.amount, fee.time, fee.description) == (
        "fee",
        "AAPL",
        Decimal("-1.25"),
        TIMES[1],
        "Regulatory fee",
    )
    assert (dividend.kind, dividend.amount, dividend.time) == ("dividend", 30, TIMES[0])
    # The broker may repeat what is at the cursor or before it.
    BrokerAccount.objects.update(activity_cursor="")
    run_reconcile(live, broker)
    assert (account_now(live).booked_cash, AccountActivity.objects.count()) == (Decimal("100028.75"), 2)
    assert not Incident.objects.exists()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(-10_000_00, 10_000_00).map(lambda cents: Decimal(cents) / 100), st.booleans()),
        max_size=12,
    )
)
def test_after_any_activities_and_repetitions_the_cash_agrees(
    live: LiveStrategy, payments: list[tuple[Decimal, bool]]
) -> None:
    """The second of each pair: whether the account is reconciled afterwards, from the beginning."""
    with rolled_back():
        broker = ScriptedBroker()
        for amount, reconciles in payments:
            broker.pay("other", amount)
            if reconciles:
                BrokerAccount.objects.update(activity_cursor="")
                run_reconcile(live, broker)
        run_reconcile(live, broker)
        assert account_now(live).booked_cash == broker.cash
        assert not Incident.objects.exists()


def test_an_activity_with_long_texts_of_an_unknown_kind_is_stored_cut(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """PostgreSQL refuses what is longer than its column; the fills and the cash behind it must go on."""
    option = "AAPL 240119C00190000 X"[:21]
    long_id = "9" * 120
    broker.pay("corporate_action_of_a_new_kind", "-1.25", symbol=option, description="Exercise " * 100)
    broker.pay("fee", -2, symbol="O" * 90)
    broker.pay("fee", -3, activity_id=long_id)
    broker.filled(entry_of(live), 10)
    run_reconcile(live, broker)
    first, second, third = AccountActivity.objects.order_by("pk")
    assert (first.kind, first.symbol, first.description) == ("other", option, ("Exercise " * 100)[:200])
    assert (second.symbol, third.activity_id) == ("O" * 40, long_id)
    account = account_now(live)
    assert account.booked_cash == broker.cash == Decimal("98993.75")
    assert account.activity_cursor == long_id
    for row in (first, second, third):
        row.full_clean()  # every value fits its column
    assert not Incident.objects.exists()
