import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.marketdata.examples import any_bars, daily_bars
from tradedesk.core.bars import PRICE_COLUMNS, Bars, validate
from tradedesk.marketdata.adjustment import adjust


def test_a_split_of_two_for_one_halves_prices_and_doubles_volume() -> None:
    bars = daily_bars(2, price=10.0)
    adjusted = adjust(bars, bars.close / 2)
    assert adjusted.open.tolist() == [4.75, 5.25]
    assert adjusted.high.tolist() == [5.5, 6.0]
    assert adjusted.low.tolist() == [4.5, 5.0]
    assert adjusted.close.tolist() == [5.0, 5.5]
    assert adjusted.volume.tolist() == [2000.0, 2000.0]
    assert np.array_equal(adjusted.time, bars.time)


@pytest.mark.parametrize(
    ("close", "adjusted_close", "times_factor"),
    [(90.11, 392.9378955, 392.937895), (81.17, 51.9626185, 51.962619)],
)
def test_rounding_leaves_no_close_outside_low_to_high(
    close: float, adjusted_close: float, times_factor: float
) -> None:
    # The four prices of the bar are equal, but adjusted close and price x factor round to different millionths.
    price = np.array([close])
    assert np.round(price * (adjusted_close / price), 6) == times_factor != np.round(adjusted_close, 6)
    adjusted = adjust(Bars(daily_bars(1).time, price, price, price, price, price), np.array([adjusted_close]))
    validate(adjusted)
    assert adjusted.close == np.round(adjusted_close, 6)


@given(any_bars(), st.floats(0.01, 100.0))
def test_adjusted_bars_stay_valid_and_have_six_decimals(bars: Bars, ratio: float) -> None:
    prices = {name: np.clip(getattr(bars, name), 1.0, 1e6) for name in PRICE_COLUMNS}
    bars = Bars(time=bars.time, volume=bars.volume, **prices)
    adjusted = adjust(bars, bars.close * ratio)
    validate(adjusted)
    for name in PRICE_COLUMNS:
        assert np.array_equal(getattr(adjusted, name), np.round(getattr(adjusted, name), 6))
