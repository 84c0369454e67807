from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata import services, store
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars
from tradedesk.marketdata.services import load_samples

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALL = ["AAPL", "FB", "GOOG", "IBM", "MSFT"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


def test_it_fills_an_empty_store() -> None:
    assert load_samples(NOW) == ALL
    rows = BarSeries.objects.order_by("symbol").values_list("provider", "symbol", "timeframe", "adjusted", "count")
    assert list(rows) == [
        ("sample", "AAPL", "1Day", True, 3270),
        ("sample", "FB", "1Day", True, 196),
        ("sample", "GOOG", "1Day", True, 2148),
        ("sample", "IBM", "1Day", True, 3270),
        ("sample", "MSFT", "1Day", True, 3270),
    ]
    for symbol in ALL:
        assert store.fingerprint_of(load_bars(None, symbol, Timeframe.DAY)) == FINGERPRINTS[symbol]


def test_a_second_call_reads_no_files(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_samples(NOW)
    monkeypatch.setattr(services, "sample_bars", lambda _: pytest.fail("read again"))
    with django_assert_num_queries(1):
        assert load_samples(NOW) == []


def test_a_deleted_file_is_written_again(bar_store: Path) -> None:
    load_samples(NOW)
    (bar_store / BarSeries.objects.get(symbol="IBM").paths[0]).unlink()
    assert load_samples(NOW) == ["IBM"]
    assert len(load_bars(None, "IBM", "1Day")) == 3270


def test_samples_of_an_older_release_are_replaced(
    bar_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    older = sample_bars("FB")[:100]
    monkeypatch.setitem(FINGERPRINTS, "FB", store.fingerprint_of(older))
    monkeypatch.setattr(services, "sample_bars", lambda symbol: older if symbol == "FB" else sample_bars(symbol))
    load_samples(NOW)
    monkeypatch.undo()
    with django_capture_on_commit_callbacks(execute=True):
        assert load_samples(NOW) == ["FB"]
    assert len(load_bars(None, "FB", "1Day")) == 196
    assert len(list((bar_store / "sample" / "FB").iterdir())) == 1
