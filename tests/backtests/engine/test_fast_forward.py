"""Quiet bars are looked at many at a time: the answer is that of looking at one after the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.engine.kernel.fast_forward import BARS, CELLS, NO_LOT, rows_until_signal, rows_until_touched
from tradedesk.core.bars import read_only

BUY, SELL = 1, -1
QUIET = np.float64(100.0)


@pytest.mark.parametrize("row", [0, 1, CELLS - 1, CELLS, CELLS + 1, 3 * CELLS - 1, 3 * CELLS + 5])
@pytest.mark.parametrize(("word", "held"), [(BUY, NO_LOT), (SELL, 0)])
def test_the_first_signal_that_asks_for_a_trade_ends_the_quiet(row: int, word: int, held: int) -> None:
    said = np.zeros(3 * CELLS + 6, np.int8)
    said[row] = word
    assert rows_until_signal(read_only(said), np.array([held])) == row
    said[:row:2] = -word  # asks for what is there already
    assert rows_until_signal(read_only(said), np.array([held])) == row
    assert rows_until_signal(read_only(said[:row]), np.array([held])) == row


@given(st.data(), st.integers(1, 3))
def test_a_call_of_any_symbol_ends_the_quiet(data: st.DataObject, symbols: int) -> None:
    words = st.sampled_from([0] * 20 + [BUY, SELL])
    said = np.array(data.draw(st.lists(words, max_size=120)), np.int8)
    said = said[: len(said) // symbols * symbols]
    lot_of = np.array(data.draw(st.lists(st.sampled_from([NO_LOT, 0]), min_size=symbols, max_size=symbols)))
    rows = said.reshape(-1, symbols)
    calls = ((rows > 0) & (lot_of == NO_LOT)) | ((rows < 0) & (lot_of != NO_LOT))
    expected = int(calls.any(axis=1).argmax()) if calls.any() else len(rows)
    assert rows_until_signal(read_only(said), lot_of) == expected


@pytest.mark.parametrize("row", [0, BARS - 1, BARS, 2 * BARS - 1, 2 * BARS + 7])
@pytest.mark.parametrize(("low", "high"), [(90.0, 100.0), (100.0, 110.0), (89.0, 111.0)])
def test_a_touch_in_any_place_ends_the_quiet(row: int, low: float, high: float) -> None:
    lows, highs = np.full((2 * BARS + 8, 2), QUIET), np.full((2 * BARS + 8, 2), QUIET)
    lows[:, 0], highs[:, 0] = 1.0, 1000.0  # another symbol's
    lows[row, 1], highs[row, 1] = low, high
    prices = read_only(lows), read_only(highs)
    assert rows_until_touched(*prices, 1, 90.0, 110.0) == row
    assert rows_until_touched(prices[0][:row], prices[1][:row], 1, 90.0, 110.0) == row


def test_a_missing_bar_touches_nothing() -> None:
    prices = read_only(np.full((BARS + 3, 1), np.nan))
    assert rows_until_touched(prices, prices, 0, 90.0, np.inf) == BARS + 3
