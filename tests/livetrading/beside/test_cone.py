"""The cone of what a backtest leads one to expect, and the profit curve beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.beside.cone import (
    MOST_SESSIONS,
    PERCENTILES,
    PastTrade,
    Place,
    make_cone,
    place_in,
    trade_returns,
)
from livetrading.beside.curves import Flow, profit_curve
from livetrading.beside.figures import drawdown_of

NAN = np.nan


def trade(entry: int, *returns: float) -> PastTrade:
    return PastTrade(entry, np.array(returns))


def test_trades_that_are_all_the_same_have_one_path() -> None:
    """Every second session a trade that makes 1% at the first close and 3% at the second."""
    trades = [trade(entry, 0.01, 0.03) for entry in range(2, 22, 2)]
    cone = make_cone(trades, 7, 1000.0, seed=1)
    assert cone.shape == (5, 7)
    for row in cone:
        assert row.tolist() == pytest.approx([0, 0, 10, 30, 40, 60, 70])


def test_one_session_can_be_counted_by_hand() -> None:
    """Of ten equally likely trades one loses 9% and nine win 1%: the 5th percentile is the loss."""
    trades = [trade(1 + n, -0.09 if n == 4 else 0.01) for n in range(10)]
    cone = make_cone(trades, 2, 100.0, seed=3, draws=4000)
    assert cone[:, 0].tolist() == [0.0] * 5
    assert cone[:, 1].tolist() == pytest.approx([-9.0, 1.0, 1.0, 1.0, 1.0])


def test_trades_of_one_session_are_drawn_together() -> None:
    """Two that hedge each other never make a profit or a loss."""
    trades = [each for n in range(1, 11) for each in (trade(n, 0.05), trade(n, -0.05))]
    assert np.abs(make_cone(trades, 20, 1000.0, seed=1)).max() < 1e-9


def test_the_mean_path_is_that_of_the_trades() -> None:
    """20 trades a session apart, 2 sessions each: the median after n sessions is near n times their mean."""
    returns = np.random.default_rng(5).normal(0.004, 0.02, 20)
    trades = [trade(1 + n, value / 2, value) for n, value in enumerate(returns)]
    cone = make_cone(trades, 400, 1000.0, seed=2)
    expected = 399 * returns.mean() * 1000
    spread = returns.std() * np.sqrt(399) * 1000
    assert cone[2, -1] == pytest.approx(expected, abs=0.1 * spread)
    assert cone[4, -1] - cone[0, -1] == pytest.approx(2 * 1.645 * spread, rel=0.08)


samples = st.lists(
    st.tuples(st.integers(0, 4), st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=5)), min_size=1, max_size=12
)


@given(samples, st.integers(1, 30), st.integers(0, 5))
def test_a_cone_is_ordered_repeatable_and_begins_with_the_shorter_one(
    sample: list[tuple[int, list[float]]], sessions: int, seed: int
) -> None:
    entry, trades = 1, []
    for gap, returns in sample:
        entry += gap
        trades.append(trade(entry, *returns))
    cone = make_cone(trades, sessions, 500.0, seed=seed, draws=40)
    assert (np.diff(cone, axis=0) >= -1e-9).all()
    assert (cone == make_cone(trades, sessions, 500.0, seed=seed, draws=40)).all()
    longer = make_cone(trades, sessions + 7, 500.0, seed=seed, draws=40)
    assert np.allclose(longer[:, :sessions], cone)
    assert np.allclose(make_cone(trades, sessions, 1000.0, seed=seed, draws=40), 2 * cone)


def test_a_cone_has_an_end_and_needs_trades_after_the_first_session() -> None:
    trades = [trade(n, 0.01) for n in range(1, 11)]
    assert make_cone(trades, MOST_SESSIONS + 5, 1.0, seed=1, draws=2).shape == (len(PERCENTILES), MOST_SESSIONS)
    for wrong in ([], [trade(0, 0.1)]):
        with pytest.raises(ValueError, match="second session"):
            make_cone(wrong, 5, 1.0, seed=1)


@pytest.mark.parametrize(
    ("value", "place", "outside"),
    [
        (-11.0, Place.BELOW, "below"),
        (-10.0, Place.LOWER, ""),
        (-4.9, Place.MIDDLE, ""),
        (5.0, Place.MIDDLE, ""),
        (5.1, Place.UPPER, ""),
        (10.0, Place.UPPER, ""),
        (10.1, Place.ABOVE, "above"),
    ],
)
def test_the_place_of_a_value(value: float, place: Place, outside: str) -> None:
    found = place_in(value, [-10.0, -5.0, 0.0, 5.0, 10.0])
    assert (found, found.outside) == (place, outside)


def test_the_returns_of_a_trade_go_from_close_to_close() -> None:
    assert trade_returns(np.array([101.0, NAN, 99.0]), 100.0, 0.02).tolist() == pytest.approx(
        [0.01, 0.01, -0.01, 0.02]
    )
    assert trade_returns(np.array([NAN]), 100.0, 0.02).tolist() == [0.0, 0.02]
    assert trade_returns(np.empty(0), 100.0, -0.03).tolist() == [-0.03]


def test_the_profit_curve_values_what_is_held_at_each_close() -> None:
    closes = np.array([[10.0, NAN], [11.0, NAN], [12.0, 5.0], [9.0, 6.0]])
    flows = [Flow(1, 0, 10.0, -105.0), Flow(2, 1, 4.0, -20.0), Flow(3, 0, -10.0, 94.0)]
    assert profit_curve(flows, closes).tolist() == [0.0, 5.0, 15.0, -7.0]
    assert profit_curve([], closes).tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("profits", "equity", "expected"),
    [
        ([0.0, 100.0, 150.0], 1000.0, 0.0),
        ([-50.0, 0.0], 1000.0, 0.05),  # from the equity at the deployment
        ([250.0, 0.0, -125.0, 500.0], 1000.0, 0.3),  # from the highest value so far
        ([0.0], 0.0, None),
    ],
)
def test_the_drawdown_is_measured_from_the_equity_at_the_deployment(
    profits: list[float], equity: float, expected: float | None
) -> None:
    assert drawdown_of(np.array(profits), equity) == expected
