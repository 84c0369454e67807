"""Series in use are kept up to date: one request for all, under a lease, and what happens when it fails."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.alpaca_server.data import Answer
from tests.marketdata.alpaca_desk import Desk, desk
from tests.marketdata.examples import daily_bars, minute_bars
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars
from tradedesk.marketdata.delivering import Delivered, deliver
from tradedesk.marketdata.downloading import run_downloads
from tradedesk.marketdata.feed_state import failing_series
from tradedesk.marketdata.health import judge_updates
from tradedesk.marketdata.library import bars_of
from tradedesk.marketdata.models import BarSeries, BarUpdate, Download, PreviousVersion
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.updating import (
    TURNS,
    TURNS_IF_ILL,
    claim,
    last_final,
    next_due,
    next_final,
    plan_updates,
    series_in_use,
    update_due,
)
from tradedesk.monitoring.findings import State

__all__ = ["desk"]

MONDAY = date(2020, 3, 2)
OPEN = datetime(2020, 3, 2, 14, 30, tzinfo=UTC)
CLOSE = datetime(2020, 3, 2, 21, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("timeframe", "now", "last", "upcoming"),
    [
        ("1Min", OPEN + 10 * MINUTE, OPEN + 8 * MINUTE, OPEN + 10 * MINUTE + SECOND),
        ("1Min", OPEN + 10 * MINUTE + SECOND, OPEN + 9 * MINUTE, OPEN + 11 * MINUTE + SECOND),
        ("15Min", OPEN + 20 * MINUTE, OPEN, OPEN + 30 * MINUTE + SECOND),
        # Before the first bar of the day: the last one of Friday.
        ("5Min", OPEN + 2 * MINUTE, datetime(2020, 2, 28, 20, 55, tzinfo=UTC), OPEN + 5 * MINUTE + SECOND),
        ("5Min", CLOSE + MINUTE, CLOSE - 5 * MINUTE, OPEN + DAY + 5 * MINUTE + SECOND),
        ("1Day", CLOSE, datetime(2020, 2, 28, 5, tzinfo=UTC), CLOSE + 16 * MINUTE),
        ("1Day", CLOSE + 16 * MINUTE, datetime(2020, 3, 2, 5, tzinfo=UTC), CLOSE + DAY + 16 * MINUTE),
    ],
)
def test_when_bars_are_final(timeframe: str, now: datetime, last: datetime, upcoming: datetime) -> None:
    assert (last_final(timeframe, now), next_final(timeframe, now)) == (last, upcoming)


def test_a_bar_that_is_missing_is_asked_for_again() -> None:
    """Of minutes soon and a few times, until the next one is due; of days for hours."""
    now = OPEN + 10 * MINUTE + 2 * SECOND
    waits = [(next_due("1Min", repeats, now) - now).total_seconds() for repeats in range(6)]
    assert waits == [59.0, 1.0, 2.0, 4.0, 8.0, 59.0]
    now = CLOSE + 20 * MINUTE
    assert [(next_due("1Day", repeats, now) - now) // MINUTE for repeats in (1, 2, 20)] == [1, 2, 60]


@pytest.fixture
def trading(desk: Desk, alice: User, bob: User) -> Desk:
    """Alice and Bob trade minutes of two shares, of which the first ten minutes are stored."""
    for symbol in ("AAPL", "IBM"):
        desk.data.add(symbol, "1Min", minute_bars(60, "2020-03-02T14:30"))
        deliver(SeriesKey("alpaca", symbol, "1Min"), minute_bars(10, "2020-03-02T14:30"), now=OPEN)
    desk.used = {(alice.pk, "AAPL", "1Min"), (bob.pk, "AAPL", "5Min"), (bob.pk, "IBM", "1Min")}
    desk.now = OPEN + 11 * MINUTE + SECOND
    plan_updates(desk.now)
    return desk


def last_bars() -> dict[str, int]:
    return {series.symbol: (series.last - OPEN) // MINUTE for series in BarSeries.objects.all()}


def test_all_series_of_all_users_are_one_request(trading: Desk) -> None:
    assert update_due(trading.clock) == 1
    assert [each["symbols"] for each in trading.asked] == ["AAPL,IBM"]
    assert last_bars() == {"AAPL": 10, "IBM": 10}
    [arrival] = trading.arrived
    assert (set(arrival.symbols), arrival.owner_id) == ({"AAPL", "IBM"}, None)
    assert {"1Min", "5Min", "1Hour"} <= set(arrival.timeframes)
    update = BarUpdate.objects.get()
    assert (update.failures, update.repeats, update.delay, update.symbols) == (0, 0, 1.0, 2)
    assert update.due_at == OPEN + 12 * MINUTE + SECOND
    # Not due again before the next minute is final.
    assert update_due(trading.clock) == 0
    assert judge_updates([update], trading.now).state == State.OK
    assert judge_updates([update], trading.now + 3 * MINUTE).state == State.ERROR, "nobody asks any more"


def test_two_workers_do_not_ask_twice_and_a_killed_one_is_replaced(trading: Desk) -> None:
    assert claim(trading.now) is not None
    assert claim(trading.now) is None
    trading.now += timedelta(seconds=91)
    assert claim(trading.now) is not None


def test_a_request_that_is_planned_for_after_the_next_bar_is_made_earlier(trading: Desk) -> None:
    """The day has become shorter than the calendar said. A pause after a failure stays."""
    BarUpdate.objects.update(due_at=trading.now + 2 * MINUTE)
    plan_updates(trading.now)
    assert BarUpdate.objects.get().due_at == trading.now + 2 * MINUTE
    BarUpdate.objects.update(due_at=trading.now + 3 * 60 * MINUTE)
    plan_updates(trading.now)
    assert BarUpdate.objects.get().due_at == trading.now + MINUTE


def test_what_is_not_used_any_more_is_not_asked_for(trading: Desk) -> None:
    trading.used = set()
    plan_updates(trading.now)
    assert not BarUpdate.objects.exists()


def test_a_bar_that_comes_late_is_asked_for_again_and_a_correction_is_recorded(trading: Desk) -> None:
    trading.data.hold_back("IBM", "1Min", OPEN + 10 * MINUTE, until=trading.now + 3 * SECOND)
    update_due(trading.clock)
    assert last_bars() == {"AAPL": 10, "IBM": 9}
    for _ in range(2):
        trading.now = BarUpdate.objects.get().due_at
        update_due(trading.clock)
    assert last_bars()["IBM"] == 10
    assert trading.now < OPEN + 12 * MINUTE
    trading.data.correct("AAPL", "1Min", OPEN + 9 * MINUTE, c=10.2)
    trading.now = BarUpdate.objects.get().due_at
    update_due(trading.clock)
    series = BarSeries.objects.get(symbol="AAPL")
    assert [each.name for each in series.doubts] == ["corrected"]
    assert bars_of(series).close[9] == 10.2


def test_a_feed_that_fails_is_left_alone_for_a_while_and_says_why(trading: Desk, alice: User) -> None:
    trading.data.fail(Answer(503, b"down"), Answer(429, {"message": "slow"}, {"Retry-After": "20"}))
    for failures, pause in ((1, 2), (2, 20)):
        update_due(trading.clock)
        update = BarUpdate.objects.get()
        assert (update.failures, update.due_at - trading.now) == (failures, timedelta(seconds=pause))
        assert failing_series(alice.pk, {"1Min": ["AAPL"], "1Hour": ["IBM"]}) == (
            set() if failures == 1 else {("AAPL", "1Min"), ("IBM", "1Hour")}
        )
        trading.now = update.due_at
    assert "429" in update.error
    assert judge_updates([update], trading.now).state == State.ERROR
    update_due(trading.clock)
    update = BarUpdate.objects.get()
    assert (update.failures, update.error, last_bars()) == (0, "", {"AAPL": 10, "IBM": 10})


def test_a_clock_that_is_ahead_makes_no_running_bar_final(trading: Desk) -> None:
    """Alpaca serves bars that are still running, and its clock is three seconds behind this machine's."""
    trading.data.behind = timedelta(seconds=3)
    for symbol in ("AAPL", "IBM"):
        trading.data.show_running(symbol, "1Min", OPEN + 10 * MINUTE)
    update_due(trading.clock)
    assert last_bars() == {"AAPL": 9, "IBM": 9}
    update = BarUpdate.objects.get()
    assert "ahead" in update.error
    assert judge_updates([update], trading.now).state == State.WARNING
    while trading.now < OPEN + 11 * MINUTE + 3 * SECOND:
        trading.now = BarUpdate.objects.get().due_at
        update_due(trading.clock)
    assert last_bars() == {"AAPL": 10, "IBM": 10}
    assert trading.now < OPEN + 11 * MINUTE + 6 * SECOND
    # A clock that is right, in whole seconds as the header has them.
    trading.data.behind = timedelta(0)
    trading.now = BarUpdate.objects.get().due_at
    update_due(trading.clock)
    assert (last_bars()["AAPL"], BarUpdate.objects.get().error) == (11, "")


def test_a_turn_reads_the_series_of_its_own_user_alone(trading: Desk, alice: User, bob: User) -> None:
    deliver(SeriesKey("alpaca", "AAPL", "1Min", alice.pk), minute_bars(10, "2020-03-02T14:30"), now=OPEN)
    assert set(series_in_use()) == {(None, "1Min"), (alice.pk, "1Min")}
    assert {key: len(rows) for key, rows in series_in_use(alice.pk).items()} == {(alice.pk, "1Min"): 1}


def test_a_source_that_fails_gets_fewer_turns(trading: Desk, alice: User) -> None:
    rows = [BarUpdate(owner=alice, timeframe=each, due_at=trading.now) for each in ("5Min", "15Min", "1Day")]
    BarUpdate.objects.bulk_create(rows)
    assert [bool(claim(trading.now)) for _ in range(5)] == [True] * TURNS + [False]
    BarUpdate.objects.update(leased_until=None, failures=1)
    assert [bool(claim(trading.now)) for _ in range(5)] == [True] * TURNS_IF_ILL + [False] * 3


def test_wrong_keys_are_not_tried_every_second(trading: Desk) -> None:
    trading.data.keys = {}
    update_due(trading.clock)
    assert BarUpdate.objects.get().due_at - trading.now == timedelta(minutes=5)


def test_one_series_that_cannot_be_stored_stops_no_other(trading: Desk) -> None:
    BarSeries.objects.filter(symbol="IBM").update(adjusted=False)
    update_due(trading.clock)
    update = BarUpdate.objects.get()
    assert (last_bars()["AAPL"], update.failures) == (10, 0)
    assert "IBM" in update.error


def test_a_silent_symbol_makes_no_request_of_the_others_longer_or_later(trading: Desk, alice: User) -> None:
    deliver(SeriesKey("alpaca", "QUIET", "1Min"), minute_bars(5, "2020-02-28T15:00"), now=OPEN)
    trading.used |= {(alice.pk, "QUIET", "1Min")}
    trading.now = OPEN + 18 * MINUTE + SECOND
    for minute in range(11, 19):
        trading.now = OPEN + minute * MINUTE + SECOND
        update_due(trading.clock)
    # As many repeats as one bar may have, and it is a bar of another symbol that is late.
    trading.now = OPEN + 20 * MINUTE + SECOND
    trading.data.hold_back("IBM", "1Min", OPEN + 19 * MINUTE, until=trading.now + 3 * SECOND)
    trading.data.requests.clear()
    update_due(trading.clock)
    [others, quiet] = trading.asked
    assert (others["symbols"], quiet["symbols"]) == ("AAPL,IBM", "QUIET")
    assert others["start"] > "2020-03-02T14:3"
    for _ in range(2):
        trading.now = BarUpdate.objects.get().due_at
        update_due(trading.clock)
    assert last_bars()["IBM"] == 19
    assert trading.now < OPEN + 20 * MINUTE + 6 * SECOND


def test_a_damaged_series_stops_no_other_and_no_error_keeps_the_turn(
    trading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(key: SeriesKey, bars: Bars, **given: Any) -> Delivered:
        if key.symbol == "AAPL":
            raise error
        return deliver(key, bars, **given)

    monkeypatch.setattr("tradedesk.marketdata.updating.deliver", broken)
    error: Exception = OSError("EIO")
    BarUpdate.objects.update(repeats=32767)
    update_due(trading.clock)
    update = BarUpdate.objects.get()
    assert (last_bars()["IBM"], update.failures, update.leased_until) == (10, 0, None)
    assert "AAPL" in update.error
    assert update.repeats < 1000
    assert judge_updates([update], trading.now).state == State.WARNING
    error = RuntimeError("lost connection")
    trading.now = update.due_at
    update_due(trading.clock)
    update = BarUpdate.objects.get()
    assert (update.failures, update.leased_until, update.due_at > trading.now) == (1, None, True)


def test_bars_that_do_not_come_are_ill(trading: Desk) -> None:
    """Alpaca answers, and has no new bar of any symbol."""
    trading.data.fail(Answer(200, {"bars": {}, "next_page_token": None}))
    update_due(trading.clock)
    update = BarUpdate.objects.get()
    assert (update.newest_close, update.delay) == (OPEN + 10 * MINUTE, None)
    late = trading.now + 10 * MINUTE
    update.due_at = late
    assert judge_updates([update], late).state == State.ERROR
    assert update.timeframe in judge_updates([update], late).text
    # After the close no more bars are due, and on the next morning not at once.
    update.newest_close = CLOSE
    for when, state in (
        (CLOSE + 3 * timedelta(hours=1), State.OK),
        (OPEN + DAY + 2 * MINUTE, State.OK),
        (OPEN + DAY + 10 * MINUTE, State.ERROR),
    ):
        update.due_at = when
        assert judge_updates([update], when).state == state


@pytest.mark.parametrize("broken", ["missing", "damaged"])
def test_a_file_that_cannot_be_read_is_downloaded_again(trading: Desk, tmp_path: Path, broken: str) -> None:
    files = list((tmp_path / "bars" / "alpaca" / "AAPL").iterdir())
    for file in files:
        file.write_bytes(b"nothing") if broken == "damaged" else file.unlink()
    update_due(trading.clock)
    assert (last_bars()["IBM"], "AAPL" in BarUpdate.objects.get().error) == (10, True)
    run_downloads(trading.clock, trading.sleep)
    assert Download.objects.get().status == Download.Status.DONE
    series = BarSeries.objects.get(symbol="AAPL")
    assert len(bars_of(series)) == series.count >= 10
    assert "rescaled" in {each.name for each in series.doubts}
    assert not PreviousVersion.objects.exists(), "it could not be read"
    trading.now = BarUpdate.objects.get().due_at
    update_due(trading.clock)
    assert BarUpdate.objects.get().error == ""


def test_a_replacement_that_fails_is_not_queued_each_minute(trading: Desk, tmp_path: Path) -> None:
    for file in (tmp_path / "bars" / "alpaca" / "AAPL").iterdir():
        file.unlink()
    update_due(trading.clock)
    job = Download.objects.filter(replace=True)
    job.update(status=Download.Status.FAILED, finished_at=trading.now, error="No room.")
    for _ in range(10):
        trading.now = BarUpdate.objects.get().due_at
        update_due(trading.clock)
    assert job.count() == 1
    assert "No room." in BarUpdate.objects.get().error
    trading.now += timedelta(hours=1)
    update_due(trading.clock)
    assert job.count() == 2


def test_after_a_pause_of_the_desk_all_missing_bars_come(trading: Desk) -> None:
    trading.now = OPEN + 60 * MINUTE
    update_due(trading.clock)
    assert last_bars() == {"AAPL": 58, "IBM": 58}


def test_a_split_downloads_the_whole_history_again(desk: Desk, alice: User) -> None:
    days = daily_bars(40, date(2020, 1, 2), price=100.0)
    desk.data.add("AAPL", "1Day", days)
    deliver(SeriesKey("alpaca", "AAPL", "1Day"), days[:39], now=OPEN)
    desk.used = {(alice.pk, "AAPL", "1Day")}
    desk.data.split("AAPL", date(2020, 2, 28), 4.0)
    desk.now = datetime(2020, 2, 28, 21, 16, tzinfo=UTC)
    plan_updates(desk.now)
    update_due(desk.clock)
    assert "split" in BarUpdate.objects.get().error
    run_downloads(desk.clock, desk.sleep)
    assert Download.objects.get().status == Download.Status.DONE
    series = BarSeries.objects.get()
    assert (series.count, bars_of(series).close[0]) == (40, 25.0)
    assert "rescaled" in {each.name for each in series.doubts}
