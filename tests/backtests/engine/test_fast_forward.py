"""Fast-forward tests blocks of bars; the result is that of testing every bar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.engine.kernel.fast_forward import (
    NO_LOT,
    PRICE_BLOCK,
    SIGNAL_BLOCK,
    rows_until_signal,
    rows_until_touched,
)
from tradedesk.core.bars import read_only

BUY, SELL = 1, -1
UNTOUCHED = np.float64(100.0)


@pytest.mark.parametrize(
    "row", [0, 1, SIGNAL_BLOCK - 1, SIGNAL_BLOCK, SIGNAL_BLOCK + 1, 3 * SIGNAL_BLOCK - 1, 3 * SIGNAL_BLOCK + 5]
)
@pytest.mark.parametrize(("signal", "lot"), [(BUY, NO_LOT), (SELL, 0)])
def test_it_ends_at_the_first_signal_that_requires_a_trade(row: int, signal: int, lot: int) -> None:
    sides = np.zeros(3 * SIGNAL_BLOCK + 6, np.int8)
    sides[row] = signal
    assert rows_until_signal(read_only(sides), np.array([lot])) == row
    sides[:row:2] = -signal  # requires no trade
    assert rows_until_signal(read_only(sides), np.array([lot])) == row
    assert rows_until_signal(read_only(sides[:row]), np.array([lot])) == row


@given(st.data(), st.integers(1, 3))
def test_it_ends_at_a_signal_of_any_symbol(data: st.DataObject, symbols: int) -> None:
    signals = st.sampled_from([0] * 20 + [BUY, SELL])
    sides = np.array(data.draw(st.lists(signals, max_size=120)), np.int8)
    sides = sides[: len(sides) // symbols * symbols]
    lot_of = np.array(data.draw(st.lists(st.sampled_from([NO_LOT, 0]), min_size=symbols, max_size=symbols)))
    rows = sides.reshape(-1, symbols)
    trades = ((rows > 0) & (lot_of == NO_LOT)) | ((rows < 0) & (lot_of != NO_LOT))
    expected = int(trades.any(axis=1).argmax()) if trades.any() else len(rows)
    assert rows_until_signal(read_only(sides), lot_of) == expected


@pytest.mark.parametrize("row", [0, PRICE_BLOCK - 1, PRICE_BLOCK, 2 * PRICE_BLOCK - 1, 2 * PRICE_BLOCK + 7])
@pytest.mark.parametrize(("low", "high"), [(90.0, 100.0), (100.0, 110.0), (89.0, 111.0)])
def test_it_ends_at_the_first_touched_bar(row: int, low: float, high: float) -> None:
    lows, highs = np.full((2 * PRICE_BLOCK + 8, 2), UNTOUCHED), np.full((2 * PRICE_BLOCK + 8, 2), UNTOUCHED)
    lows[:, 0], highs[:, 0] = 1.0, 1000.0  # of another symbol
    lows[row, 1], highs[row, 1] = low, high
    prices = read_only(lows), read_only(highs)
    assert rows_until_touched(*prices, 1, 90.0, 110.0) == row
    assert rows_until_touched(prices[0][:row], prices[1][:row], 1, 90.0, 110.0) == row


def test_a_missing_bar_touches_nothing() -> None:
    prices = read_only(np.full((PRICE_BLOCK + 3, 1), np.nan))
    assert rows_until_touched(prices, prices, 0, 90.0, np.inf) == PRICE_BLOCK + 3
