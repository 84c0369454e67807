"""SuperTrend: by hand, on the stop itself, and where nothing moves."""

import numpy as np
import pytest

from strategies.kinds.supertrend import SuperTrend
from tests.strategies.kinds.series import bars_of
from tradedesk.core.bars import Bars

# All bars reach from 1 below their close to 1 above it. By hand, with period 2 and multiplier 1, from bar 2 on:
#   true range               2   2   3     2      2.5      2        2
#   its average              2   2   2.5   2.25   2.375    2.1875   2.09375
#   own bands       upper   12  13  15.5  14.25  12.875  12.1875  12.09375
#                   lower    8   9  10.5   9.75   8.125   7.8125   7.90625
# The upper band closes in, and opens again after a close above it; the lower one likewise.
#   followed bands  upper   12  12  12    14.25  12.875  12.1875  12.09375
#                   lower    8   9  10.5  10.5   10.5    10.5      7.90625
# 13 closes above 12; 10.5 only stands on the stop; 10 closes below it.
CLOSE = [10, 10, 10, 11, 13, 12, 10.5, 10, 10]
STOP = [12, 12, 10.5, 10.5, 10.5, 12.1875, 12.09375]
SIDE = [0, 0, 1, 0, 0, -1, 0]


def reaching_one(close: list[float]) -> Bars:
    closes = np.array(close)
    return bars_of(closes, closes + 1.0, closes - 1.0)


def test_golden_signals() -> None:
    signals = SuperTrend(period=2, multiplier=1.0).signals(reaching_one(CLOSE))
    assert np.isnan(signals.lines["SuperTrend"][:2]).all()
    assert signals.lines["SuperTrend"][2:].tolist() == STOP
    assert signals.side.tolist() == [0, 0, *SIDE]
    assert signals.strength.tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 0]


def test_it_explains_with_its_stop() -> None:
    kind = SuperTrend(period=2, multiplier=1.0)
    warm = [10.0] * (kind.warmup() - 1)
    signals = kind.signals_by_symbol({"A": reaching_one([*warm, *CLOSE[2:]])})["A"]
    assert signals.side[-7:].tolist() == SIDE
    assert [kind.explain(signals, t) for t in (139, 140, 142, 145)] == [
        "Warming up: 140 of 141 bars",
        "SuperTrend has not turned, its stop at 12.00",
        "Closed above the upper band: SuperTrend turned up, its stop at 10.50",
        "Closed below the lower band: SuperTrend turned down, its stop at 12.19",
    ]


def test_a_wider_band_is_harder_to_break() -> None:
    # by hand: 3 average true ranges above 10 lies 16, which 13 does not reach
    signals = SuperTrend(period=2, multiplier=3.0).signals(reaching_one(CLOSE))
    assert signals.lines["SuperTrend"][2:5].tolist() == [16, 16, 16]
    assert not signals.side.any()


def test_a_gap_counts_to_the_true_range() -> None:
    # by hand: from 10 up to 14 it is 15 - 10 = 5, not the bar's own 2; the average 3.5 puts the stop at 10.5
    signals = SuperTrend(period=2, multiplier=1.0).signals(reaching_one([10, 10, 10, 14]))
    assert signals.lines["SuperTrend"][2:].tolist() == [12, 10.5]
    assert signals.side.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("price", [10.0, 0.1, 1234.56])
def test_a_flat_price_never_turns(price: float) -> None:
    kind = SuperTrend(period=2, multiplier=1.0)
    signals = kind.signals_by_symbol({"A": bars_of([price] * 300)})["A"]
    assert not signals.side.any()
    assert signals.lines["SuperTrend"][2:] == pytest.approx(price)


def test_it_asks_for_its_average_its_stretch_and_a_bar() -> None:
    assert SuperTrend().warmup() == 20 * 10 + 300 + 1
    assert SuperTrend(period=7, multiplier=0.5).warmup() == 20 * 7 + 50 + 1
