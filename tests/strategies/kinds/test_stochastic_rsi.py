"""Stochastic RSI: computed by hand, exactly on the levels, and without price changes."""

import numpy as np
import pytest
import talib

from strategies.kinds import InvalidParameters
from strategies.kinds.stochastic_rsi import StochasticRsi
from tests.strategies.kinds.series import bars_of, stock

# Alternating closes: with period 2 the RSI is in turn the highest and the lowest of its window; %K is always 50.
ALTERNATING = [10.0, 11.0] * 23


def test_golden_signals() -> None:
    # by hand, period 3, Wilder's averages from bar 3 on:
    #   gain      3  3  2   2      8/3  40/9  80/27
    #   loss      3  2  6   4      8/3  16/9  104/27
    #   RSI      50 60 25  33.33  50   71.43  43.48
    # (RSI - lowest) / (highest - lowest) of 3: 0, 8.33 / 35, 1, 1 and 0 from bar 5 on; %K is the mean of 2
    kind = StochasticRsi(rsi_period=3, stochastic_period=3, k_smoothing=2)
    signals = kind.signals(bars_of([50, 59, 50, 50, 53, 39, 41, 45, 53, 45]))
    k = signals.lines["%K"]
    assert np.isnan(k[:6]).all()
    assert k[6:] == pytest.approx([250 / 21, 1300 / 21, 100, 50], abs=1e-6)
    assert signals.side.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, -1]
    assert signals.strength.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 1]


def test_it_buys_above_oversold_and_sells_below_overbought() -> None:
    # by hand: two rises in a row give a %K of 100, two falls 0, one of each 50
    kind = StochasticRsi(rsi_period=2, stochastic_period=2, k_smoothing=2)
    signals = kind.signals_by_symbol({"A": bars_of([*ALTERNATING, 12, 11, 10, 11, 11])})["A"]
    assert signals.lines["%K"][44:50].tolist() == [50, 50, 100, 50, 0, 50]
    assert signals.side[44:].tolist() == [0, 0, 0, -1, 0, 1, 0]
    assert [kind.explain(signals, t) for t in (24, *range(44, 51))] == [
        "Warming up: 25 of 26 bars",
        "%K of the RSI 50.0 is between 20 and 80",
        "%K of the RSI 50.0 is between 20 and 80",
        "%K of the RSI 100.0 is above 80",
        "%K of the RSI 50.0 crossed below 80",
        "%K of the RSI 0.0 is below 20",
        "%K of the RSI 50.0 crossed above 20",
        "No stochastic RSI: the RSI has not changed for 2 bars",
    ]


def test_a_level_that_is_only_touched_is_not_crossed() -> None:
    # %K is 50, 0, 50, 100: at 50 it is equal to oversold and has not crossed it, at 100 it has
    kind = StochasticRsi(rsi_period=2, stochastic_period=2, k_smoothing=2, oversold=50.0)
    signals = kind.signals_by_symbol({"A": bars_of([*ALTERNATING, 10, 9, 10, 11])})["A"]
    assert signals.lines["%K"][-4:].tolist() == [50, 0, 50, 100]
    assert signals.side[-4:].tolist() == [0, 0, 0, 1]
    kind = StochasticRsi(rsi_period=2, stochastic_period=2, k_smoothing=2, overbought=50.0)
    signals = kind.signals_by_symbol({"A": bars_of([*ALTERNATING, 12, 11, 10])})["A"]
    assert signals.lines["%K"][-3:].tolist() == [100, 50, 0]
    assert signals.side[-3:].tolist() == [0, 0, -1]


def test_a_flat_price_has_no_stochastic() -> None:
    signals = StochasticRsi().signals_by_symbol({"A": bars_of([25.0] * 400)})["A"]
    assert not signals.side.any()
    assert np.isnan(signals.lines["%K"]).all()


def test_the_warm_up_is_that_of_the_rsi_its_range_its_averages_and_one_bar() -> None:
    kind = StochasticRsi(rsi_period=10, stochastic_period=7, k_smoothing=4, d_smoothing=5)
    assert (kind.warmup(), kind.memory()) == (9 * 10 + 7 + 4 + 5 + 1, 20 * 10 + 7 + 4 + 5 + 1)


@pytest.mark.parametrize("symbol", ["AAPL", "FB"])
def test_the_lines_equal_those_of_talib(symbol: str) -> None:
    kind = StochasticRsi(rsi_period=10, stochastic_period=7, k_smoothing=4, d_smoothing=5)
    lines, close = kind.signals(stock(symbol)).lines, stock(symbol).close
    _, k = talib.STOCHRSI(close, 10, 7, 4)
    assert lines["%K"][19:] == pytest.approx(k[19:], abs=1e-5)
    assert lines["%D"][23:] == pytest.approx(talib.SMA(k, 5)[23:], abs=1e-5)


def test_the_slower_line_crosses_where_it_is_chosen() -> None:
    bars = stock("AAPL")
    for line in ("%K", "%D"):
        signals = StochasticRsi(line=line[1].lower(), enter_on="touch").signals(bars)
        value = signals.lines[line]
        entered = (value[1:] < 20.0) & (value[:-1] >= 20.0)
        assert np.flatnonzero(signals.side[1:] == 1).tolist() == np.flatnonzero(entered).tolist()
        assert entered.sum() > 30


@pytest.mark.parametrize(("oversold", "overbought"), [(80.0, 20.0), (50.0, 50.0)])
def test_oversold_must_be_below_overbought(oversold: float, overbought: float) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        StochasticRsi(oversold=oversold, overbought=overbought)
    assert refusal.value.errors == {"": f"Oversold ({oversold:g}) must be lower than overbought ({overbought:g})."}
