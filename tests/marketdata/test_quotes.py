"""Bars that cannot be read leave out only their own symbol."""

from collections.abc import Sequence

import pytest

from tests.livetrading.made_bars import damage_bars, flat, remove_bar_file, store_bars
from tradedesk.core.bars import Bars
from tradedesk.marketdata import library, quotes
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.quotes import load_readable
from tradedesk.marketdata.store import DamagedBars


@pytest.mark.parametrize(
    "error",
    [OSError("input/output error"), PermissionError("denied"), NoBars(["IBM"], "1Day"), DamagedBars("damaged")],
)
def test_a_symbol_whose_file_cannot_be_read_is_left_out(
    db: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store_bars(AAPL=flat(10, 11), IBM=flat(50, 51), MSFT=flat(20, 21))
    real = library.load_many

    def load_many(user_id: int | None, symbols: Sequence[str], timeframe: str) -> dict[str, Bars]:
        if "IBM" in symbols:
            raise error
        return real(user_id, symbols, timeframe)

    monkeypatch.setattr(quotes, "load_many", load_many)
    found = load_readable(1, ["MSFT", "IBM", "AAPL"], "1Day")
    assert {symbol: bars.close.tolist() for symbol, bars in found.items()} == {"AAPL": [10, 11], "MSFT": [20, 21]}
    assert load_readable(1, ["IBM"], "1Day") == {}


def test_symbols_without_bars_and_with_bad_files_are_left_out(db: None) -> None:
    store_bars(AAPL=flat(10), IBM=flat(50), MSFT=flat(20))
    damage_bars("IBM")
    remove_bar_file("MSFT")
    assert list(load_readable(1, ["MSFT", "IBM", "AAPL", "NONE"], "1Day")) == ["AAPL"]
    assert load_readable(1, [], "1Day") == {}
