"""Fair turns between users, and how much one user may have in the queue."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from backtests.models import Backtest
from backtests.services.room import NoRoom, room_for_backtest, room_for_run
from backtests.services.turns import fairest, next_backtest
from strategies.services import save_strategy
from tradedesk.accounts.models import User

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALICE, BOB = 1, 2


@pytest.mark.parametrize(
    ("waiting", "running", "served", "next_"),
    [
        ([], {}, {}, None),
        ([("a1", ALICE), ("b1", BOB)], {}, {}, "a1"),
        ([("a1", ALICE), ("b1", BOB)], {ALICE: 1}, {}, "b1"),
        ([("a1", ALICE), ("a2", ALICE), ("b1", BOB)], {ALICE: 1, BOB: 2}, {}, "a1"),
        ([("a1", ALICE), ("b1", BOB)], {}, {ALICE: NOW}, "b1"),
        ([("a1", ALICE), ("b1", BOB)], {}, {ALICE: NOW - timedelta(1), BOB: NOW}, "a1"),
    ],
)
def test_whose_turn_it_is(
    waiting: list[tuple[str, int]], running: dict[int, int], served: dict[int, datetime], next_: str | None
) -> None:
    assert fairest(waiting, running, served) == next_


@given(st.lists(st.integers(1, 4), min_size=1, max_size=40))
def test_one_worker_takes_the_users_in_turn(owners: list[int]) -> None:
    """No user is served again while another one, whose work waits, was served less."""
    waiting, served, now = [(number, owner) for number, owner in enumerate(owners)], dict[int, datetime](), NOW
    count = dict.fromkeys(owners, 0)
    while waiting:
        work = fairest(waiting, {}, served)
        owner = next(owner for number, owner in waiting if number == work)
        assert all(count[owner] <= count[other] for _, other in waiting)
        waiting.remove((work or 0, owner))
        count[owner] += 1
        now += timedelta(seconds=1)
        served[owner] = now


def a_backtest(user: User) -> Backtest:
    """Queued, without a check of its values."""
    strategy = user.strategies.first() or save_strategy(
        user, name="Golden cross", kind="sma_crossover", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    return Backtest.objects.create(
        user=user,
        strategy=strategy,
        strategy_name=strategy.name,
        kind=strategy.kind,
        symbols=["AAPL"],
        timeframe="1Day",
        start_date=NOW.date() - timedelta(365),
        end_date=NOW.date(),
        initial_capital=100_000,
        created_at=NOW,
        heartbeat_at=NOW,
    )


def test_a_user_with_many_backtests_delays_another_by_one(alice: User, bob: User) -> None:
    for _ in range(3):
        a_backtest(alice)
    only = a_backtest(bob)
    order = []
    for number in range(4):
        chosen = next_backtest(only.pk)
        order.append(Backtest.objects.get(pk=chosen).user_id)
        started = NOW + timedelta(seconds=number)
        Backtest.objects.filter(pk=chosen).update(status=Backtest.Status.COMPLETED, started_at=started)
    assert order == [alice.pk, bob.pk, alice.pk, alice.pk]
    assert next_backtest(only.pk) == only.pk


def test_one_user_has_so_many_backtests_in_the_queue(alice: User, bob: User, settings: Settings) -> None:
    settings.MAX_QUEUED_BACKTESTS = 2
    a_backtest(alice)
    ended = a_backtest(alice)
    with pytest.raises(NoRoom), room_for_backtest(alice.pk):
        pass
    with room_for_backtest(bob.pk):
        pass
    Backtest.objects.filter(pk=ended.pk).update(status=Backtest.Status.COMPLETED)
    with room_for_backtest(alice.pk):
        pass


def test_one_user_has_so_many_combinations_in_the_queue(alice: User, settings: Settings) -> None:
    settings.MAX_QUEUED_COMBINATIONS = 100
    with room_for_run(alice.pk, 100):
        pass
    with pytest.raises(NoRoom), room_for_run(alice.pk, 101):
        pass
