"""Dispatch of due checks: each once, in chunks of one timeframe that do not split the strategies of a user."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from livetrading.models import LiveStrategy
from livetrading.pipeline.dispatch import CHUNK, LEASE, claim_due
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import NOW, WALL, make_live_strategy
from tradedesk.accounts.models import User

SECOND = timedelta(seconds=1)


def due(user: User, **fields: Any) -> int:
    """The id of a live strategy whose check is due now."""
    return make_live_strategy(user=user, **fields).pk


def many_due(user: User, count: int, **fields: Any) -> list[int]:
    one = make_live_strategy(user=user, **fields)
    for number in range(count - 1):
        one.pk, one._state.adding = None, True
        one.deploy_key, one.fingerprint = f"key {user.pk} {number} {fields}", f"print {user.pk} {number} {fields}"
        one.save(force_insert=True)
    return list(user.live_strategies.filter(**fields).order_by("pk").values_list("pk", flat=True))


def dispatched(chunks: list[list[int]]) -> list[int]:
    return sorted(pk for chunk in chunks for pk in chunk)


def test_due_strategies_are_dispatched_and_claimed(alice: User) -> None:
    strategies = [due(alice), due(alice, next_check_at=NOW - timedelta(days=3))]
    assert dispatched(claim_due(NOW, WALL)) == strategies
    assert set(LiveStrategy.objects.values_list("claimed_until", flat=True)) == {WALL + LEASE}


def test_a_strategy_that_is_not_due_is_not_claimed(alice: User) -> None:
    due(alice, next_check_at=NOW + timedelta(microseconds=1))
    assert claim_due(NOW, WALL) == []
    assert LiveStrategy.objects.get().claimed_until is None


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_an_inactive_strategy_is_not_claimed(alice: User, status: str) -> None:
    paused = due(alice, status=status)
    assert claim_due(NOW, WALL) == []
    assert claim_due(NOW, WALL, only=[paused]) == []
    assert LiveStrategy.objects.get().claimed_until is None


def test_a_claim_holds_until_its_lease_ends(alice: User) -> None:
    strategy = due(alice)
    claim_due(NOW, WALL)
    assert claim_due(NOW, WALL + SECOND) == []
    assert claim_due(NOW, WALL + LEASE) == []
    assert claim_due(NOW, WALL + LEASE + SECOND) == [[strategy]]
    assert LiveStrategy.objects.get().claimed_until == WALL + 2 * LEASE + SECOND


def test_the_lease_is_measured_in_wall_time_and_not_in_market_time(alice: User) -> None:
    due(alice)
    claim_due(NOW, WALL)
    assert claim_due(NOW + timedelta(days=30), WALL + SECOND) == []


def test_a_new_deployment_is_claimed_before_it_is_due(alice: User) -> None:
    fresh = due(alice, next_check_at=NOW + timedelta(days=1))
    due(alice)
    assert claim_due(NOW, WALL, only=[fresh]) == [[fresh]]
    assert claim_due(NOW, WALL + SECOND, only=[fresh]) == []
    assert claim_due(NOW, WALL, only=[]) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_concurrent_dispatchers_dispatch_each_check_once(alice: User, bob: User, attempt: int) -> None:
    strategies = [*many_due(alice, 10), *many_due(bob, 10)]
    results = at_once(lambda: claim_due(NOW, WALL), lambda: claim_due(NOW, WALL + timedelta(microseconds=1)))
    assert sorted(dispatched(results[0]) + dispatched(results[1])) == strategies


@pytest.mark.django_db(transaction=True)
def test_concurrent_beat_and_deployment_claim_the_strategy_once(alice: User) -> None:
    fresh = due(alice)
    results = at_once(
        lambda: claim_due(NOW, WALL), lambda: claim_due(NOW, WALL + timedelta(microseconds=1), only=[fresh])
    )
    assert sorted(results) == [[], [[fresh]]]


def test_a_strategy_claimed_between_the_query_and_the_update_is_skipped(alice: User) -> None:
    taken, left = due(alice), due(alice)
    others: list[list[list[int]]] = []

    def claim_before_the_update(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and not others:
            others.append([])
            others[0] = claim_due(NOW, WALL + timedelta(microseconds=1), only=[taken])
        return execute(sql, *rest)

    with connection.execute_wrapper(claim_before_the_update):
        assert claim_due(NOW, WALL) == [[left]]
    assert others == [[[taken]]]


def test_a_chunk_has_one_timeframe(alice: User) -> None:
    days = [due(alice) for _ in range(3)]
    hours = [due(alice, timeframe="1Hour") for _ in range(2)]
    assert sorted(claim_due(NOW, WALL)) == [days, hours]


def test_a_users_strategies_stay_in_one_chunk(alice: User, bob: User) -> None:
    """20 and 10 strategies do not fit into one chunk of 25; no user is split to fill a chunk."""
    of_alice, of_bob = many_due(alice, 20), many_due(bob, 10)
    assert claim_due(NOW, WALL) == [of_alice, of_bob]


def test_users_with_few_strategies_share_a_chunk(alice: User, bob: User) -> None:
    of_alice, of_bob = many_due(alice, 3), many_due(bob, CHUNK - 3)
    assert claim_due(NOW, WALL) == [of_alice + of_bob]


def test_a_user_with_more_strategies_than_a_chunk_stays_in_one_chunk(alice: User, bob: User) -> None:
    of_bob = many_due(bob, 1)
    of_alice = many_due(alice, CHUNK + 2)
    assert claim_due(NOW, WALL) == [of_alice, of_bob]


def test_of_more_than_a_thousand_due_strategies_the_oldest_are_claimed_first(alice: User) -> None:
    old = due(alice, next_check_at=NOW - timedelta(days=1))
    rows = [
        LiveStrategy(
            user=alice,
            deploy_key=f"key {number}",
            fingerprint=f"print {number}",
            deployed_at=NOW,
            next_check_at=NOW,
            starting_equity=1,
        )
        for number in range(1000)
    ]
    LiveStrategy.objects.bulk_create(rows)
    first = dispatched(claim_due(NOW, WALL))
    assert len(first) == 1000
    assert old in first
    assert len(dispatched(claim_due(NOW, WALL + SECOND))) == 1
