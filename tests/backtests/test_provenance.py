"""Provenance: the hashes change exactly when the code or the bars change."""

from pathlib import Path

import pytest

from backtests import provenance
from backtests.models import Backtest
from strategies.kinds import code_hash
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarSeries


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
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
def test_it_changes_with_every_module_of_a_run(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.engine_code()
    provenance.engine_code.cache_clear()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + (b" " if path.stem == module else b""))
    assert provenance.engine_code() != before


def test_it_does_not_change_with_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.engine_code()
    provenance.engine_code.cache_clear()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + (b" " if path.stem == "views" else b""))
    assert provenance.engine_code() == before


def test_unchanged_inputs_are_not_marked(completed: Backtest) -> None:
    series = find_series(completed.symbols, completed.timeframe)
    origins = provenance.compare(completed.kind, completed.provenance, series)
    assert [origin.label for origin in origins] == [
        "Version",
        "Strategy code",
        "Engine code",
        "AAPL bars",
        "MSFT bars",
    ]
    assert not any(origin.changed for origin in origins)
    assert origins[1].value == code_hash("sma_crossover")


def test_each_changed_input_is_marked(completed: Backtest) -> None:
    BarSeries.objects.filter(symbol="AAPL").delete()
    series = find_series(completed.symbols, completed.timeframe)
    recorded = completed.provenance | {"version": "0.0.1", "kind_code": "0" * 12, "engine_code": "0" * 12}
    origins = provenance.compare(completed.kind, recorded, series)
    assert [origin.changed for origin in origins] == [True, True, True, True, False]


def test_a_kind_that_is_not_installed_is_a_change(completed: Backtest) -> None:
    origins = provenance.compare("missing", completed.provenance, {})
    assert origins[1].changed
