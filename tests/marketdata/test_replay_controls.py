"""Pause, speed, jump and restart of the replay: each is one conditional UPDATE."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tradedesk.marketdata import replay, tasks
from tradedesk.marketdata.clock import market_status
from tradedesk.marketdata.health import judge_replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.replay import advance, jump, pause, play, replay_state
from tradedesk.marketdata.samples import LAST_SESSION
from tradedesk.monitoring.findings import State

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
MONDAY, TUESDAY = date(2010, 1, 4), date(2010, 1, 5)
FRIDAY = date(2010, 1, 8)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _replay(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MARKET, settings.REPLAY_START = "replay", MONDAY.isoformat()
    settings.REPLAY_SECONDS_PER_BAR, settings.REPLAY_MAX_WAIT = 5.0, 60.0
    for registered in ("_holds", "_followers", "_listeners"):
        monkeypatch.setattr(replay, registered, [])
    replay.ensure_started(START)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def session() -> date:
    return replay_state().session


def test_a_paused_replay_stays_and_plays_on_for_the_full_time() -> None:
    assert pause()
    assert not pause()
    assert not advance(at(3600))
    assert (session(), market_status().state) == (MONDAY, "paused")
    assert str(market_status()) == "Replay market · 2010-01-04 · paused"
    assert play(1, at(3600))
    assert not play(1, at(3601))
    assert not advance(at(3604))
    assert advance(at(3605))
    assert session() == TUESDAY


def test_ten_times_as_fast(settings: Settings) -> None:
    play(10, START)
    assert replay_state().seconds_per_bar == 0.5
    assert not advance(at(0.4))
    assert [second / 2 for second in range(1, 21) if advance(at(second / 2))] == [n / 2 for n in range(1, 21)]
    play(1, at(10))
    assert not advance(at(14))
    assert advance(at(15))


def test_a_jump_of_an_idle_desk_is_one_step() -> None:
    assert jump(FRIDAY, START)
    assert not jump(FRIDAY, START)
    assert advance(START)
    assert (session(), replay_state().play.jump_to, market_status().state) == (FRIDAY, None, "playing")


def test_a_jump_with_something_at_work_shows_every_session() -> None:
    replay.follow(lambda: True)
    jump(FRIDAY, START)
    assert str(market_status()) == "Replay market · 2010-01-04 · running to 2010-01-08"
    shown = []
    while replay_state().play.jump_to:
        assert advance(START)
        shown.append(session())
    assert shown == [date(2010, 1, day) for day in (5, 6, 7, 8)]
    assert not advance(START)


def test_a_jump_waits_for_the_work_of_each_session() -> None:
    left = ["3 checks"]
    replay.wait_for(lambda now: left[0])
    replay.follow(lambda: False)
    jump(FRIDAY, START)
    assert not advance(at(1))
    assert session() == MONDAY
    left[0] = ""
    assert advance(at(2))


def test_who_cannot_be_asked_counts_as_a_follower() -> None:
    def broken() -> bool:
        raise RuntimeError("broken by the test")

    replay.follow(broken)
    jump(FRIDAY, START)
    assert advance(START)
    assert session() == TUESDAY


def test_a_paused_replay_pauses_again_where_it_arrives() -> None:
    pause()
    assert jump(FRIDAY, START)
    assert advance(START)
    assert (session(), market_status().state) == (FRIDAY, "paused")
    assert not advance(at(3600))


@pytest.mark.parametrize("press", [pause, lambda: play(1, START), lambda: play(10, START)])
def test_every_other_button_ends_a_jump(press: object) -> None:
    jump(FRIDAY, START)
    assert press()  # type: ignore[operator]
    assert replay_state().play.jump_to is None
    assert session() == MONDAY


def test_only_a_later_session_is_jumped_to() -> None:
    advance(at(5))
    assert not jump(MONDAY, at(6))
    assert not jump(TUESDAY, at(6))
    assert replay_state().play.jump_to is None


def test_the_end_is_reached_by_a_jump_and_then_nothing_can_be_pressed() -> None:
    jump(LAST_SESSION, START)
    assert advance(START)
    assert market_status().state == "ended"
    assert not any((pause(), play(10, START), jump(LAST_SESSION, START)))


def test_what_is_pressed_between_reading_and_moving_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of the session is looked at between the two."""
    for press, expected in ((pause, "paused"), (lambda: jump(FRIDAY, START), "jumping")):
        replay.restart(START)
        monkeypatch.setattr(replay, "_holds", [lambda now, press=press: press() and ""])
        assert not advance(at(5))
        assert (session(), market_status().state) == (MONDAY, expected)


def test_each_control_is_one_update() -> None:
    for press in (pause, lambda: play(10, START), lambda: jump(FRIDAY, START)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert press()
        assert [query["sql"].split()[0] for query in queries.captured_queries] == ["UPDATE"]


def test_a_restart_plays_from_the_given_day() -> None:
    advance(at(5))
    play(10, at(5))
    pause()
    replay.restart(at(9), date(2011, 7, 4))
    state = replay_state()
    assert (state.session, state.play.paused, state.play.speed) == (date(2011, 7, 5), False, 10)
    replay.restart(at(9))
    assert session() == MONDAY


def test_every_change_wakes_the_pages() -> None:
    seen = {replay_state().version}
    for press in (pause, lambda: play(10, START), lambda: jump(FRIDAY, START), lambda: advance(START)):
        press()
        seen.add(replay_state().version)
    assert len(seen) == 5


def test_a_paused_replay_is_well() -> None:
    pause()
    assert judge_replay(ReplayMarket.objects.get(), at(9999)).state == State.OK
    play(10, at(9999))
    assert judge_replay(ReplayMarket.objects.get(), at(9999 + 32)).state == State.ERROR


def test_listeners_are_told_of_each_move_and_of_nothing_else() -> None:
    moves: list[date] = []
    replay.on_move(lambda: moves.append(session()))
    advance(at(1))
    pause()
    advance(at(9))
    play(1, at(9))
    advance(at(14))
    assert moves == [TUESDAY]


def test_the_task_asks_a_replay_in_a_hurry_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr("tradedesk.marketdata.tasks.time.sleep", asked.append)
    tasks.advance_replay()
    assert asked == []
    play(10, START)
    tasks.advance_replay()
    assert asked == [tasks.BETWEEN] * 3
    with tasks._hurrying:  # another thread is at it
        tasks.advance_replay()
    pause()
    tasks.advance_replay()
    assert len(asked) == 3
