"""What is found doubtful about bars, and what is not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.marketdata.examples import daily_bars, minute_bars
from tests.marketdata.quality_series import DAYS, joined, scaled, walk, without
from tradedesk.core.bars import COLUMNS, Bars, Timeframe, to_datetime
from tradedesk.marketdata.quality import Finding, as_json, findings_of, from_json, trimmed, with_newer, with_seams
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars

LATER = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = np.timedelta64(1, "h")


def found(bars: Bars, timeframe: str = "1Day", *, adjusted: bool = True) -> dict[str, Finding]:
    return {each.name: each for each in findings_of(bars, timeframe, adjusted=adjusted)}


def hard(bars: Bars, timeframe: str = "1Day") -> list[tuple[str, int]]:
    return [(each.name, each.count) for each in findings_of(bars, timeframe, adjusted=True) if each.hard]


def every(step: np.timedelta64, count: int, first: str = "2023-01-03T14:30") -> Bars:
    """Bars with one distance, whatever the hour."""
    prices = walk(1, count, daily=0.002)
    return Bars(np.datetime64(first, "us") + np.arange(count) * step, *prices.values())


@pytest.mark.parametrize("symbol", FINGERPRINTS)
def test_the_samples_with_their_crashes_have_no_hard_finding(symbol: str) -> None:
    assert hard(sample_bars(symbol)) == []


def test_volatile_walks_are_rarely_doubted() -> None:
    # Decision 17: 2 of 60 such series of 13 years. Two years of 3% a day with fat tails here.
    doubted = [seed for seed in range(150) if hard(walk(seed, daily=0.03, tails=4.0))]
    assert len(doubted) <= 3


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 7, 10, 20, 64, 1 / 2, 1 / 5, 1 / 10, 1 / 100, 1 / 250])
def test_a_split_that_is_not_adjusted_for_is_named_by_its_day(ratio: float) -> None:
    rows = [3, 100, 250, 496]
    for seed, row in enumerate(rows):
        bars = scaled(walk(seed, daily=0.015), slice(0, row), ratio)
        split = found(bars)["split"]
        assert [span.start for span in split.spans] == [to_datetime(bars.time[row])]
        assert split.is_open
        assert not found(bars, adjusted=False)["split"].hard


def test_a_crash_near_a_half_is_no_split() -> None:
    calm = walk(3)
    bars = scaled(calm, slice(250, None), 0.5)
    # A crash trades ten times as much over a range four times as wide.
    volume = np.where(np.arange(500) == 250, bars.volume * 20, bars.volume)
    assert hard(Bars(bars.time, bars.open, bars.high, bars.low, bars.close, volume)) == []
    low = np.where(np.arange(500) == 250, bars.low * 0.7, bars.low)
    assert hard(Bars(bars.time, bars.open, bars.high, low, bars.close, bars.volume)) == []


@pytest.mark.parametrize(
    ("rows", "factor"), [((100, 101), 100), ((100, 101), 0.1), ((200, 203), 0.01), ((7, 8), 1.9)]
)
def test_a_spike_that_comes_straight_back_is_a_bad_tick(rows: tuple[int, int], factor: float) -> None:
    bars = scaled(walk(5, daily=0.01), slice(*rows), factor)
    assert hard(bars) == [("bad_tick", rows[1] - rows[0])]
    assert found(bars)["bad_tick"].spans[0].start == to_datetime(bars.time[rows[0]])


@pytest.mark.parametrize(("column", "factor"), [("high", 10.0), ("low", 0.01)])
def test_a_wick_alone_is_a_bad_tick(column: str, factor: float) -> None:
    assert hard(scaled(walk(6), slice(100, 101), factor, (column,))) == [("bad_tick", 1)]


def test_the_last_close_alone_is_a_bad_tick() -> None:
    for factor, other in ((0.01, "low"), (100.0, "high")):
        bars = scaled(walk(6), slice(499, 500), factor, ("close", other))
        assert hard(bars) == [("bad_tick", 1)]
    fallen = scaled(walk(6), slice(499, 500), 0.2, ("close", "low"))
    assert hard(fallen) == []


def test_a_stretch_in_another_unit_is_bad_and_a_fall_that_recovers_is_a_note() -> None:
    assert hard(scaled(walk(8), slice(100, 120), 0.01)) == [("bad_tick", 20)]
    fallen = scaled(walk(8), slice(100, 120), 0.5)
    assert hard(fallen) == []
    assert found(fallen)["jump"].count == 20


@pytest.mark.parametrize(
    ("bars", "timeframe", "looks"),
    [
        (minute_bars(100), "1Hour", "1Min"),
        (minute_bars(100), "5Min", "1Min"),
        (every(HOUR, 60), "1Min", "1Hour"),
        (every(4 * HOUR, 60), "1Hour", "4Hour"),
        (every(24 * HOUR, 60), "1Hour", "1Day"),
        (every(7 * 24 * HOUR, 60), "1Day", "1Week"),
        (every(10 * HOUR, 60), "1Day", "another timeframe"),
    ],
)
def test_bars_of_another_timeframe(bars: Bars, timeframe: str, looks: str) -> None:
    (wrong,) = findings_of(bars, timeframe, adjusted=True)
    assert (wrong.name, wrong.hard, wrong.acceptable) == ("spacing", True, False)
    assert f"looks like {looks}, not {timeframe}" in wrong.message


def test_bars_with_holes_keep_their_timeframe() -> None:
    # An illiquid share: a third of its minutes.
    rng = np.random.default_rng(4)
    rows = np.sort(rng.choice(2_000, 700, replace=False))
    minutes = minute_bars(2_000)
    assert "spacing" not in found(Bars(*(getattr(minutes, name)[rows] for name in COLUMNS)), "1Min")


def test_missing_sessions_and_their_longest_gap() -> None:
    bars = without(without(walk(9), slice(300, 301)), slice(100, 163))
    gap = found(bars)["gap"]
    assert (gap.count, gap.hard) == (64, False)
    assert gap.message.startswith("Missing sessions: 64; the longest gap has 63, from 2010-05-27 to 2010-08-25")


def test_a_market_around_the_clock_has_its_own_days() -> None:
    every_day = daily_bars(5).time[0] + np.arange(60) * np.timedelta64(1, "D")
    crypto = Bars(every_day, *walk(2, 60).values())
    assert found(crypto) == {}
    assert found(without(crypto, slice(20, 23)))["gap"].count == 3
    assert found(every(HOUR, 24 * 30), "1Hour") == {}
    # Without its weekends it is a series of the exchange, which rests on Good Friday.
    weekend = np.isin((every_day.astype("datetime64[D]").astype(int) + 3) % 7, (5, 6))
    assert {name: each.count for name, each in found(without(crypto, weekend)).items()} == {"outside_session": 1}


def test_still_stretches() -> None:
    bars = walk(10)
    volume = np.where(np.arange(500) < 30, 0.0, bars.volume)
    columns = [np.concatenate((column[:200], np.repeat(column[200], 6), column[206:])) for column in bars.values()]
    still = found(Bars(bars.time, *[*columns[:4], volume]))
    assert {name: each.count for name, each in still.items()} == {"flat": 5, "zero_volume": 30}


class TestTrimmed:
    def test_bars_that_have_not_closed_are_left_out(self) -> None:
        bars = daily_bars(5)  # to Friday, 9 March 2012
        for now, kept in (
            (datetime(2012, 3, 9, 20, 59, tzinfo=UTC), 4),
            (datetime(2012, 3, 9, 21, tzinfo=UTC), 5),
        ):
            left = trimmed(bars, "1Day", beside=None, accept=(), now=now)
            assert (len(left.bars), [each.name for each in left.left_out]) == (kept, ["running_bar"] * (5 - kept))

    def test_bars_later_than_now_are_refused(self) -> None:
        left = trimmed(daily_bars(5), "1Day", beside=None, accept=(), now=datetime(2012, 3, 8, tzinfo=UTC))
        assert [(each.name, each.count, each.acceptable) for each in left.left_out] == [("future", 2, False)]

    def test_the_running_day_elsewhere_is_not_the_future(self) -> None:
        days = daily_bars(5).time[0] + np.arange(60) * np.timedelta64(1, "D")
        crypto = Bars(days, *walk(2, 60).values())
        # 2 a.m. UTC on the last day: New York has the day before.
        now = to_datetime(days[-1]) - timedelta(hours=3)
        left = trimmed(crypto, "1Day", beside=None, accept=(), now=now)
        assert (len(left.bars), [each.name for each in left.left_out]) == (58, ["running_bar"])

    def test_a_few_new_days_have_the_hours_of_the_stored_ones(self) -> None:
        night = every(HOUR, 24 * 30)
        left = trimmed(night[-5:], "1Hour", beside=night[:-5], accept=(), now=LATER)
        assert (len(left.bars), left.left_out) == (5, [])

    def test_times_of_another_zone_are_refused_and_can_be_kept(self) -> None:
        days = np.arange("2023-01-03", "2023-01-28", dtype="datetime64[D]")
        days = days[np.is_busday(days)]
        # A session in UTC that was read as New York time.
        times = (days[:, None] + (np.arange(14, 21) + 5) * HOUR).ravel().astype("datetime64[us]")
        bars = Bars(times, *walk(3, len(times), daily=0.002).values())
        left = trimmed(bars, "1Hour", beside=None, accept=(), now=LATER)
        assert [(each.name, each.hard, each.acceptable) for each in left.left_out] == [
            ("outside_session", True, True)
        ]
        kept = trimmed(bars, "1Hour", beside=None, accept=["outside_session"], now=LATER)
        assert (len(kept.bars), kept.left_out) == (len(bars), [])


class TestSeams:
    OLD = walk(11, 300)

    def seams(self, stored: Bars, new: Bars, known: list[Finding] | None = None) -> list[str]:
        merged = joined(stored[: int(np.searchsorted(stored.time, new.time[0]))], new)
        found = with_seams(findings_of(merged, "1Day", adjusted=True), stored, new, known or [])
        return [each.name for each in found if each.hard]

    def test_a_step_where_the_new_bars_begin(self) -> None:
        assert self.seams(scaled(self.OLD[:200], slice(None), 2), self.OLD[200:]) == ["seam"]
        assert self.seams(self.OLD[:200], self.OLD[200:]) == []

    @pytest.mark.parametrize("factor", [0.5, 0.985])
    def test_one_factor_over_the_bars_that_both_have(self, factor: float) -> None:
        """A split, and a dividend of 1.5%, which only the overlap shows."""
        new = scaled(self.OLD[190:], slice(None), factor)
        assert self.seams(self.OLD[:200], new) == ["seam"]
        # With the whole history there is nothing beside which it would not fit.
        assert self.seams(self.OLD[:200], scaled(self.OLD, slice(None), factor)) == []

    def test_a_corrected_bar_is_no_seam(self) -> None:
        assert self.seams(self.OLD[:200], scaled(self.OLD[190:], slice(3, 4), 1.01)) == []

    def test_a_seam_stays_until_a_file_bridges_it(self) -> None:
        merged = joined(scaled(self.OLD[:200], slice(None), 2), self.OLD[200:250])
        known = with_seams([], merged[:200], merged[200:], [])
        assert self.seams(merged, self.OLD[250:], known) == ["seam"]
        # Half of the history again only moves it; the whole history has none.
        assert self.seams(merged, self.OLD[100:], known) == ["seam"]
        assert self.seams(merged, self.OLD, known) == []


class TestKept:
    def test_they_come_back_from_the_row(self) -> None:
        bars = scaled(walk(5), slice(100, 101), 100)
        before = findings_of(bars, "1Day", adjusted=True)
        assert from_json(as_json(before)) == before

    def test_what_was_accepted_stays_accepted_and_nothing_else(self) -> None:
        bars = scaled(walk(5), slice(100, 101), 100)
        accepted = [each.accept([], ["bad_tick"]) for each in findings_of(bars, "1Day", adjusted=True)]
        again = findings_of(scaled(bars, slice(300, 301), 100), "1Day", adjusted=True)[0].accept(accepted, [])
        assert [span.accepted for span in again.spans] == [True, False]
        assert again.is_open

    def test_newer_findings_join_the_known_ones(self) -> None:
        bars = scaled(scaled(walk(5), slice(100, 101), 100), slice(400, 401), 100)
        known = findings_of(bars[:399], "1Day", adjusted=True)
        seen = findings_of(bars[50:], "1Day", adjusted=True)
        joined_ = with_newer(known, seen, to_datetime(bars.time[398]))
        assert joined_ == findings_of(bars, "1Day", adjusted=True)

    def test_a_message_names_five_places_and_keeps_a_hundred(self) -> None:
        bars = walk(5, 2_000)
        for row in range(3, 1_997, 14):
            bars = scaled(bars, slice(row, row + 1), 100)
        tick = found(bars)["bad_tick"]
        assert (tick.count, len(tick.spans)) == (143, 100)
        assert tick.message.count("its neighbours") == 5
        assert tick.message.endswith("and 138 more.")

    def test_only_the_part_in_a_period_counts(self) -> None:
        gap = found(without(without(walk(9), slice(300, 301)), slice(100, 163)))["gap"]
        part = gap.within(to_datetime(DAYS[200]), None)
        assert part is not None
        assert part.count == 1
        assert gap.within(None, datetime(2010, 3, 1, tzinfo=UTC)) is None


def test_every_timeframe_can_be_judged() -> None:
    for timeframe in Timeframe:
        bars = every(np.timedelta64(timeframe.minutes, "m"), 3)
        assert not any(each.hard for each in findings_of(bars, timeframe, adjusted=True))
