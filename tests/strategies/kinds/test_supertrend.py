"""SuperTrend: computed by hand, exactly on the stop, and without price changes."""

import numpy as np
import pytest

from strategies.kinds.supertrend import SuperTrend
from tests.strategies.kinds.series import bars_of
from tradedesk.core.bars import Bars

# All bars range from 1 below to 1 above their close. By hand, with period 2 and multiplier 1, from bar 2 on:
#   true range               2   2   3     2      2.5      2        2
#   its average              2   2   2.5   2.25   2.375    2.1875   2.09375
#   bands of a bar  upper   12  13  15.5  14.25  12.875  12.1875  12.09375
#                   lower    8   9  10.5   9.75   8.125   7.8125   7.90625
# The upper band only falls until a close is above it; the lower band only rises until a close is below it.
#   final bands     upper   12  12  12    14.25  12.875  12.1875  12.09375
#                   lower    8   9  10.5  10.5   10.5    10.5      7.90625
# 13 closes above 12; 10.5 is equal to the stop; 10 closes below it.
CLOSE = [10, 10, 10, 11, 13, 12, 10.5, 10, 10]
STOP = [12, 12, 10.5, 10.5, 10.5, 12.1875, 12.09375]
SIDE = [0, 0, 1, 0, 0, -1, 0]


def with_range_of_2(close: list[float]) -> Bars:
    closes = np.array(close)
    return bars_of(closes, closes + 1.0, closes - 1.0)


def test_golden_signals() -> None:
    signals = SuperTrend(period=2, multiplier=1.0).signals(with_range_of_2(CLOSE))
    assert np.isnan(signals.lines["SuperTrend"][:2]).all()
    assert signals.lines["SuperTrend"][2:].tolist() == STOP
    assert signals.side.tolist() == [0, 0, *SIDE]
    assert signals.strength.tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 0]


def test_the_explanation_has_the_stop() -> None:
    kind = SuperTrend(period=2, multiplier=1.0)
    warm = [10.0] * (kind.warmup() - 1)
    signals = kind.signals_by_symbol({"A": with_range_of_2([*warm, *CLOSE[2:]])})["A"]
    assert signals.side[-7:].tolist() == SIDE
    assert [kind.explain(signals, t) for t in (55, 56, 58, 61)] == [
        "Warming up: 56 of 57 bars",
        "SuperTrend did not turn, stop at 12.00",
        "Closed above the upper band: SuperTrend turned up, stop at 10.50",
        "Closed below the lower band: SuperTrend turned down, stop at 12.19",
    ]


def test_a_wider_band_is_not_broken() -> None:
    # by hand: the band is 3 average true ranges above 10, at 16, and 13 does not reach it
    signals = SuperTrend(period=2, multiplier=3.0).signals(with_range_of_2(CLOSE))
    assert signals.lines["SuperTrend"][2:5].tolist() == [16, 16, 16]
    assert not signals.side.any()


def test_a_gap_is_part_of_the_true_range() -> None:
    # by hand: from 10 up to 14 the true range is 15 - 10 = 5, not the bar's range of 2; with an average of 3.5 the
    # stop is at 10.5
    signals = SuperTrend(period=2, multiplier=1.0).signals(with_range_of_2([10, 10, 10, 14]))
    assert signals.lines["SuperTrend"][2:].tolist() == [12, 10.5]
    assert signals.side.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("price", [10.0, 0.1, 1234.56])
def test_a_flat_price_never_turns(price: float) -> None:
    kind = SuperTrend(period=2, multiplier=1.0)
    signals = kind.signals_by_symbol({"A": bars_of([price] * 300)})["A"]
    assert not signals.side.any()
    assert signals.lines["SuperTrend"][2:] == pytest.approx(price)


def test_the_warm_up_and_the_memory_are_those_of_the_average_and_of_the_trend() -> None:
    assert (SuperTrend().warmup(), SuperTrend().memory()) == (8 * 10 + 120 + 1, 20 * 10 + 300 + 1)
    small = SuperTrend(period=7, multiplier=0.5)
    assert (small.warmup(), small.memory()) == (8 * 7 + 20 + 1, 20 * 7 + 50 + 1)
