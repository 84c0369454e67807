"""RSI mean reversion: computed by hand, compared with Wilder's recursion, and without price changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters
from strategies.kinds.rsi_mean_reversion import RsiMeanReversion
from tests.strategies.kinds.series import UNTIMED, bars_of, generated, stock
from tradedesk.core.bars import Floats


def test_golden_signals() -> None:
    # by hand, period 2: average gain 1 .5 .25 .125 1.5625 2.28125 and loss 0 .5 1.25 .625 .3125 .15625 from bar 2
    bars = bars_of([10, 11, 12, 11, 9, 9, 12, 15])
    signals = RsiMeanReversion(period=2).signals(bars)
    assert np.isnan(signals.lines["RSI 2"][:2]).all()
    assert signals.lines["RSI 2"][2:] == pytest.approx([100, 50, 50 / 3, 50 / 3, 250 / 3, 7300 / 78])
    assert signals.side.tolist() == [0, 0, 0, 0, 1, 0, -1, 0]
    # 16.67 is 13.33 of 30 points below oversold, 83.33 is 13.33 of 30 above overbought
    depth = 0.6 + 0.4 * (40 / 3) / 30
    assert signals.strength == pytest.approx([0, 0, 0, 0, depth, 0, depth, 0])


def test_on_return_it_trades_as_the_rsi_comes_back() -> None:
    # the golden RSI: 16.7 at bars 4 and 5 and back above 30 at bar 6; back below 70 at bars 3 and 9 (by hand:
    # 9.125 gains against 4.625 losses, 66.4)
    bars = bars_of([10, 11, 12, 11, 9, 9, 12, 15, 15, 13])
    signals = RsiMeanReversion(period=2, enter_on="return").signals(bars)
    assert signals.side.tolist() == [0, 0, 0, -1, 0, 0, 1, 0, 0, -1]
    assert signals.strength.tolist() == np.abs(signals.side).tolist()


def test_strength_grows_with_the_distance_from_the_level() -> None:
    kind = RsiMeanReversion(period=2)
    deep, shallow = (
        kind.signals_by_symbol({"A": bars_of([*np.resize([10.0, 10.1], 61), last])})["A"] for last in (7, 9.9)
    )
    assert deep.side[-1] == shallow.side[-1] == 1
    assert 0.6 <= shallow.strength[-1] < deep.strength[-1] <= 1.0


def wilder(close: Floats, period: int) -> list[float]:
    """Wilder, New Concepts in Technical Trading Systems (1978): averages seeded by a mean, then 1/period."""
    change = np.diff(close)
    gain, loss = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    up, down = float(gain[:period].mean()), float(loss[:period].mean())
    values = [100.0 * up / (up + down)]
    for t in range(period, len(change)):
        up, down = (up * (period - 1) + gain[t]) / period, (down * (period - 1) + loss[t]) / period
        values.append(100.0 * up / (up + down))
    return values


@pytest.mark.parametrize("symbol", ["AAPL", "FB"])
@pytest.mark.parametrize("period", [2, 14])
def test_the_line_equals_the_rsi_of_wilder(symbol: str, period: int) -> None:
    close = stock(symbol).close
    line = RsiMeanReversion(period=period).signals(stock(symbol)).lines[f"RSI {period}"]
    assert line[period:] == pytest.approx(wilder(close, period), abs=1e-9)


@UNTIMED
@given(st.integers(0, 10**9), st.integers(2, 30))
def test_the_memory_is_long_enough_to_forget_older_bars(seed: int, period: int) -> None:
    kind = RsiMeanReversion(period=period)
    bars = generated("random walk", seed, kind.memory() + 400)
    whole, window = kind.signals(bars), kind.signals(bars[-kind.memory() :])
    assert abs(whole.lines[f"RSI {period}"][-1] - window.lines[f"RSI {period}"][-1]) < 1e-6


def test_the_warm_up_is_8_periods_and_the_memory_20() -> None:
    assert (RsiMeanReversion().warmup(), RsiMeanReversion().memory()) == (112, 280)


def test_a_flat_price_has_no_rsi() -> None:
    signals = RsiMeanReversion().signals_by_symbol({"A": bars_of(np.full(600, 25.0))})["A"]
    assert not signals.side.any()
    assert np.isnan(signals.lines["RSI 14"]).all()  # TA-Lib gives 0.0 here


def test_the_rsi_starts_again_after_a_long_halt() -> None:
    # A walk, then 700 equal closes, then a fall: the averages of the walk have decayed to rounding errors, and the
    # RSI of TA-Lib depends on the number of equal closes.
    walk = 50.0 + np.cumsum(np.random.default_rng(3).choice([-0.5, 0.5], 400))
    bars = bars_of([*walk, *np.full(700, walk[-1]), *(walk[-1] - np.arange(1, 6))])
    kind = RsiMeanReversion()
    signals = kind.signals_by_symbol({"A": bars})["A"]
    assert not signals.side[400:].any()
    assert np.flatnonzero(np.isnan(signals.lines["RSI 14"][14:])).tolist() == list(range(455, 1086))
    assert kind.explain(signals, 900) == "No RSI: the close has not changed for 70 bars"
    assert kind.explain(signals, 1104).startswith("RSI 0.0 is below 30")


def test_the_explanation_has_the_rsi_and_the_level() -> None:
    # by hand: with alternating moves of 10 cents the averages converge to gain 1/30 and loss 1/15 after a fall;
    # then gain 1/60 .0083 .0592 .1796 .1898 and loss .1333 .0717 .0358 .0179 .0090
    kind = RsiMeanReversion(period=2)
    bars = bars_of([*np.resize([10.0, 10.1], 61), 9.8, 9.79, 9.9, 10.2, 10.4])
    signals = kind.signals_by_symbol({"A": bars})["A"]
    assert [kind.explain(signals, t) for t in range(60, 66)] == [
        "RSI 33.3 is between 30 and 70",
        "RSI 11.1 crossed below 30",
        "RSI 10.4 is below 30",
        "RSI 62.3 is between 30 and 70",
        "RSI 90.9 crossed above 70",
        "RSI 95.5 is above 70",
    ]


def test_oversold_must_be_below_overbought() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        RsiMeanReversion(oversold=70, overbought=30)
    assert refusal.value.errors == {"": "Oversold (70) must be lower than overbought (30)."}
    assert RsiMeanReversion(oversold=27.5, overbought=72.5).parameters["oversold"] == 27.5
