"""The stored health: what the pages say of the whole desk, and that its silence is trouble."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from tradedesk.monitoring.findings import Finding, State
from tradedesk.monitoring.health import Health
from tradedesk.monitoring.models import StoredHealth
from tradedesk.monitoring.stored import judge, read_trouble, store_health

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def health(**states: State) -> Health:
    return Health({part: Finding(state, f"about {part}") for part, state in states.items()})


def test_a_healthy_desk_has_no_trouble(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    assert read_trouble(NOW) is None, "before the first look"
    store_health(health(database=State.OK, backup=State.NOTE), NOW)
    with django_assert_num_queries(1):
        assert read_trouble(NOW + timedelta(seconds=5)) is None
    store_health(health(database=State.OK), NOW + timedelta(seconds=5))
    assert StoredHealth.objects.count() == 1


@pytest.mark.parametrize(("seconds", "silent"), [(20, False), (21, True), (-5, False), (-6, True)])
def test_nobody_looks_any_more(seconds: float, silent: bool) -> None:
    store_health(health(database=State.OK), NOW)
    trouble = read_trouble(NOW + timedelta(seconds=seconds))
    assert (trouble is not None) == silent
    if trouble is not None:
        assert trouble.state == State.ERROR
        assert "Nothing trades" in trouble.text
        assert "Nothing trades" in trouble.for_operator


def test_users_are_told_what_the_desk_has_and_operators_everything() -> None:
    store_health(health(database=State.OK, worker=State.ERROR, market=State.ERROR, disk=State.WARNING), NOW)
    trouble = read_trouble(NOW)
    assert trouble is not None
    assert "(Worker, Market)" in trouble.text
    assert "about" not in trouble.text, "what to do is for operators"
    assert trouble.for_operator == "Worker: about worker"


@pytest.mark.parametrize(
    ("states", "for_user"),
    [
        ({"disk": State.WARNING}, False),
        # The accounts, orders and strategies of another user.
        ({"accounts": State.ERROR, "orders": State.ERROR, "failures": State.ERROR}, False),
        ({"accounts": State.ERROR, "checks": State.ERROR}, True),
    ],
)
def test_what_belongs_to_single_users_is_not_said_to_all(states: dict[str, State], for_user: bool) -> None:
    trouble = judge(health(database=State.OK, **states).findings)
    assert trouble is not None
    assert trouble.for_operator
    assert bool(trouble.text) == for_user
