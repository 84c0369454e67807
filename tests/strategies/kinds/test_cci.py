"""CCI: computed by hand, exactly on the levels, and without price changes."""

import numpy as np
import pytest

from strategies.kinds.cci import Cci
from tests.strategies.kinds.series import bars_of
from tradedesk.core.bars import Floats


def test_golden_signals() -> None:
    # by hand, windows of 4 from bar 4 on: mean 9 9 10 10 9 9 7, mean deviation 1.5 1.5 2 2 3.5 3.5 3;
    # the close minus the mean is -3 1 4 0 -7 1 -1, over 0.015 mean deviations
    kind = Cci(period=4)
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 10, 6, 10, 14, 10, 2, 10, 6])})["A"]
    assert np.isnan(signals.lines["CCI 4"][:4]).all()
    assert signals.lines["CCI 4"][4:] == pytest.approx(
        [-400 / 3, 400 / 9, 400 / 3, 0, -400 / 3, 400 / 21, -200 / 9]
    )
    assert signals.side.tolist() == [0, 0, 0, 0, 0, 1, 0, -1, 0, 1, 0]
    assert signals.strength.tolist() == [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0]
    assert [kind.explain(signals, t) for t in (3, 4, 5, 6, 7, 10)] == [
        "Warming up: 4 of 5 bars",
        "CCI -133.3 is below -100",
        "CCI 44.4 crossed above -100",
        "CCI 133.3 is above 100",
        "CCI 0.0 crossed below 100",
        "CCI -22.2 is between -100 and 100",
    ]


@pytest.mark.parametrize("moved", ["high", "low", "close"])
def test_high_low_and_close_have_the_same_weight(moved: str) -> None:
    # by hand: 12 more than three times 10, then back: 133.33, and 400 / 9 below the mean
    flat: Floats = np.full(6, 10.0)
    prices = {"high": flat, "low": flat, "close": flat} | {moved: np.array([10.0, 10.0, 10.0, 10.0, 22.0, 10.0])}
    signals = Cci(period=4).signals(bars_of(**prices))
    assert signals.lines["CCI 4"][4:] == pytest.approx([400 / 3, -400 / 9])
    assert signals.side.tolist() == [0, 0, 0, 0, 0, -1]


@pytest.mark.parametrize(("turn", "side"), [(7.0, 1), (13.0, -1)])
def test_a_level_that_is_only_touched_is_not_crossed(turn: float, side: int) -> None:
    # by hand, windows of 3: one price that differs from two equal ones has an index of 100, those two have 50
    signals = Cci(period=3, level=50.0).signals_by_symbol({"A": bars_of([10, 10, 10, turn, turn, 10])})["A"]
    assert signals.lines["CCI 3"][3:] == pytest.approx(np.array([-100, -50, 100]) * side)
    assert signals.side.tolist() == [0, 0, 0, 0, 0, side]


@pytest.mark.parametrize("price", [10.0, 0.1, 1234.56])
def test_a_flat_price_has_no_index(price: float) -> None:
    kind = Cci()
    signals = kind.signals_by_symbol({"A": bars_of([price] * 60)})["A"]
    assert not signals.side.any()
    assert np.isnan(signals.lines["CCI 20"]).all()
    assert kind.explain(signals, 59) == "No CCI: the price has not changed for 20 bars"


def test_on_touch_it_trades_as_the_index_leaves_the_levels() -> None:
    # the golden index: -133.3 44.4 133.3 0 -133.3 19.0 -22.2 from bar 4 on
    bars = bars_of([10, 10, 10, 10, 8, 12, 8, 10, 2, 10, 14])
    index = Cci(period=4).signals(bars).lines["CCI 4"]
    signals = Cci(period=4, enter_on="touch").signals(bars)
    below, above = index < -100.0, index > 100.0
    assert np.flatnonzero(signals.side == 1).tolist() == [t for t in range(5, 11) if below[t] and not below[t - 1]]
    assert np.flatnonzero(signals.side == -1).tolist() == [
        t for t in range(5, 11) if above[t] and not above[t - 1]
    ]
    assert signals.side.any()


def test_the_warm_up_is_the_window_and_one_bar() -> None:
    assert Cci().warmup() == 21
