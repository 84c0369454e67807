"""Resampling: against a plain grouping by hand, and by sessions, weeks and months of the exchange."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradedesk.core.bars import Bars, Timeframe, session_dates, to_datetime, to_datetime64, validate
from tradedesk.marketdata.resampling import made_from, resample, sources_of
from tradedesk.marketdata.sessions import daily_times, session_close, session_open, sessions_between

NEW_YORK = ZoneInfo("America/New_York")


def random_bars(times: np.ndarray, seed: int = 1) -> Bars:
    random = np.random.default_rng(seed)
    close = 100.0 + random.normal(0, 1, len(times)).cumsum()
    open_ = close + random.normal(0, 0.3, len(times))
    high, low = np.maximum(open_, close) + 0.2, np.minimum(open_, close) - 0.2
    return Bars(times, open_, high, low, close, random.integers(1, 1000, len(times)).astype(np.float64))


def minutes_of(day: date, every: int = 1) -> np.ndarray:
    first, last = to_datetime64(session_open(day)), to_datetime64(session_close(day))
    return np.arange(first, last, np.timedelta64(every, "m")).astype("datetime64[us]")


def at(text: str) -> np.datetime64:
    return to_datetime64(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def test_what_is_made_from_what() -> None:
    assert sources_of("1Week") == ["1Day", "1Hour", "15Min", "5Min", "1Min"]
    assert sources_of("1Month") == sources_of("1Week")
    assert sources_of("15Min") == ["5Min", "1Min"]
    assert sources_of("1Min") == []
    assert made_from("1Day") == ["1Week", "1Month"]
    assert made_from("1Week") == []


def test_an_hour_begins_at_the_open_and_the_last_one_is_shorter() -> None:
    bars = random_bars(minutes_of(date(2012, 3, 5)))
    hours = resample(bars, "1Min", "1Hour")
    assert [str(to_datetime(time).astimezone(NEW_YORK).time())[:5] for time in hours.time] == [
        "09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30"
    ]  # fmt: skip
    assert (hours.open[0], hours.close[0]) == (bars.open[0], bars.close[59])
    assert (hours.high[0], hours.low[0]) == (bars.high[:60].max(), bars.low[:60].min())
    assert hours.volume[-1] == bars.volume[-30:].sum()
    assert hours.close[-1] == bars.close[-1]


def test_a_day_is_its_regular_session() -> None:
    # The day after Thanksgiving closes at 13:00. Around it are trades on the holiday and outside the hours.
    half_day = date(2012, 11, 23)
    regular = minutes_of(half_day, 15)
    extended = np.concatenate(
        [[at("2012-11-22 10:00"), at("2012-11-23 09:00")], regular, [at("2012-11-23 13:15")]]
    )
    bars = random_bars(extended.astype("datetime64[us]"))
    days = resample(bars, "15Min", "1Day")
    assert days.time.tolist() == daily_times(np.array([half_day], "datetime64[D]")).tolist()
    assert len(regular) == 14
    assert (days.open[0], days.close[0]) == (bars.open[2], bars.close[15])
    assert days.volume[0] == bars.volume[2:16].sum()


@pytest.mark.parametrize(
    ("timeframe", "labels", "sizes"),
    [
        # Good Friday is 2012-04-06; the week of 2 April has four sessions, and the last week is not complete.
        ("1Week", ["2012-03-26", "2012-04-02", "2012-04-09"], [5, 4, 5]),
        ("1Month", ["2012-03-01"], [5]),
    ],
)
def test_weeks_and_months_are_those_of_the_calendar(timeframe: str, labels: list[str], sizes: list[int]) -> None:
    bars = random_bars(daily_times(sessions_between(date(2012, 3, 26), date(2012, 4, 18))))
    made = resample(bars, "1Day", timeframe)
    assert session_dates(made.time).astype(str).tolist() == labels
    ends = np.cumsum(sizes)
    assert made.close.tolist() == bars.close[ends - 1].tolist()
    assert made.open.tolist() == bars.open[ends - sizes].tolist()


def test_a_market_that_never_closes_has_days_of_24_hours() -> None:
    hours = np.arange(np.datetime64("2023-01-02T04:00"), np.datetime64("2023-01-17T16:00"), np.timedelta64(1, "h"))
    bars = random_bars(hours.astype("datetime64[us]"))
    days = resample(bars, "1Hour", "1Day")
    assert len(days) == 15, "the half of 17 January is not complete"
    assert days.volume.tolist() == bars.volume[: 15 * 24].reshape(15, 24).sum(axis=1).tolist()
    assert len(resample(bars, "1Hour", "1Week")) == 2
    assert len(resample(days, "1Day", "1Week")) == 2


@given(st.integers(1, 78 * 3), st.sampled_from(["15Min", "1Hour", "1Day"]), st.integers(0, 5))
@settings(max_examples=60)
def test_a_longer_history_only_adds_bars(length: int, timeframe: str, seed: int) -> None:
    times = np.concatenate([minutes_of(day, 5) for day in (date(2012, 3, 5), date(2012, 3, 6), date(2012, 3, 7))])
    bars = random_bars(times, seed)
    whole, part = resample(bars, "5Min", timeframe), resample(bars[:length], "5Min", timeframe)
    assert len(part) <= len(whole)
    for name in ("time", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[: len(part)])
    if len(part):
        validate(part)
    # Nothing is lost: every bar of a complete session is in some longer bar.
    assert whole.volume.sum() == bars.volume.sum()


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_no_bars_give_no_bars(timeframe: Timeframe) -> None:
    for source in sources_of(timeframe):
        assert len(resample(random_bars(np.empty(0, "datetime64[us]")), source, timeframe)) == 0
