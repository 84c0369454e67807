"""Donchian breakout: computed by hand, and compared with the rule row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds import InvalidParameters
from strategies.kinds.donchian_breakout import DonchianBreakout
from tests.strategies.kinds.series import UNTIMED, bars_of, generated


def test_golden_signals() -> None:
    # by hand; highest high of the 3 bars before from bar 3: 12 12 12 13 14 14 14,
    # lowest low of the 2 bars before from bar 2: 9 10 10 10 11 12 12 9
    high = [11, 12, 12, 12, 12, 13, 14, 14, 14, 10]
    low = [9, 10, 11, 10, 11, 12, 12, 12, 9, 7]
    close = [10, 11, 12, 12, 12, 13, 14, 12, 10, 8]
    kind = DonchianBreakout(entry=3, exit=2)
    signals = kind.signals_by_symbol({"A": bars_of(close, high, low)})["A"]
    assert signals.lines["Highest 3"][3:].tolist() == [12, 12, 12, 13, 14, 14, 14]
    assert signals.lines["Lowest 2"][2:].tolist() == [9, 10, 10, 10, 11, 12, 12, 9]
    # 13 and 14 are two breakouts; 12 at bar 7 only touches the low
    assert signals.side.tolist() == [0, 0, 0, 0, 0, 1, 1, 0, -1, -1]
    assert signals.strength.tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 1, 1]
    assert [kind.explain(signals, t) for t in (2, 3, 5, 8)] == [
        "Warming up: 3 of 4 bars",
        "Closed between 10.00 and 12.00, inside the channel",
        "Closed above 12.00, the highest high of the previous 3 bars",
        "Closed below 12.00, the lowest low of the previous 2 bars",
    ]


@UNTIMED
@given(st.integers(0, 10**9), st.sampled_from(["random walk on cents", "cents", "sawtooth"]), st.data())
def test_it_matches_the_rule_row_by_row(seed: int, shape: str, data: st.DataObject) -> None:
    entry = data.draw(st.integers(2, 30))
    exit_ = data.draw(st.integers(2, entry))
    bars = generated(shape, seed, 120)
    expected = [0] * len(bars)
    for t in range(entry, len(bars)):
        above = bars.close[t] > max(bars.high[t - entry : t])
        below = bars.close[t] < min(bars.low[t - exit_ : t])
        expected[t] = int(above) - int(below)
    found = DonchianBreakout(entry=entry, exit=exit_).signals_by_symbol({"A": bars})["A"]
    assert found.side.tolist() == expected


def test_the_exit_must_not_be_longer_than_the_entry() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        DonchianBreakout(entry=10, exit=20)
    assert refusal.value.errors == {"": "The exit (20) must not be longer than the entry (10)."}
    assert DonchianBreakout(entry=10, exit=10).warmup() == 11
