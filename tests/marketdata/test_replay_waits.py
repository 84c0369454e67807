"""The replay waits for the work that the other parts of the desk report, within a limit of wall time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from tradedesk.marketdata import replay
from tradedesk.marketdata.clock import market_status
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.replay import advance, ensure_started, replay_state, restart, wait_for
from tradedesk.marketdata.sessions import session_close

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
MONDAY, TUESDAY, WEDNESDAY = (date(2010, 1, day) for day in (4, 5, 6))
pytestmark = pytest.mark.django_db


class Work:
    """A hold with this work left."""

    def __init__(self, left: str = "") -> None:
        self.left = left
        self.asked: list[datetime] = []

    def __call__(self, now: datetime) -> str:
        self.asked.append(now)
        return self.left


@pytest.fixture
def work(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Work:
    settings.MARKET = "replay"
    settings.REPLAY_START = MONDAY.isoformat()
    settings.REPLAY_SECONDS_PER_BAR = 2.0
    settings.REPLAY_MAX_WAIT = 10.0
    monkeypatch.setattr(replay, "_holds", [])
    ensure_started(START)
    made = Work("3 checks")
    wait_for(made)
    return made


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_it_stays_at_a_session_with_work_left_and_says_why(work: Work) -> None:
    assert not advance(at(2))
    assert (replay_state().session, replay_state().waiting_for) == (MONDAY, "3 checks")
    assert "waiting for 3 checks" in str(market_status())
    assert work.asked == [session_close(MONDAY)]


def test_it_moves_as_soon_as_the_work_is_done(work: Work) -> None:
    advance(at(2))
    work.left = ""
    assert advance(at(3))
    state = replay_state()
    assert (state.session, state.waiting_for, state.moved_without) == (TUESDAY, "", "")
    assert "waiting" not in str(market_status())


def test_it_is_not_asked_before_the_session_was_shown_long_enough(work: Work) -> None:
    assert not advance(at(1.9))
    assert work.asked == []
    assert replay_state().waiting_for == ""


def test_after_the_longest_wait_it_moves_and_says_without_what(work: Work) -> None:
    moved = [second for second in range(2, 20) if advance(at(second))]
    assert moved[0] == 12
    assert replay_state().moved_without == "3 checks"
    assert "moved on without 3 checks" in str(market_status())
    # The next session waits again, as long as the first.
    assert (moved, replay_state().session, replay_state().waiting_for) == ([12], TUESDAY, "3 checks")


def test_the_next_ordinary_move_forgets_what_was_left(work: Work) -> None:
    moved = [second for second in range(2, 13) if advance(at(second))]
    assert moved == [12]
    work.left = ""
    assert advance(at(14))
    assert (replay_state().session, replay_state().moved_without) == (WEDNESDAY, "")


def test_the_time_while_the_desk_is_stopped_is_not_waited(work: Work) -> None:
    advance(at(2))
    assert not advance(at(3600))
    assert ReplayMarket.objects.get().waited_seconds == 5
    assert not advance(at(3604))
    assert advance(at(3605))


def test_a_clock_that_goes_back_does_not_shorten_the_wait(work: Work) -> None:
    advance(at(6))
    advance(at(8))
    advance(at(7))
    assert ReplayMarket.objects.get().waited_seconds == 2


def test_several_holds_are_all_waited_for(work: Work) -> None:
    other = Work("2 reports")
    wait_for(other)
    wait_for(other)  # registered once
    advance(at(2))
    assert replay_state().waiting_for == "3 checks and 2 reports"
    work.left = ""
    assert not advance(at(3))
    assert replay_state().waiting_for == "2 reports"
    other.left = ""
    assert advance(at(4))


def test_a_hold_that_fails_delays_the_market_but_does_not_stop_it(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(now: datetime) -> str:
        raise RuntimeError("broken by the test")

    work.left = ""
    wait_for(broken)
    moved = [second for second in range(2, 13) if advance(at(second))]
    assert moved == [12]
    assert "broken by the test" in caplog.text


def test_a_restart_forgets_that_it_waited(work: Work) -> None:
    advance(at(2))
    advance(at(4))
    restart(at(5))
    market = ReplayMarket.objects.get()
    assert (market.waiting_for, market.waited_seconds, market.asked_at) == ("", 0, None)
