"""Appending bars: what is stored, and what is refused."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.marketdata.examples import daily_bars, minute_bars
from tests.marketdata.minute_series import (
    LATER,
    NOW,
    append,
    bars_columns,
    changed,
    import_all,
    periods,
    same,
    stored_bars,
)
from tradedesk.core.bars import Bars, InvalidBars, to_datetime
from tradedesk.marketdata import appending, store
from tradedesk.marketdata.library import CACHE, NoBars, load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import TAIL_BARS
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey


@pytest.mark.usefixtures("db", "bar_store")
class TestAppended:
    def test_the_first_bars_make_the_series(self) -> None:
        series = append(minute_bars(3))
        assert BarSeries.objects.get() == series
        assert (series.count, series.adjusted, series.updated_at) == (3, True, NOW)
        assert periods(series) == [("2012", 3)]
        assert same(stored_bars(), minute_bars(3))

    def test_later_bars_make_a_tail_and_leave_the_history(self) -> None:
        bars = minute_bars(10)
        before = import_all(bars[:6])
        append(bars[6:9])
        after = append(bars[9:], now=LATER)
        assert periods(after) == [("2012", 6), ("tail", 4)]
        assert after.history == before.parts
        assert same(stored_bars(), bars)
        row = BarSeries.objects.get()
        assert (row.count, row.first, row.updated_at) == (10, before.first, LATER)
        assert row.last == before.first + timedelta(minutes=9)

    def test_a_tail_that_is_too_long_becomes_history(self) -> None:
        bars = minute_bars(TAIL_BARS + 11)
        import_all(bars[:10])
        assert periods(append(bars[10:-1])) == [("2012", 10), ("tail", TAIL_BARS)]
        assert periods(append(bars[-1:])) == [("2012", TAIL_BARS + 11)]
        assert same(stored_bars(), bars)

    def test_history_of_an_earlier_year_stays_when_the_tail_becomes_history(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(appending, "TAIL_BARS", 2)
        bars = minute_bars(9, "2012-12-31T23:56")
        before = import_all(bars[:3])
        after = append(bars[3:])
        assert periods(after) == [("2012", 4), ("2013", 5)]
        assert same(stored_bars(), bars)
        latest = append(minute_bars(3, "2013-01-01T01:00"))
        assert latest.parts[0] == after.parts[0] != before.parts[0]
        assert periods(latest) == [("2012", 4), ("2013", 8)]

    def test_compacted_bars_have_the_same_files_as_imported_ones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(appending, "TAIL_BARS", 3)
        bars = minute_bars(8)
        for row in range(8):
            series = append(bars[row : row + 1])
        assert periods(series) == [("2012", 5), ("tail", 3)]
        assert import_all(bars).parts == append(bars).parts

    def test_an_import_makes_the_tail_part_of_the_history(self) -> None:
        bars = minute_bars(10)
        import_all(bars[:6])
        append(bars[6:])
        assert periods(import_all(bars)) == [("2012", 10)]

    def test_daily_bars_have_a_tail_too(self) -> None:
        key = SeriesKey("csv", "ACME", "1Day")
        append(daily_bars(5), key)
        assert periods(append(daily_bars(7), key)) == [("all", 5), ("tail", 2)]
        assert same(load_bars(None, "ACME", "1Day"), daily_bars(7))

    def test_bars_that_are_delivered_again_change_nothing(self) -> None:
        bars = minute_bars(10)
        import_all(bars[:6])
        before = append(bars[6:8])
        for again in (bars[6:8], bars[7:8], bars[4:8], bars[:8], bars[2:5]):
            assert append(again, now=LATER).updated_at == NOW
        assert append(bars[3:], now=LATER).count == 10
        assert before.history == BarSeries.objects.get().history
        assert same(stored_bars(), bars)

    @pytest.mark.parametrize("row", [0, 5, 6, 7])
    def test_a_stored_bar_is_never_changed(self, row: int) -> None:
        bars = minute_bars(10)
        import_all(bars[:6])
        append(bars[6:8])
        with pytest.raises(
            ImportRefused, match=r"must come after the last stored one, 2012-03-05 14:37 UTC. 1 earl"
        ):
            append(changed(bars, row))
        assert same(stored_bars(), bars[:8])

    @pytest.mark.parametrize("row", [0, 3])
    def test_an_earlier_bar_that_is_not_stored_is_refused(self, row: int) -> None:
        bars = minute_bars(10)
        import_all(Bars(*(np.delete(column, [0, 3]) for column in bars_columns(bars[:6]))))
        with pytest.raises(ImportRefused, match="1 earlier ones differ"):
            append(bars[row : row + 1])

    def test_invalid_bars_are_refused(self) -> None:
        bars = minute_bars(3)
        with pytest.raises(InvalidBars, match="high is below low"):
            append(Bars(bars.time, bars.open, bars.low - 1, bars.low, bars.close, bars.volume))
        assert not BarSeries.objects.exists()

    def test_adjusted_and_unadjusted_bars_are_never_mixed(self) -> None:
        append(minute_bars(3))
        with pytest.raises(ImportRefused, match="ACME are adjusted for splits, the new ones are not adjusted"):
            append(minute_bars(4), adjusted=False)
        assert stored_bars().volume.size == 3

    def test_of_two_writers_at_the_same_time_one_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bars = minute_bars(10)
        import_all(bars[:6])
        write = store.write

        def write_after_the_other(path: str, own: Bars) -> None:
            monkeypatch.setattr(store, "write", write)
            append(bars[6:8])
            write(path, own)

        monkeypatch.setattr(store, "write", write_after_the_other)
        with pytest.raises(ImportRefused, match=r"changed the bars of ACME just now\. Try again"):
            append(bars[6:])
        assert same(stored_bars(), bars[:8])
        append(bars[6:])
        assert same(stored_bars(), bars)

    def test_a_tail_that_another_writer_replaced_is_read_again(
        self, bar_store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bars = minute_bars(10)
        import_all(bars[:6])
        replaced = append(bars[6:7])
        read = store.read

        def read_after_the_other(path: str, fingerprint: str) -> Bars:
            monkeypatch.setattr(store, "read", read)
            append(bars[7:8])
            (bar_store / replaced.paths[-1]).unlink(missing_ok=True)
            return read(path, fingerprint)

        monkeypatch.setattr(store, "read", read_after_the_other)
        append(bars[8:])
        assert same(stored_bars(), bars)

    def test_a_missing_tail_is_an_error(self, bar_store: Path) -> None:
        import_all(minute_bars(3))
        series = append(minute_bars(4))
        (bar_store / series.paths[-1]).unlink()
        with pytest.raises(FileNotFoundError):
            append(minute_bars(5))
        CACHE.clear()
        with pytest.raises(NoBars):
            stored_bars()

    def test_a_damaged_tail_is_refused(self, bar_store: Path) -> None:
        import_all(minute_bars(3))
        series = append(minute_bars(4))
        (bar_store / series.paths[-1]).write_bytes(b"damaged")
        with pytest.raises(store.DamagedBars, match=r"1Min.tail\..* is damaged"):
            append(minute_bars(5))
        with pytest.raises(store.DamagedBars, match=r"1Min.tail\..* is damaged"):
            stored_bars()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.integers(1, 12),
    deliveries=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 15)), max_size=6),
    longest_tail=st.integers(1, 8),
    imported=st.booleans(),
)
@pytest.mark.usefixtures("db", "bar_store")
def test_any_deliveries_give_the_bars_of_one_import(
    first: int,
    deliveries: list[tuple[int, int]],
    longest_tail: int,
    imported: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each delivery has some new minutes, and some that were delivered before; the year changes among them."""
    monkeypatch.setattr(appending, "TAIL_BARS", longest_tail)
    BarSeries.objects.all().delete()
    total = first + sum(new for new, _ in deliveries)
    bars = minute_bars(total, "2012-12-31T23:40")
    import_all(bars[:first]) if imported else append(bars[:first])
    count = first
    for new, again in deliveries:
        count += new
        series = append(bars[max(0, count - new - again) : count])
        assert same(stored_bars(), bars[:count])
        assert (series.count, series.last) == (count, to_datetime(bars.time[count - 1]))
        assert series.tail is None or series.tail.length <= longest_tail
    CACHE.clear()
    assert same(stored_bars(), bars)
