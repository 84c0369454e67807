"""Who controls the replay, and what a control does: audited, and safe for what is held."""

from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from livetrading.models import BrokerAccount, Halt, LiveStrategy, OrderState, PaperTrade
from livetrading.services import replay_control as controls
from livetrading.services.deploy import DeployRefused, check_room
from livetrading.services.halt import request
from livetrading.services.replay_hold import follows_sessions
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_live_strategy,
    make_order,
    make_paper_trade,
)
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord
from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.pacing import Play
from tradedesk.marketdata.replay import replay_state
from tradedesk.marketdata.samples import LAST_SESSION

LATER = date(2010, 4, 1)


@pytest.fixture(autouse=True)
def _market(db: None, settings: Any) -> None:
    settings.REPLAY_START = "2010-01-04"
    at_day(TODAY)


def audited() -> list[tuple[str, str]]:
    return list(
        AuditRecord.objects.filter(action__startswith="replay").values_list("action", "actor").order_by("pk")
    )


def test_the_only_user_controls_it(alice: User) -> None:
    assert controls.pause(alice, WALL)
    assert controls.play(alice, 10, WALL)
    assert controls.jump(alice, LATER, WALL) == LATER
    assert controls.play(alice, 1, WALL)
    actions = [action for action, _ in audited()]
    assert actions == ["replay_paused", "replay_speed", "replay_jump", "replay_speed"]
    assert {actor for _, actor in audited()} == {alice.email}


def test_among_several_users_only_an_operator_does(alice: User, bob: User) -> None:
    for act in (
        lambda: controls.pause(alice, WALL),
        lambda: controls.play(alice, 10, WALL),
        lambda: controls.jump(alice, LATER, WALL),
        lambda: controls.restart(alice, WALL, confirm=controls.RESTART),
    ):
        with pytest.raises(controls.NotAllowed):
            act()
    assert (replay_state().play, replay_state().session, audited()) == (Play(), TODAY, [])
    bob.is_staff = True
    bob.save()
    assert controls.pause(bob, WALL)


def test_a_deactivated_user_is_no_other_user(alice: User, bob: User) -> None:
    assert controls.control_problem(alice)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert controls.control_problem(alice) == ""


def test_what_changes_nothing_is_not_recorded(alice: User) -> None:
    assert not controls.play(alice, 1, WALL)
    assert controls.pause(alice, WALL)
    assert not controls.pause(alice, WALL)
    assert len(audited()) == 1


@pytest.mark.parametrize("speed", [0, 2, -1, 100])
def test_other_speeds_are_refused(alice: User, speed: int) -> None:
    with pytest.raises(controls.WrongValue):
        controls.play(alice, speed, WALL)


@pytest.mark.parametrize("day", [date(1999, 1, 4), date(2013, 3, 2), TODAY, date(2010, 1, 4), date(2010, 3, 7)])
def test_only_a_later_date_of_the_samples_is_jumped_to(alice: User, day: date) -> None:
    """2010-03-07 is a Sunday, so it means TODAY."""
    with pytest.raises(controls.WrongValue):
        controls.jump(alice, day, WALL)
    assert replay_state().play.jump_to is None


def test_a_restart_that_deletes_needs_the_word_and_says_the_numbers(alice: User) -> None:
    make_paper_trade(user=alice)
    make_live_strategy(user=alice)
    before = PaperTrade.objects.count(), LiveStrategy.objects.count()
    with pytest.raises(controls.NotConfirmed) as refusal:
        controls.restart(alice, WALL, confirm="restart")
    assert controls.losses() == controls.Losses(users=1, deployments=1, open_positions=1, trades=1, orders=1)
    assert str(controls.losses()) in str(refusal.value)
    assert (PaperTrade.objects.count(), LiveStrategy.objects.count()) == before
    assert controls.restart(alice, WALL, confirm="RESTART", start=date(2011, 7, 4)) == 1
    assert (replay_state().session, PaperTrade.objects.count()) == (date(2011, 7, 5), 0)
    assert audited() == [("replay_reset", alice.email)]


def test_a_restart_that_deletes_nothing_needs_no_word(alice: User) -> None:
    account_of(alice)
    make_live_strategy(user=alice, mode=Mode.LIVE)
    controls.restart(alice, WALL, confirm="")
    assert replay_state().session == date(2010, 1, 4)
    assert LiveStrategy.objects.count() == 1


@pytest.mark.parametrize("day", [date(1999, 1, 4), LAST_SESSION, date(2020, 1, 2)])
def test_a_restart_begins_within_the_samples(alice: User, day: date) -> None:
    with pytest.raises(controls.WrongValue):
        controls.restart(alice, WALL, confirm="RESTART", start=day)


def test_after_the_end_only_a_restart_is_possible_and_nothing_is_deployed(alice: User) -> None:
    ReplayMarket.objects.update(session=LAST_SESSION, ended=True)
    for act in (
        lambda: controls.pause(alice, WALL),
        lambda: controls.play(alice, 10, WALL),
        lambda: controls.jump(alice, LAST_SESSION, WALL),
    ):
        with pytest.raises(controls.NotControlled, match="ended"):
            act()
    with pytest.raises(DeployRefused) as refusal:
        check_room(account_of(alice))
    assert "2013-03-01" in refusal.value.errors["mode"]
    controls.restart(alice, WALL, confirm="")
    check_room(account_of(alice))


def test_on_the_real_market_there_is_nothing_to_control(alice: User, settings: Any) -> None:
    settings.MARKET = "real"
    with pytest.raises(controls.NotControlled) as refusal:
        controls.pause(alice, WALL)
    assert str(refusal.value) == controls.NO_REPLAY


# --- What depends on every session ----------------------------------------------------------------------------


def test_it_is_registered_with_the_replay() -> None:
    assert follows_sessions in replay._followers


def test_an_idle_desk_follows_nothing_in_one_query(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_live_strategy(user=alice, status=LiveStrategy.Status.STOPPED)
    make_live_strategy(user=alice, mode=Mode.LIVE)
    make_paper_trade(user=alice, exit_time=NOW, exit_price=12, exit_reason="signal", exit_quantity=10)
    make_order(user=alice, state=OrderState.FILLED)
    with django_assert_num_queries(1):
        assert not follows_sessions()
    # The lots of an account that was reset are kept as they were.
    make_paper_trade(user=alice)
    BrokerAccount.objects.update(archived_at=NOW)
    assert not follows_sessions()


@pytest.mark.parametrize("what", ["active", "paused", "lot", "order", "halt"])
def test_everything_at_work_follows(alice: User, what: str) -> None:
    if what in ("active", "paused"):
        make_live_strategy(user=alice, status=what)
    elif what == "lot":
        make_paper_trade(user=alice)
        LiveStrategy.objects.update(status=LiveStrategy.Status.STOPPED)
    elif what == "order":
        make_order(user=alice, state=OrderState.ACCEPTED)
        LiveStrategy.objects.update(status=LiveStrategy.Status.STOPPED)
    else:
        request(account_of(alice), "entries", by=alice, now=NOW, wall_now=WALL)
        assert not follows_sessions()
        Halt.objects.update(finished_at=None)
    assert follows_sessions()


def test_a_jump_over_an_open_lot_shows_every_session(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_paper_trade(user=alice)
    monkeypatch.setattr(replay, "_holds", [])
    controls.jump(alice, date(2010, 3, 11), WALL)
    shown = []
    for second in range(1, 5):
        replay.advance(WALL + timedelta(seconds=second))
        shown.append(replay_state().session.day)
    assert shown == [9, 10, 11, 11]
