"""MACD: computed by hand, and compared with a plain implementation of exponential averages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters
from strategies.kinds.crossings import TOLERANCE
from strategies.kinds.macd import Macd
from tests.strategies.kinds.series import STOCKS, UNTIMED, bars_of, generated, stock
from tradedesk.core.bars import Floats


def test_golden_signals() -> None:
    # by hand, weights 2/3, 1/2 and 2/3; both averages start at bar 2 with the mean of their last closes
    bars = bars_of([10, 10, 10, 10, 13, 16, 16, 10, 16])
    kind = Macd(fast=2, slow=3, signal=2)
    signals = kind.signals(bars)
    assert signals.lines["MACD"][3:] == pytest.approx([0, 1 / 2, 11 / 12, 49 / 72, -253 / 432, 1033 / 2592])
    assert signals.lines["Signal line"][3:] == pytest.approx(
        [0, 1 / 3, 13 / 18, 25 / 36, -103 / 648, 827 / 3888], abs=1e-12
    )
    assert signals.side.tolist() == [0, 0, 0, 0, 1, 0, -1, 0, 1]
    assert signals.strength.tolist() == [0, 0, 0, 0, 1, 0, 1, 0, 1]


def test_it_explains_with_numbers() -> None:
    kind = Macd(fast=2, slow=3, signal=2)
    signals = kind.signals_by_symbol({"A": bars_of([*[10.0] * 60, 13, 16, 16])})["A"]
    assert [kind.explain(signals, t) for t in (18, 59, 60, 61, 62)] == [
        "Warming up: 19 of 20 bars",
        "MACD (0.00) equals its signal line (0.00)",
        "MACD (0.50) crossed above its signal line (0.33)",
        "MACD (0.92) is above its signal line (0.72)",
        "MACD (0.68) crossed below its signal line (0.69)",
    ]


def exponential(values: Floats, period: int, start: int) -> Floats:
    """The exponential average, weight 2 / (period + 1), that starts at `start` with a plain mean."""
    line = np.full(len(values), np.nan)
    line[start] = values[start - period + 1 : start + 1].mean()
    for t in range(start + 1, len(values)):
        line[t] = line[t - 1] + 2.0 / (period + 1) * (values[t] - line[t - 1])
    return line


@pytest.mark.parametrize("symbol", STOCKS)
def test_the_lines_equal_a_plain_implementation(symbol: str) -> None:
    close = stock(symbol).close
    macd = exponential(close, 12, 25) - exponential(close, 26, 25)
    signal = exponential(macd, 9, 33)
    lines = Macd().signals(stock(symbol)).lines
    assert lines["MACD"][33:] == pytest.approx(macd[33:], abs=1e-9)
    assert lines["Signal line"][33:] == pytest.approx(signal[33:], abs=1e-9)


@UNTIMED
@given(st.integers(0, 10**9), st.sampled_from([(12, 26, 9), (6, 18, 5), (20, 50, 15), (5, 10, 50)]))
def test_the_error_after_the_memory_is_below_1_percent_of_the_tolerance(
    seed: int, periods: tuple[int, int, int]
) -> None:
    fast, slow, signal = periods
    kind = Macd(fast=fast, slow=slow, signal=signal)
    bars = generated("random walk", seed, kind.memory() + 400)
    whole, window = kind.signals(bars), kind.signals(bars[-kind.memory() :])
    for name in ("MACD", "Signal line"):
        assert abs(whole.lines[name][-1] - window.lines[name][-1]) < TOLERANCE / 100 * bars.close[-1]


def test_the_warm_up_is_4_slow_and_4_signal_periods_and_the_memory_10() -> None:
    assert (Macd().warmup(), Macd().memory()) == (140, 350)


def test_the_fast_average_must_be_shorter() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        Macd(fast=26, slow=26)
    assert refusal.value.errors == {"": "The fast average (26) must be shorter than the slow average (26)."}
