"""What the replay waits for in the simulated accounts."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from livetrading.models import BrokerAccount, LiveStrategy, OrderState
from livetrading.models.account import FAILING
from livetrading.services.halt import advance, request
from livetrading.services.replay_hold import unfinished_work
from tests.livetrading.factories import NOW, WALL, account_of, make_live_strategy, make_order
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata import replay

SECOND = timedelta(seconds=1)


def reconciled(user: User, **fields: Any) -> None:
    BrokerAccount.objects.filter(pk=account_of(user).pk).update(reconciled_at=NOW, **fields)


def test_it_is_registered_with_the_replay() -> None:
    assert unfinished_work in replay._holds


def test_an_idle_desk_holds_nothing_in_four_queries(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_live_strategy(user=alice, next_check_at=NOW + SECOND)
    with django_assert_num_queries(4):
        assert unfinished_work(NOW) == ""


def test_the_number_of_queries_does_not_depend_on_the_work(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for user in (alice, bob):
        for _ in range(3):
            live = make_live_strategy(user=user)
            make_order(user=user, live_strategy=live)
            make_order(user=user, live_strategy=live, state=OrderState.ACCEPTED)
    with django_assert_num_queries(4):
        assert unfinished_work(NOW) == "6 checks, 6 orders, 2 accounts with fills to book"


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"next_check_at": NOW}, "1 check"),
        ({"next_check_at": NOW - timedelta(days=3)}, "1 check"),
        ({"next_check_at": NOW + SECOND}, ""),
        ({"status": LiveStrategy.Status.PAUSED}, "1 check"),
        ({"status": LiveStrategy.Status.ERROR}, ""),
        ({"status": LiveStrategy.Status.STOPPED}, ""),
        ({"mode": Mode.LIVE}, ""),
    ],
)
def test_due_checks_of_active_strategies_on_the_simulation(alice: User, fields: dict[str, Any], held: str) -> None:
    make_live_strategy(user=alice, **fields)
    assert unfinished_work(NOW) == held


@pytest.mark.parametrize("state", OrderState)
def test_orders_on_their_way_and_orders_that_may_be_filled(alice: User, state: OrderState) -> None:
    make_order(user=alice, state=state)
    on_the_way = state in (OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN)
    at_broker = state in (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.CANCEL_PENDING)
    expected = "1 order" if on_the_way else "1 account with fills to book" if at_broker else ""
    assert unfinished_work(NOW) == expected
    reconciled(alice)
    assert unfinished_work(NOW) == ("1 order" if on_the_way else "")
    assert unfinished_work(NOW + SECOND) == expected


def test_orders_of_a_real_broker_do_not_hold_the_replay(alice: User) -> None:
    make_order(user=alice, mode=Mode.LIVE)
    make_order(user=alice, mode=Mode.LIVE, state=OrderState.ACCEPTED)
    assert unfinished_work(NOW) == ""


def test_an_account_that_fails_again_and_again_does_not_hold_the_market_of_all(alice: User) -> None:
    make_order(user=alice, state=OrderState.PENDING)
    make_order(user=alice, state=OrderState.ACCEPTED)
    BrokerAccount.objects.update(failures=FAILING - 1)
    assert unfinished_work(NOW) == "1 order, 1 account with fills to book"
    BrokerAccount.objects.update(failures=FAILING)
    assert unfinished_work(NOW) == ""


def test_a_halt_that_has_not_begun_and_an_exit_that_waits_hold_the_market(alice: User) -> None:
    reconciled(alice)
    halt = request(account_of(alice), "flatten", by=alice, now=NOW, wall_now=WALL)
    assert unfinished_work(NOW) == "1 halt"
    advance(halt, 0, 1, "", NOW, WALL)
    assert unfinished_work(NOW) == ""
    make_order(user=alice, state=OrderState.WAITING, purpose="exit")
    assert unfinished_work(NOW) == "1 order"
