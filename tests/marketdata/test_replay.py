from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.replay import ReplayState, advance, ensure_started, replay_state, restart

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _pace(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_holds", [])
    settings.REPLAY_MAX_WAIT = 60.0
    settings.MARKET = "replay"
    settings.REPLAY_START = "2010-01-04"
    settings.REPLAY_SECONDS_PER_BAR = 2.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def session() -> str:
    return str(replay_state().session)


@pytest.mark.django_db
class TestReplay:
    def test_before_its_start_it_shows_its_first_session(self) -> None:
        assert replay_state() == ReplayState(date(2010, 1, 4), 2.0, ended=False)
        assert not ReplayMarket.objects.exists()

    def test_it_is_started_once(self) -> None:
        ensure_started(START)
        advance(at(2))
        ensure_started(at(100))
        assert session() == "2010-01-05"

    def test_it_moves_when_a_session_has_been_shown_long_enough(self) -> None:
        ensure_started(START)
        assert not advance(at(1.999))
        assert session() == "2010-01-04"
        assert advance(at(2))
        assert session() == "2010-01-05"
        assert not advance(at(3.999))
        assert advance(at(4))
        assert session() == "2010-01-06"

    def test_the_first_advance_starts_it(self) -> None:
        assert not advance(START)
        assert ReplayMarket.objects.get().advanced_at == START
        assert advance(at(2))

    def test_a_late_tick_skips_no_session(self) -> None:
        ensure_started(START)
        assert advance(at(3600))
        assert session() == "2010-01-05"
        assert not advance(at(3601.9))
        assert advance(at(3602))
        assert session() == "2010-01-06"

    def test_slightly_late_ticks_do_not_slow_it_down(self) -> None:
        ensure_started(START)
        moved = [tick for tick in range(1, 55) if advance(at(0.75 * tick))]
        assert len(moved) == 20  # in 40.5 seconds

    def test_it_skips_days_without_a_session(self, settings: Settings) -> None:
        settings.REPLAY_START = "2012-10-26"  # the Friday before hurricane Sandy
        ensure_started(START)
        advance(at(2))
        assert session() == "2012-10-31"

    def test_it_ends_at_the_last_sample_session(self, settings: Settings) -> None:
        settings.REPLAY_START = "2013-02-27"
        ensure_started(START)
        assert advance(at(2))
        assert replay_state() == ReplayState(date(2013, 2, 28), 2.0, ended=False)
        assert advance(at(4))
        assert replay_state() == ReplayState(date(2013, 3, 1), 2.0, ended=True)
        assert not advance(at(6))
        assert session() == "2013-03-01"

    def test_a_start_on_a_day_without_a_session_means_the_next_session(self, settings: Settings) -> None:
        settings.REPLAY_START = "2010-01-01"
        ensure_started(START)
        assert session() == "2010-01-04"

    def test_a_restart_sets_it_back(self, settings: Settings) -> None:
        settings.REPLAY_START = "2013-02-28"
        ensure_started(START)
        advance(at(2))
        assert replay_state().ended
        restart(at(10))
        assert replay_state() == ReplayState(date(2013, 2, 28), 2.0, ended=False)
        assert not advance(at(11))
        assert advance(at(12))

    def test_a_restart_starts_a_replay_that_never_ran(self) -> None:
        restart(START)
        assert ReplayMarket.objects.get().session == date(2010, 1, 4)

    def test_on_the_real_market_nothing_moves(self, settings: Settings) -> None:
        settings.MARKET = "real"
        assert not advance(START)
        assert not ReplayMarket.objects.exists()

    def test_one_update_moves_it(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        ensure_started(START)
        with django_assert_num_queries(2) as queries:
            assert advance(at(2))
        assert [query["sql"].split()[0] for query in queries.captured_queries] == ["SELECT", "UPDATE"]
        with django_assert_num_queries(1):
            assert not advance(at(3))

    def test_there_is_one_replay(self) -> None:
        with pytest.raises(IntegrityError, match="replay_market_is_one"):
            ReplayMarket.objects.create(id=2, session=date(2010, 1, 4), advanced_at=START)


@pytest.mark.django_db(transaction=True)
def test_two_workers_move_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_started(START)
    both_have_read = Barrier(2, timeout=20)
    next_session = replay._session_from

    def wait_for_the_other(day: date) -> date:
        both_have_read.wait()
        return next_session(day)

    monkeypatch.setattr(replay, "_session_from", wait_for_the_other)
    moved: list[bool] = []

    def work() -> None:
        try:
            moved.append(advance(at(2)))
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(moved) == [False, True]
    assert session() == "2010-01-05"


@pytest.mark.parametrize(
    "start", ["", "soon", "2010-13-01", "04.01.2010", "2000-02-29", "2013-03-01", "2013-03-02", "1999-01-04"]
)
def test_a_wrong_start_is_refused(start: str, settings: Settings) -> None:
    settings.REPLAY_START = start
    with pytest.raises(ImproperlyConfigured) as refusal:
        replay.start_date()
    assert str(refusal.value) == (
        f"REPLAY_START must be a date from 2000-03-01 to 2013-02-28, written like 2010-01-04, not “{start}”."
    )


@pytest.mark.parametrize("start", ["2000-03-01", "2013-02-28"])
def test_the_first_and_the_last_allowed_start(start: str, settings: Settings) -> None:
    settings.REPLAY_START = start
    assert str(replay.start_date()) == start
