"""ADX trend: directional movement computed by hand; a threshold that is reached late, exactly or never."""

import numpy as np
import pytest

from strategies.kinds.adx_trend import AdxTrend
from tests.strategies.kinds.series import bars_of
from tradedesk.core.bars import Bars

# By hand with period 2; each sum is half of the one before it plus what its bar adds, from bar 2 on:
#   up, down       2,0   1,0   0,2    2,0    2,0     0,0      0,3     (equal moves up and down count as 0)
#   true range      3     2     3      4      4       6        6
#   sum of ups      2     2     1      2.5    3.25    1.625     .8125
#   sum of downs    0     0     2      1       .5      .25     3.125
#   sum of ranges   3    3.5   4.75   6.375  7.1875  9.59375  10.796875
#   100 x |ups - downs| / (ups + downs): 100, 33.33, 42.86, 73.33, 73.33 and 58.73 from bar 2 on
#   ADX: the mean of the first two at bar 3, then half of the one before and half of the new one
HIGH = [10, 12, 13, 12, 14, 16, 17, 12]
LOW = [8, 10, 11, 9, 10, 12, 11, 8]
CLOSE = [9, 11, 12, 10, 13, 15, 14, 9]
UPS = np.array([2, 1, 2.5, 3.25, 1.625, 0.8125])
DOWNS = np.array([0, 2, 1, 0.5, 0.25, 3.125])
RANGES = np.array([3.5, 4.75, 6.375, 7.1875, 9.59375, 10.796875])
ADX = [66.6667, 54.7619, 64.0476, 68.6905, 63.7103]


def after_flat_bars(count: int) -> Bars:
    """80 bars at the same price, each with a range of 2, then the first `count` bars that move."""
    moves = slice(1, 1 + count)
    return bars_of([9] * 80 + CLOSE[moves], [10] * 80 + HIGH[moves], [8] * 80 + LOW[moves])


def test_golden_lines() -> None:
    lines = AdxTrend(period=2).signals(bars_of(CLOSE, HIGH, LOW)).lines
    assert lines["+DI"][2:] == pytest.approx(100 * UPS / RANGES)
    assert lines["-DI"][2:] == pytest.approx(100 * DOWNS / RANGES)
    assert lines["ADX"][3:] == pytest.approx(ADX, abs=1e-4)
    assert np.isnan([lines["+DI"][1], lines["-DI"][1], lines["ADX"][2]]).all()


@pytest.mark.parametrize(
    ("threshold", "side"),
    [
        (50.0, [0, 0, 0, -1, 1, 0, 0, -1]),
        (60.0, [0, 0, 0, -1, 0, 1, 0, -1]),  # +DI is above at bar 4, the ADX only at bar 5
        (70.0, [0, 0, 0, -1, 0, 0, 0, -1]),
    ],
)
def test_it_buys_a_strong_uptrend_and_sells_when_it_turns(threshold: float, side: list[int]) -> None:
    signals = AdxTrend(period=2, threshold=threshold).signals(bars_of(CLOSE, HIGH, LOW))
    assert signals.side.tolist() == side
    assert signals.strength.tolist() == np.abs(side).tolist()


def test_it_explains_with_numbers() -> None:
    # by hand: the flat bars leave sums of 0 and a sum of ranges of 4; the moves make it 5, 4.5 and 5.25
    kind = AdxTrend(period=2, threshold=60.0)
    signals = kind.signals_by_symbol({"A": after_flat_bars(3)})["A"]
    assert signals.side[79:].tolist() == [0, 0, 1, -1]
    assert [kind.explain(signals, t) for t in (22, 79, 80, 81, 82)] == [
        "Warming up: 23 of 24 bars",
        "-DI (0.00) equals +DI (0.00); ADX 0.0 is not above 60",
        "-DI (0.00) is below +DI (40.00); ADX 50.0 is not above 60",
        "ADX 75.0 is above 60 with +DI (44.44) above -DI (0.00)",
        "-DI (38.10) crossed above +DI (19.05); ADX 54.2 is not above 60",
    ]


def test_an_adx_on_its_threshold_is_not_above_it() -> None:
    # by hand: after the flat bars the first move makes the ADX 50, the second 75
    signals = AdxTrend(period=2, threshold=50.0).signals_by_symbol({"A": after_flat_bars(2)})["A"]
    assert signals.lines["ADX"][-2:].tolist() == [50, 75]
    assert signals.side[-2:].tolist() == [0, 1]


def test_a_flat_price_has_no_trend() -> None:
    signals = AdxTrend(period=2).signals_by_symbol({"A": bars_of([10.0] * 200)})["A"]
    assert not signals.side.any()
    assert [set(line[3:].tolist()) for line in signals.lines.values()] == [{0.0}, {0.0}, {0.0}]


def test_the_warm_up_is_12_periods_and_the_memory_40() -> None:
    assert (AdxTrend().warmup(), AdxTrend().memory()) == (168, 560)
