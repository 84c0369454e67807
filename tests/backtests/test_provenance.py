"""Provenance: the hashes change exactly when the code or the bars change."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backtests import provenance
from backtests.bars_used import BarsUsed, stored_bars_used
from backtests.models import Backtest
from strategies.kinds import code_hash
from tradedesk.marketdata.library import find_series, load_bars
from tradedesk.marketdata.models import BarSeries


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    provenance.engine_code.cache_clear()
    yield
    provenance.engine_code.cache_clear()


def test_the_hash_is_reproducible() -> None:
    first = provenance.engine_code()
    provenance.engine_code.cache_clear()
    assert provenance.engine_code() == first
    assert len(first) == 12
    int(first, 16)


@pytest.mark.parametrize(
    "module", ["run", "trading", "progress", "price_matrix", "results", "simulation", "metrics", "fills"]
)
def test_it_changes_with_the_code_of_every_module_of_a_run(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.engine_code()
    assert _engine_code_with(b"\n# a comment\n", module, monkeypatch) == before
    assert _engine_code_with(b"\nLIMIT = 1\n", module, monkeypatch) != before


def test_it_does_not_change_with_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.engine_code()
    assert _engine_code_with(b"\nLIMIT = 1\n", "views", monkeypatch) == before


def _engine_code_with(edit: bytes, module: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The hash if these bytes were added to the module."""
    provenance.engine_code.cache_clear()
    read = Path.read_bytes
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: read(path) + (edit if path.stem == module else b""))
        return provenance.engine_code()


def test_unchanged_inputs_are_not_marked(completed: Backtest) -> None:
    series = find_series(None, completed.symbols, completed.timeframe)
    origins = provenance.compare(completed.kind, completed.provenance, series, completed.period[1])
    assert [origin.label for origin in origins] == [
        "Version",
        "Strategy code",
        "Engine code",
        "AAPL bars",
        "MSFT bars",
    ]
    assert not any(origin.changed for origin in origins)
    assert origins[1].value == code_hash("sma_crossover")


def test_the_fingerprint_of_a_series_is_kept_for_each_end(completed: Backtest) -> None:
    series = find_series(None, ["AAPL"], "1Day")["AAPL"]
    end = completed.period[1]
    for moment in (end, end - timedelta(days=365), end):
        assert stored_bars_used(series, moment) == BarsUsed.of(
            "sample", load_bars(None, "AAPL", "1Day").until(moment)
        )


def test_each_changed_input_is_marked(completed: Backtest) -> None:
    BarSeries.objects.filter(symbol="AAPL").delete()
    series = find_series(None, completed.symbols, completed.timeframe)
    recorded = completed.provenance | {"version": "0.0.1", "kind_code": "0" * 12, "engine_code": "0" * 12}
    origins = provenance.compare(completed.kind, recorded, series, completed.period[1])
    assert [origin.changed for origin in origins] == [True, True, True, True, False]


def test_a_kind_that_is_not_installed_is_a_change(completed: Backtest) -> None:
    origins = provenance.compare("missing", completed.provenance, {}, completed.period[1])
    assert origins[1].changed
