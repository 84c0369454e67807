from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from tests.marketdata.examples import any_bars, csv_of, daily_bars, timeframes
from tradedesk.core.bars import COLUMNS, Bars, Timeframe, to_datetime, to_datetime64
from tradedesk.marketdata import library, store
from tradedesk.marketdata.library import NoBars, available_symbols, closed, closed_bars, find_series, load_many
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.series import SeriesKey, save_series
from tradedesk.marketdata.services import import_bars, load_samples
from tradedesk.marketdata.sessions import bar_close, bar_dates, daily_times, session_close

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def put(symbol: str, bars: Bars, provider: str = "csv", timeframe: str = "1Day") -> BarSeries:
    stored = BarSeries.objects.filter(provider=provider, symbol=symbol, timeframe=timeframe).first()
    return save_series(SeriesKey(provider, symbol, timeframe), bars, adjusted=True, stored=stored, now=NOW)


@pytest.mark.usefixtures("db", "bar_store")
class TestStored:
    def test_the_first_provider_that_has_a_symbol_is_read(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        put("AAA", daily_bars(3), "sample")
        own = put("AAA", daily_bars(4), "csv")
        sample = put("BBB", daily_bars(5), "sample")
        put("CCC", daily_bars(5), "unused")
        with django_assert_num_queries(1):
            found = find_series(None, ["BBB", "AAA", "CCC", "DDD", "AAA"], Timeframe.DAY)
        assert [(symbol, series.pk) for symbol, series in found.items()] == [("BBB", sample.pk), ("AAA", own.pk)]

    def test_many_are_loaded_with_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for number, symbol in enumerate(("AAA", "BBB", "CCC")):
            put(symbol, daily_bars(3 + number))
        with django_assert_num_queries(1):
            found = load_many(None, ["CCC", "AAA", "BBB"], "1Day")
        assert [(symbol, len(bars)) for symbol, bars in found.items()] == [("CCC", 5), ("AAA", 3), ("BBB", 4)]

    def test_all_symbols_without_bars_are_named_and_the_message_says_how_to_import_them(self) -> None:
        put("AAA", daily_bars(3))
        with pytest.raises(NoBars) as missing:
            load_many(None, ["ZZZ", "AAA", "BBB"], "1Day")
        assert missing.value.symbols == ["ZZZ", "BBB"]
        assert str(missing.value) == (
            "No 1Day bars for ZZZ, BBB. Import them: manage.py import_bars FILE --symbol ZZZ --timeframe 1Day"
        )
        with pytest.raises(NoBars, match="No 1Min bars for AAA"):
            closed_bars(None, "AAA", "1Min", NOW)

    def test_symbols_are_listed_once_and_sorted(self) -> None:
        put("BBB", daily_bars(3), "sample")
        put("BBB", daily_bars(3), "csv")
        put("AAA", daily_bars(3))
        put("CCC", daily_bars(3), timeframe="1Hour")
        put("DDD", daily_bars(3), "unused")
        assert available_symbols(None, "1Day") == ["AAA", "BBB", "CCC"]  # days are made of hours
        assert available_symbols(None, "1Hour") == ["CCC"]

    def test_a_file_is_read_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        put("AAA", daily_bars(30))
        first = library.load_bars(None, "AAA", "1Day")
        monkeypatch.setattr(store, "read", lambda *_: pytest.fail("read again"))
        again = closed_bars(None, "AAA", "1Day", NOW, last=10)
        assert np.shares_memory(first.close, again.close)

    def test_new_bars_are_read_at_once(self) -> None:
        put("AAA", daily_bars(3))
        assert len(library.load_bars(None, "AAA", "1Day")) == 3
        put("AAA", daily_bars(4))
        assert len(library.load_bars(None, "AAA", "1Day")) == 4

    def test_a_file_that_is_replaced_after_the_query_is_read_in_its_new_version(
        self, bar_store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        series = put("AAA", daily_bars(3))
        put("AAA", daily_bars(4))
        (bar_store / series.paths[0]).unlink()
        monkeypatch.setattr(library, "find_series", lambda *_: {"AAA": series})
        assert len(library.load_bars(None, "AAA", "1Day")) == 4

    def test_a_deleted_file_means_no_bars(self, bar_store: Path) -> None:
        series = put("AAA", daily_bars(3))
        (bar_store / series.paths[0]).unlink()
        with pytest.raises(NoBars, match="No 1Day bars for AAA"):
            library.load_bars(None, "AAA", "1Day")

    def test_sample_bars_close_one_session_after_another(self) -> None:
        load_samples(NOW)
        half_day = session_close(date(2012, 11, 23))
        assert to_datetime(closed_bars(None, "AAPL", "1Day", half_day).time[-1]).date() == date(2012, 11, 23)
        before = closed_bars(None, "AAPL", "1Day", half_day - timedelta(microseconds=1), last=2)
        assert [to_datetime(time).date() for time in before.time] == [date(2012, 11, 20), date(2012, 11, 21)]
        assert len(closed_bars(None, "FB", "1Day", session_close(date(2012, 5, 17)))) == 0

    def test_imported_bars_are_read_before_the_samples(self) -> None:
        load_samples(NOW)
        import_bars(
            BytesIO(csv_of(daily_bars(3))),
            owner_id=None,
            symbol="IBM",
            timeframe="1Day",
            provider="csv",
            adjusted=True,
            replace=False,
            now=NOW,
        )
        assert len(library.load_bars(None, "IBM", "1Day")) == 3


@given(any_bars(), timeframes, st.data())
def test_no_bar_is_returned_before_its_close(bars: Bars, timeframe: Timeframe, data: st.DataObject) -> None:
    if timeframe.is_dated:
        times = daily_times(np.unique(bar_dates(bars.time, timeframe)[0]))
        bars = Bars(times, *(getattr(bars, name)[: len(times)] for name in COLUMNS[1:]))
    closes = bar_close(bars.time, timeframe)
    close = closes[data.draw(st.integers(0, len(bars) - 1))]
    day = 86_400_000_000
    now = to_datetime(close) + timedelta(microseconds=data.draw(st.sampled_from([-day, -1, 0, 1, day])))
    last = data.draw(st.none() | st.integers(0, 50))
    found = closed(bars, timeframe, now, last)
    assert (bar_close(found.time, timeframe) <= to_datetime64(now)).all()
    done = bars.time[closes <= to_datetime64(now)]
    assert np.array_equal(found.time, done if last is None else done[max(0, len(done) - last) :])
