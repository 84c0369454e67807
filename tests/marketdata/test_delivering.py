"""What a feed delivers: new, late and changed bars, and bars at another scale."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from tests.marketdata.examples import daily_bars, minute_bars
from tradedesk.audit.models import AuditRecord
from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata.delivering import Delivered, deliver, replace_history
from tradedesk.marketdata.library import bars_of
from tradedesk.marketdata.models import BarSeries, PreviousVersion
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.usage import _questions

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
MINUTES, DAYS = SeriesKey("alpaca", "AAPL", "1Min"), SeriesKey("alpaca", "AAPL", "1Day")
pytestmark = pytest.mark.usefixtures("db", "bar_store")


def without(bars: Bars, *rows: int) -> Bars:
    return Bars(*(np.delete(getattr(bars, name), rows) for name in COLUMNS))


def changed(bars: Bars, row: int, close: float) -> Bars:
    column = bars.close.copy()
    column[row] = close
    return Bars(bars.time, bars.open, bars.high, bars.low, column, bars.volume)


def scaled(bars: Bars, factor: float) -> Bars:
    opened, high, low, close = (column * factor for column in (bars.open, bars.high, bars.low, bars.close))
    return Bars(bars.time, opened, high, low, close, bars.volume / factor)


def findings() -> dict[str, int]:
    return {each.name: each.count for each in BarSeries.objects.get().doubts}


def stored() -> BarSeries:
    return BarSeries.objects.get()


def test_new_bars_come_after_the_stored_ones_and_known_ones_change_nothing() -> None:
    bars = minute_bars(30)
    assert deliver(MINUTES, bars[:20], now=NOW) == Delivered(added=20)
    assert deliver(MINUTES, bars[15:25], now=NOW) == Delivered(added=5)
    before = stored().fingerprint
    assert deliver(MINUTES, bars[10:25], now=NOW) == Delivered()
    assert stored().fingerprint == before
    assert (stored().count, stored().tail is not None, "late" in findings()) == (25, True, False)
    assert not PreviousVersion.objects.exists()


def test_a_late_bar_is_stored_in_its_place_and_recorded() -> None:
    bars = minute_bars(30)
    deliver(MINUTES, bars[:10], now=NOW)
    deliver(MINUTES, without(bars, 12)[10:20], now=NOW)
    assert deliver(MINUTES, bars[10:25], now=NOW) == Delivered(added=5, late=1)
    assert bars_of(stored()).time.tolist() == bars.time[:25].tolist()
    assert findings()["late"] == 1
    deliver(MINUTES, bars[20:30], now=NOW)
    assert findings()["late"] == 1


def test_a_changed_bar_replaces_the_stored_one_is_recorded_and_the_version_before_is_kept() -> None:
    bars = minute_bars(30)
    deliver(MINUTES, bars[:10], now=NOW)
    deliver(MINUTES, bars[10:20], now=NOW)
    assert deliver(MINUTES, changed(bars, 19, 10.3)[15:22], now=NOW) == Delivered(added=2, changed=1)
    assert bars_of(stored()).close[19] == 10.3
    assert stored().history, "only the tail was written anew"
    [corrected] = [each for each in stored().doubts if each.name == "corrected"]
    assert (corrected.hard, corrected.count) == (False, 1)
    assert "10.19 is now 10.3" in corrected.message
    assert PreviousVersion.objects.get().count == 20
    # One in the history as well.
    assert deliver(MINUTES, changed(bars, 3, 10.4)[:5], now=NOW) == Delivered(changed=1)
    assert findings()["corrected"] == 2


def test_a_changed_bar_keeps_the_close_that_was_decided_on() -> None:
    bars = minute_bars(30)
    deliver(MINUTES, bars[:20], now=NOW)
    deliver(MINUTES, changed(bars, 19, 10.3)[15:20], now=NOW)
    deliver(MINUTES, changed(changed(bars, 19, 10.35), 18, 10.1)[15:20], now=NOW)
    [corrected] = stored().doubts
    closes = sorted(span.note.rpartition("the close was ")[2] for span in corrected.spans)
    assert closes == ["10.18", "10.19", "10.3"]


def test_older_bars_are_an_older_part_of_the_history() -> None:
    bars = daily_bars(60, date(2020, 1, 2))
    deliver(DAYS, bars[40:], now=NOW)
    assert deliver(DAYS, bars[:40], now=NOW) == Delivered(added=40)
    assert (stored().count, "late" in findings()) == (60, False)


def test_bars_at_another_scale_are_not_stored_beside_the_old_ones() -> None:
    bars = daily_bars(60, date(2020, 1, 2), price=100.0)
    deliver(DAYS, bars[:50], now=NOW)
    before = stored().fingerprint
    delivered = deliver(DAYS, scaled(bars, 0.25)[48:], now=NOW)
    assert delivered.factor == pytest.approx(0.25)
    assert (delivered.added, stored().fingerprint) == (0, before)
    replace_history(DAYS, scaled(bars, 0.25), note="the factor 0.25", now=NOW)
    assert (stored().count, bars_of(stored()).close[0]) == (60, 25.0)
    assert (findings()["rescaled"], PreviousVersion.objects.get().count) == (1, 50)
    [record] = AuditRecord.objects.filter(action="bars_replaced")
    assert (record.details["before"]["bars"], record.details["after"]["bars"]) == (50, 60)


def test_bars_of_another_source_are_not_mixed_in(settings: Settings) -> None:
    bars = daily_bars(60, date(2020, 1, 2), price=100.0)
    settings.ALPACA_FEED = "iex"
    deliver(DAYS, bars[:50], now=NOW)
    settings.ALPACA_FEED = "sip"
    before = stored().fingerprint
    delivered = deliver(DAYS, bars[45:55], now=NOW)
    assert ("iex" in delivered.reload, delivered.added, stored().fingerprint) == (True, 0, before)
    replace_history(DAYS, bars[:55], note=delivered.reload, now=NOW)
    assert (stored().feed, PreviousVersion.objects.get().feed) == ("sip", "iex")
    assert deliver(DAYS, bars[50:], now=NOW) == Delivered(added=5)
    # What was stored before the desk knew the source counts as what is asked for.
    BarSeries.objects.update(feed="")
    assert deliver(DAYS, bars[55:], now=NOW) == Delivered()


@pytest.mark.parametrize(("factor", "corrected"), [(0.5, 1), (0.5, 3), (10 / 11, 0), (10 / 11, 2), (1.1, 1)])
def test_any_split_is_seen_also_beside_corrections(factor: float, corrected: int) -> None:
    bars = daily_bars(60, date(2020, 1, 2), price=100.0)
    deliver(DAYS, bars[:50], now=NOW)
    before = stored().fingerprint
    new = scaled(bars, factor)[44:51]
    for row in range(corrected):
        new = changed(new, 5 - row, float(new.close[5 - row]) + 0.03)
    delivered = deliver(DAYS, new, now=NOW)
    assert delivered.factor == pytest.approx(factor)
    assert stored().fingerprint == before


def test_corrections_of_most_bars_are_no_split() -> None:
    bars = daily_bars(60, date(2020, 1, 2), price=100.0)
    deliver(DAYS, bars[:50], now=NOW)
    new = bars[44:50]
    for row, off in enumerate((0.02, 0.03, 0.05, 0.07)):
        new = changed(new, row, float(new.close[row]) + off)
    assert deliver(DAYS, new, now=NOW).factor is None


def test_a_damaged_file_is_written_again_also_with_the_same_bars(bar_store: Path) -> None:
    bars = daily_bars(30, date(2020, 1, 2))
    deliver(DAYS, bars, now=NOW)
    for file in bar_store.rglob("*.parquet"):
        file.write_bytes(b"nothing")
    assert deliver(DAYS, bars, now=NOW).reload
    replace_history(DAYS, bars, note="a test", now=NOW)
    assert bars_of(stored()).time.tolist() == bars.time.tolist()


def test_a_series_in_use_is_not_hidden(monkeypatch: pytest.MonkeyPatch, settings: pytest.FixtureRequest) -> None:
    settings.BAR_PROVIDERS = ("alpaca", "csv", "sample")  # type: ignore[attr-defined]
    deliver(SeriesKey("csv", "AAPL", "1Day"), daily_bars(30), now=NOW)
    monkeypatch.setattr("tradedesk.marketdata.usage._questions", [*_questions, lambda *_: ["1 account holds it"]])
    with pytest.raises(ImportRefused, match="1 account holds it"):
        deliver(DAYS, daily_bars(30), now=NOW)
