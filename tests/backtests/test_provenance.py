"""Which code and which bars: the hashes move when, and only when, the sources do."""

from pathlib import Path

import pytest

from backtests import provenance
from backtests.models import Backtest
from strategies.kinds import code_hash
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarSeries

NAMED = [module for module in provenance.RUN_MODULES if "*" not in module]


@pytest.fixture(autouse=True)
def _hashed_anew() -> None:
    provenance.engine_code.cache_clear()


def test_the_hash_is_the_same_twice() -> None:
    first = provenance.engine_code()
    provenance.engine_code.cache_clear()
    assert provenance.engine_code() == first
    assert len(first) == 12
    int(first, 16)


@pytest.mark.parametrize(
    "module", ["engine", "trading", "meter", "panel", "results", "simulation", "metrics", "fills"]
)
def test_it_moves_with_every_source_that_takes_part(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.engine_code()
    provenance.engine_code.cache_clear()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + (b" " if path.stem == module else b""))
    assert provenance.engine_code() != before


def test_it_does_not_move_with_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.engine_code()
    provenance.engine_code.cache_clear()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + (b" " if path.stem == "views" else b""))
    assert provenance.engine_code() == before


def test_what_is_unchanged_is_not_marked(completed: Backtest) -> None:
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


def test_each_change_is_marked_at_its_line(completed: Backtest) -> None:
    BarSeries.objects.filter(symbol="AAPL").delete()
    series = find_series(completed.symbols, completed.timeframe)
    recorded = completed.provenance | {"version": "0.0.1", "kind_code": "0" * 12, "engine_code": "0" * 12}
    origins = provenance.compare(completed.kind, recorded, series)
    assert [origin.changed for origin in origins] == [True, True, True, True, False]


def test_a_kind_that_is_gone_is_a_change(completed: Backtest) -> None:
    origins = provenance.compare("gone", completed.provenance, {})
    assert origins[1].changed
