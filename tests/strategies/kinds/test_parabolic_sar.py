"""Parabolic SAR: computed by hand, exactly on the stop, and without price changes."""

import numpy as np
import pytest

from strategies.kinds import InvalidParameters
from strategies.kinds.parabolic_sar import ParabolicSar
from tests.strategies.kinds.series import bars_of

# By hand with acceleration 0.25 and maximum 0.5; the trend starts up, with the first low as its stop:
#   bar       0   1     2     3     4      5     6     7     8     9
#   stop      8   8     8     9     11     12    13.5  13    12    9    for the bar, computed on the previous one
#   touched                                yes               yes
#   shown     8   8     8     9     11     14    13.5  13    9     9    a touched stop jumps to the extreme
#   extreme   10  12    14    14    14     12    10    9     12.5  12.5
#   factor    1/4 1/2   1/2   1/2   1/2    1/4   1/2   1/2   1/4   1/4
#   moved to      10    11    11.5  12.5   13.5  11.75 11    9.875
#   limited to      8     9     11    12           13    12    9          not into the last two bars
HIGH = [10, 12, 14, 13, 13, 13, 12, 11, 12.5, 12]
LOW = [8, 9, 11, 12, 12, 12, 10, 9, 10, 11]
CLOSE = [9, 11, 13, 12.5, 12.5, 12.5, 11, 10, 12, 11.5]
SAR = [8, 8, 8, 9, 11, 14, 13.5, 13, 9, 9]
SIDE = [0, 0, 0, 0, 0, -1, 0, 0, 1, 0]


def test_golden_signals() -> None:
    signals = ParabolicSar(acceleration=0.25, maximum=0.5).signals(bars_of(CLOSE, HIGH, LOW))
    assert signals.lines["SAR"].tolist() == SAR
    assert signals.side.tolist() == SIDE
    assert signals.strength.tolist() == np.abs(SIDE).tolist()


def test_the_explanation_has_the_stop() -> None:
    # after a flat price of 8 the stop is 8 and the factor is the acceleration
    kind = ParabolicSar(acceleration=0.25, maximum=0.5)
    flat = [8.0] * 400
    bars = bars_of([*flat, *CLOSE[1:]], [*flat, *HIGH[1:]], [*flat, *LOW[1:]])
    signals = kind.signals_by_symbol({"A": bars})["A"]
    assert signals.lines["SAR"][400:].tolist() == SAR[1:]
    assert signals.side[400:].tolist() == SIDE[1:]
    assert [kind.explain(signals, t) for t in (31, 400, 404, 406, 407)] == [
        "Warming up: 32 of 33 bars",
        "SAR (8.00) did not flip",
        "SAR (14.00) flipped above the price",
        "SAR (13.00) did not flip",
        "SAR (9.00) flipped below the price",
    ]


@pytest.mark.parametrize(("maximum", "moved"), [(0.25, [13.5, 17.875]), (0.5, [18, 24.5])])
def test_the_factor_grows_to_its_maximum(maximum: float, moved: list[float]) -> None:
    # by hand: the first move is limited to the low of 8; then the stop moves towards 30 and then towards 31 by the
    # maximum factor; with a factor of 0.5 the first of these moves, to 19, is limited to the low of 18
    high, low = np.array([10.0, 20, 30, 31, 31]), np.array([8.0, 18, 28, 29, 30])
    kind = ParabolicSar(acceleration=0.25, maximum=maximum)
    assert kind.signals(bars_of(low, high, low)).lines["SAR"].tolist() == [8, 8, 8, *moved]
    # the same with inverted prices, after a bar that touches the stop at 32
    high, low = 40.0 - np.array([8.0, *low]), 40.0 - np.array([8.0, *high])
    assert kind.signals(bars_of(low, high, low)).lines["SAR"].tolist() == [
        32,
        32,
        32,
        32,
        *(40.0 - np.array(moved)),
    ]


@pytest.mark.parametrize(("low", "side"), [(8.01, 0), (8.0, -1)])
def test_a_stop_that_is_just_touched_flips(low: float, side: int) -> None:
    signals = ParabolicSar().signals(bars_of([9, 9], [10, 10], [8, low]))
    assert signals.side.tolist() == [0, side]


@pytest.mark.parametrize("price", [10.0, 0.1, 1234.56])
def test_a_flat_price_never_flips(price: float) -> None:
    signals = ParabolicSar().signals_by_symbol({"A": bars_of([price] * 900)})["A"]
    assert not signals.side.any()
    assert set(signals.lines["SAR"].tolist()) == {price}


def test_a_slow_stop_warms_up_longer_and_never_longer_than_the_restart_window() -> None:
    assert (ParabolicSar().warmup(), ParabolicSar().memory()) == (200 + 40 + 1, 401)
    assert ParabolicSar(acceleration=0.01, maximum=0.1).warmup() == 401


def test_the_acceleration_must_not_exceed_its_maximum() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        ParabolicSar(acceleration=0.3, maximum=0.2)
    assert refusal.value.errors == {"": "The acceleration (0.3) must not exceed its maximum (0.2)."}
    assert ParabolicSar(acceleration=0.2, maximum=0.2).parameters == {"acceleration": 0.2, "maximum": 0.2}
