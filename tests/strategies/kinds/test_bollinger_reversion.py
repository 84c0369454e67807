"""Bollinger reversion: computed by hand, exactly on the bands, and strength by depth."""

import pytest

from strategies.kinds.bollinger_reversion import BollingerReversion
from tests.strategies.kinds.series import bars_of


def test_golden_signals() -> None:
    # by hand, windows of 5: from bar 5 to 8 they hold four 10s and one 5, so mean 9 and deviation 2
    kind = BollingerReversion(period=5, deviations=1.5)
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 10, 10, 5, 10, 10, 10])})["A"]
    assert signals.lines["Lower band"][4:].tolist() == [10, 6, 6, 6, 6]
    assert signals.lines["Middle band"][4:].tolist() == [10, 9, 9, 9, 9]
    assert signals.lines["Upper band"][4:].tolist() == [10, 12, 12, 12, 12]
    assert signals.side.tolist() == [0, 0, 0, 0, 0, 1, -1, 0, 0]
    # 5 is half a deviation below the band at 6
    assert signals.strength.tolist() == [0, 0, 0, 0, 0, 0.8, 1, 0, 0]
    assert [kind.explain(signals, t) for t in (4, 5, 6, 7)] == [
        "Warming up: 5 of 6 bars",
        "The close crossed below the lower band (6.00)",
        "The close crossed above the middle band (9.00)",
        "The close crossed neither below the lower band (6.00) nor above the middle band (9.00)",
    ]


@pytest.mark.parametrize(("deviations", "strength"), [(1.0, 1.0), (1.5, 0.8), (1.9, 0.64)])
def test_strength_grows_with_depth(deviations: float, strength: float) -> None:
    # by hand: the close is 2 deviations below its average, as after any fall from a flat price in a window of 5
    kind = BollingerReversion(period=5, deviations=deviations)
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 10, 10, 5])})["A"]
    assert signals.side[-1] == 1
    assert signals.strength[-1] == strength


@pytest.mark.parametrize("fall", [5.0, 0.1, 0.07])
def test_a_close_on_the_lower_band_is_not_below_it(fall: float) -> None:
    kind = BollingerReversion(period=5, deviations=2.0)
    signals = kind.signals_by_symbol({"A": bars_of([*[10.0] * 6, 10.0 - fall])})["A"]
    assert signals.lines["Lower band"][-1] == pytest.approx(10.0 - fall)
    assert not signals.side.any()


def test_a_close_on_the_middle_band_is_not_above_it() -> None:
    # by hand: 5, 10, 10 and 8.75 twice have the mean 8.5; 10, 5, 10, 10 and 8.75 have 8.75
    signals = BollingerReversion(period=5).signals_by_symbol({"A": bars_of([10, 10, 10, 5, 10, 10, 8.75, 8.75])})
    assert signals["A"].lines["Middle band"][-2:].tolist() == [8.75, 8.5]
    assert signals["A"].side[-2:].tolist() == [0, -1]


def test_a_close_that_stays_below_the_band_is_bought_once() -> None:
    # by hand: 10, 10, 10, 5, 1 have mean 7.2 and deviation 3.66; 1.5 of them below it is 1.72
    kind = BollingerReversion(period=5, deviations=1.5)
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 10, 10, 5, 1])})["A"]
    assert signals.lines["Lower band"][-1] == pytest.approx(7.2 - 1.5 * 13.36**0.5)
    assert signals.side.tolist() == [0, 0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("price", [10.0, 0.1, 1234.56])
def test_a_flat_price_has_no_signals(price: float) -> None:
    signals = BollingerReversion().signals_by_symbol({"A": bars_of([price] * 60)})["A"]
    assert not signals.side.any()
    assert signals.lines["Lower band"][19:].tolist() == signals.lines["Upper band"][19:].tolist()


def test_on_return_it_buys_as_the_close_comes_back_above_the_lower_band() -> None:
    # by hand: 10, 10, 10, 5, 1 have the band 1.72; 10, 10, 5, 1, 6 mean 6.4 and deviation 3.38, band 1.33, so 6 is
    # back
    kind = BollingerReversion(period=5, deviations=1.5, enter_on="return")
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 10, 10, 5, 1, 6])})["A"]
    assert signals.side.tolist() == [0, 0, 0, 0, 0, 0, 0, 1]
    assert signals.strength[-1] == 1.0
    assert kind.explain(signals, 7) == "The close crossed back above the lower band (1.33)"


def test_on_return_a_close_that_is_at_once_above_the_middle_band_is_sold() -> None:
    kind = BollingerReversion(period=5, deviations=1.5, enter_on="return")
    signals = kind.signals_by_symbol({"A": bars_of([10, 10, 10, 10, 10, 5, 10])})["A"]
    assert (signals.side[-1], signals.strength[-1]) == (-1, 1.0)
