"""The funds of an account: what its orders in flight need is reserved, and no dollar is used twice."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.brokers.protocol import Capabilities
from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState, SignalHistory
from livetrading.models.order import FINAL
from livetrading.pipeline.checks import CheckContext, check_set
from livetrading.pipeline.evaluate import evaluate
from livetrading.pipeline.funds import Funds, reserve_of
from livetrading.pipeline.in_flight import funds_of, read_in_flight
from livetrading.pipeline.tick import tick
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import make_signal
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, step
from tests.livetrading.pipeline.scripted_broker import AT_FILL, ScriptedBroker, connect, entry_of, exit_of
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User

REDUCES = Capabilities(reduces_entries=True)
PLAIN = Capabilities()


@given(
    st.floats(0, 1e6),
    st.lists(st.tuples(st.integers(1, 3), st.floats(1, 1e5), st.floats(0.5, 5_000)), max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_what_is_granted_never_needs_more_than_there_is(
    buying_power: float, wishes: list[tuple[int, float, float]], fractional: bool, reduces: bool
) -> None:
    """At a broker that reduces entries only while a single strategy has ordered, which is then cut at the fill."""
    funds = Funds(buying_power, reduces)
    granted: list[tuple[int, float]] = []
    for live_id, shares, price in wishes:
        given_ = funds.affordable(live_id, shares, price, fractional)
        alone = {owner for owner, _ in granted} <= {live_id}
        assert 0.0 <= given_ <= shares
        if not (reduces and alone):
            assert reserve_of(given_, price) <= funds.left() * (1 + 1e-9) + 1e-6 * price * 2
            assert fractional or given_ == shares or given_ == int(given_)
        if given_ > 0.0:
            funds.reserve(live_id, reserve_of(given_, price))
            granted.append((live_id, given_))


def test_an_entry_is_reduced_to_what_the_others_have_left() -> None:
    funds = Funds(10_000.0, reduces_entries=True)
    assert funds.affordable(1, 500.0, 50.0, fractional=False) == 500, "alone it is cut at the fill"
    funds.reserve(1, reserve_of(100.0, 50.0))
    # 10,000 less 100 x 50 x 1.02 are 4,900, which is 96 x 51 and a rest.
    assert funds.affordable(2, 500.0, 50.0, fractional=False) == 96
    assert funds.affordable(2, 500.0, 50.0, fractional=True) == pytest.approx(4_900 / 51, abs=1e-6)
    assert funds.affordable(1, 500.0, 50.0, fractional=False) == 500
    funds.reserve(2, 4_900.0)
    assert funds.affordable(3, 1.0, 50.0, fractional=False) == 0
    funds.proceeds = 102.0
    assert funds.affordable(3, 9.0, 50.0, fractional=False) == 2
    assert funds.refusal(50.0) == (
        "The buying power of $10,000.00, without $10,000.00 for orders in flight, does not pay for one share at "
        "$50.00."
    )


def test_a_broker_that_does_not_reduce_gets_no_entry_that_it_would_refuse() -> None:
    funds = Funds(1_000.0, reduces_entries=False, proceeds=5_000.0)
    assert funds.affordable(1, 500.0, 10.0, fractional=False) == 98, "not the proceeds, which it may not have yet"
    funds.reserve(1, reserve_of(98.0, 10.0))
    assert funds.affordable(1, 1.0, 10.0, fractional=False) == 0
    assert Funds(None, reduces_entries=False).affordable(1, 5.0, 10.0, fractional=False) == 5, "not known, not cut"


# --- What is in flight -----------------------------------------------------------------------------------------


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return make_two_bar_strategy(alice, "AAPL")


def funds_now(account: BrokerAccount, capabilities: Capabilities = PLAIN, reported: Any = ()) -> Funds:
    account.refresh_from_db()
    return funds_of(account, read_in_flight(account), capabilities, reported)


@pytest.mark.parametrize("state", OrderState)
def test_every_entry_that_may_still_fill_reserves_its_remaining_shares(
    live: LiveStrategy, state: OrderState
) -> None:
    signal = make_signal(live_strategy=live, price=Decimal(40))
    order = entry_of(live, 10, signal=signal)
    Order.objects.filter(pk=order.pk).update(state=state, filled_quantity=4)
    funds = funds_now(live.account)
    expected = {} if state in FINAL else {live.pk: pytest.approx(6 * 40 * 1.02)}
    assert (funds.reserved, funds.buying_power) == (expected, 100_000)


def test_an_exit_in_flight_brings_its_proceeds(live: LiveStrategy) -> None:
    lot = entry_of(live, state=OrderState.FILLED)
    exit_of(lot, signal=make_signal(live_strategy=live, side="sell", price=Decimal(30)))
    funds = funds_now(live.account, REDUCES)
    assert (funds.proceeds, funds.reserved) == (lot.quantity * 30, {})


def test_what_was_booked_after_the_report_is_spent(live: LiveStrategy) -> None:
    """A second worker booked a fill: its order reserves nothing any more, and the report is older."""
    BrokerAccount.objects.update(booked_cash=Decimal(70_000))
    assert funds_now(live.account).buying_power == 70_000
    BrokerAccount.objects.update(booked_cash=Decimal(130_000))
    assert funds_now(live.account).buying_power == 100_000, "a sale counts from the broker's next report on"
    BrokerAccount.objects.update(buying_power=None)
    assert funds_now(live.account).buying_power is None


def test_a_broker_that_reserves_by_itself_has_deducted_what_it_reported(live: LiveStrategy) -> None:
    orders = [
        entry_of(live, 10, symbol=symbol, signal=make_signal(live_strategy=live, symbol=symbol, price=Decimal(40)))
        for symbol in ("AAPL", "IBM")
    ]
    reported = {orders[0].client_order_id}
    reserves = Capabilities(reserves_buying_power=True)
    assert funds_now(live.account, reserves, reported).reserved == {live.pk: pytest.approx(408)}
    assert funds_now(live.account, PLAIN, reported).reserved == {live.pk: pytest.approx(816)}


# --- In a check ------------------------------------------------------------------------------------------------


def two_strategies(user: User, cash: float) -> list[LiveStrategy]:
    """Both buy AAPL at 12 at the close of session 2, each for half of the equity."""
    open_account(user, cash)
    store_bars(AAPL=flat(10, 10, 12, 12), IBM=flat(10, 10, 12, 12))
    return [make_two_bar_strategy(user, symbol, position_size_pct=0.5) for symbol in ("AAPL", "IBM")]


def shares_ordered() -> list[Decimal]:
    entries = Order.objects.filter(purpose="entry").order_by("live_strategy_id", "symbol")
    return list(entries.values_list("quantity", flat=True))


def test_a_second_strategy_gets_what_the_first_has_left(alice: User) -> None:
    """500 / 12 are 41 shares, for which 41 x 12 x 1.02 are reserved; the rest pays for 40, and then for none."""
    lives = two_strategies(alice, 1_000.0)
    third = make_two_bar_strategy(alice, "AAPL", position_size_pct=0.5)
    for live in (*lives, third):
        check(live, CLOSES[2])
    assert shares_ordered() == [41, 40]
    refused = SignalHistory.objects.get(live_strategy=third)
    assert (refused.outcome, refused.code) == ("refused", "no_cash")
    assert "does not pay for one share at $12.00" in refused.reason


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    """A broker with $1,000 that refuses what the buying power does not pay for."""
    return connect(monkeypatch, ScriptedBroker(capabilities=AT_FILL, cash=Decimal(1_000)))


def test_one_set_and_two_sets_in_turn_use_no_dollar_twice(alice: User, plain: ScriptedBroker) -> None:
    lives = two_strategies(alice, 1_000.0)
    LiveStrategy.objects.update(position_size_pct=0.4)
    third = make_two_bar_strategy(alice, "AAPL", "IBM", position_size_pct=0.4)
    orders = tick(third.account_id, CLOSES[2], WALL, only=tuple(each.pk for each in (*lives, third))).orders
    # 33 + 33 shares at 12.24 leave $192.16 for 15 more, and nothing for the last.
    assert shares_ordered() == [33, 33, 15]
    assert len(orders) == 3
    assert signals_of(third)[1][2].startswith("The buying power of $1,000.00, without $991.44")


@pytest.mark.django_db(transaction=True)
def test_concurrent_checks_use_the_last_dollars_once(alice: User, plain: ScriptedBroker) -> None:
    """Two workers hold evaluations of the same bars; the row lock of the account puts their checks in turn."""
    lives = two_strategies(alice, 1_000.0)
    LiveStrategy.objects.update(position_size_pct=0.5)
    tick(lives[0].account_id, CLOSES[1], WALL, checks=False)
    BrokerAccount.objects.update(buying_power=400)
    evaluations, _ = evaluate(lives, CLOSES[2])
    context = CheckContext(1_000.0, plain.capabilities, CLOSES[2], WALL)

    def check_one(live: LiveStrategy) -> Any:
        return check_set(live.account_id, {live.pk: evaluations[live.pk]}, context)

    at_once(lambda: check_one(lives[0]), lambda: check_one(lives[1]))
    assert shares_ordered() == [32], "400 / 12.24, for the first of the two"
    assert SignalHistory.objects.filter(code="no_cash").count() == 1


def test_a_signal_that_is_only_recorded_reserves_nothing(alice: User) -> None:
    one, other = two_strategies(alice, 1_000.0)
    LiveStrategy.objects.filter(pk=one.pk).update(auto_execute=False, position_size_pct=0.5)
    step(one, CLOSES[2])
    step(other, CLOSES[2])
    assert shares_ordered() == [41]
