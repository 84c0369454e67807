"""Statistics of closed trades, against manual calculations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.bars import Times
from tradedesk.core.trade_statistics import (
    ClosedTrades,
    DollarDrawdown,
    MonthlyPnl,
    Streaks,
    by_holding_time,
    by_key,
    deepest_drawdown,
    figures_of,
    monthly_pnl,
    pnl_curve,
    streaks_of,
)

NAN = math.nan


def trades(*rows: tuple[str, float, float]) -> ClosedTrades:
    """Trades of (exit, pnl, r), each held for two days, with a commission of $1 and a cost of $1,000."""
    closed: Times = np.array([row[0] for row in rows], "M8[us]")
    count = len(rows)
    return ClosedTrades(
        entry=np.array(closed - np.timedelta64(2, "D"), "M8[us]"),
        exit=closed,
        pnl=np.array([row[1] for row in rows], float),
        r=np.array([row[2] for row in rows], float),
        commission=np.ones(count),
        cost=np.full(count, 1000.0),
    )


# Three wins of 600, two losses of 250, one of exactly zero.
SIX = trades(
    ("2024-01-02T21:00", 100, 1.0),
    ("2024-01-03T21:00", -50, -0.5),
    ("2024-01-03T21:00", -200, -1.0),
    ("2024-02-05T21:00", 0, NAN),
    ("2024-02-06T21:00", 300, 2.5),
    ("2024-02-07T21:00", 200, NAN),
)


def test_the_figures_of_six_trades() -> None:
    figures = figures_of(SIX)
    assert (figures.trades, figures.wins, figures.losses, figures.pnl) == (6, 3, 2, 350.0)
    assert figures.win_rate == 0.5
    assert figures.profit_factor == pytest.approx(600 / 250)
    assert figures.expectancy == pytest.approx(350 / 6)
    assert (figures.mean_r, figures.with_r) == (0.5, 4)
    assert (figures.average_win, figures.average_loss, figures.payoff) == (200.0, -125.0, 1.6)
    assert (figures.largest_win, figures.largest_loss, figures.commission) == (300.0, -200.0, 6.0)


def test_without_trades_nothing_is_defined() -> None:
    figures = figures_of(trades())
    assert (figures.trades, figures.pnl, figures.commission) == (0, 0.0, 0.0)
    undefined = ("win_rate", "profit_factor", "expectancy", "mean_r", "payoff", "largest_win", "average_loss")
    assert {getattr(figures, name) for name in undefined} == {None}
    assert by_key(trades(), [], 30) == ([], 0)
    assert (monthly_pnl(trades()), deepest_drawdown(pnl_curve(trades()))) == ([], None)


def test_wins_alone_have_no_profit_factor_and_no_payoff() -> None:
    figures = figures_of(SIX.where(SIX.pnl > 0))
    assert (figures.win_rate, figures.profit_factor, figures.payoff) == (1.0, None, None)


def test_the_groups_are_those_with_the_largest_profits_and_losses() -> None:
    keys = ["MSFT", "AAPL", "MSFT", "AAPL", "AAPL", "MSFT"]
    groups, more = by_key(SIX, keys, 30)
    assert [(group.key, group.figures.trades, group.figures.pnl) for group in groups] == [
        ("AAPL", 3, 250.0),
        ("MSFT", 3, 100.0),
    ]
    assert more == 0
    first, more = by_key(SIX, keys, 1)
    assert ([group.key for group in first], more) == (["AAPL"], 1)


def test_holding_times_are_in_ranges_that_include_their_lower_end() -> None:
    held = np.array([59 * 60, 3600, 86_399, 86_400, 7 * 86_400, 28 * 86_400], "m8[s]")
    groups = by_holding_time(ClosedTrades(SIX.exit - held, SIX.exit, SIX.pnl, SIX.r, SIX.commission, SIX.cost))
    assert [(group.key, group.figures.trades) for group in groups] == [
        ("Under 1 hour", 1),
        ("1 hour to 1 day", 2),
        ("1 to 7 days", 1),
        ("7 to 28 days", 1),
        ("28 days or longer", 1),
    ]


def test_streaks_count_trades_in_a_row() -> None:
    assert streaks_of(np.array([1.0, 2, -1, -1, -1, 3])) == Streaks(wins=2, losses=3, current=1)
    assert streaks_of(np.array([1.0, 2, -1, -5])) == Streaks(2, 2, -2)
    assert streaks_of(np.array([1.0, 0, 1])) == Streaks(1, 0, 1), "exactly zero ends a streak"
    assert streaks_of(np.array([])) == Streaks(0, 0, 0)


def test_months_are_those_of_the_exit_in_new_york() -> None:
    # half past midnight UTC on February 1 is January 31 in New York
    late = trades(("2023-12-29T21:00", 5, 1), ("2024-02-01T00:30", 10, 1), ("2024-02-02T15:00", -4, 1))
    assert monthly_pnl(late) == [
        MonthlyPnl(2023, (*[None] * 11, 5.0), 5.0, 1),
        MonthlyPnl(2024, (10.0, -4.0, *[None] * 10), 6.0, 2),
    ]


def test_the_curve_has_one_point_for_each_session_with_an_exit() -> None:
    curve = pnl_curve(SIX)
    assert curve.session.astype(str).tolist() == [
        *("2024-01-02", "2024-01-03", "2024-02-05", "2024-02-06", "2024-02-07"),
    ]
    assert curve.pnl.tolist() == [100, -150, -150, 150, 350]
    assert curve.drawdown.tolist() == [0, -250, -250, 0, 0]


def test_the_deepest_drawdown_has_its_dates() -> None:
    found = deepest_drawdown(pnl_curve(SIX))
    assert found is not None
    assert (found.depth, str(found.peak), str(found.bottom), str(found.recovery)) == (
        *(250.0, "2024-01-02", "2024-01-03", "2024-02-06"),
    )
    lost = deepest_drawdown(pnl_curve(trades(("2024-01-02T21:00", -5, -1))))
    assert lost == DollarDrawdown(5.0, None, pnl_curve(SIX).session[0].item(), None)


dollars = st.integers(-500, 500).map(float)


@given(st.lists(st.tuples(dollars, st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=30))
def test_groups_months_and_the_curve_add_up_to_the_whole(rows: list[tuple[float, int, int]]) -> None:
    exits = np.sort(np.array([np.datetime64("2024-01-02T21:00") + np.timedelta64(row[2], "D") for row in rows]))
    closed = trades(*[(str(day), row[0], row[0] / 100) for day, row in zip(exits, rows, strict=True)])
    whole = figures_of(closed)
    groups, _ = by_key(closed, [row[1] for row in rows], 30)
    for name in ("trades", "wins", "losses", "pnl", "commission", "with_r"):
        assert sum(getattr(group.figures, name) for group in groups) == getattr(whole, name), name
    months = monthly_pnl(closed)
    assert (sum(year.trades for year in months), sum(year.total for year in months)) == (whole.trades, whole.pnl)
    curve = pnl_curve(closed)
    assert curve.pnl[-1] == whole.pnl
    assert (curve.drawdown <= 0).all()
    assert whole.expectancy == pytest.approx(whole.pnl / whole.trades)
    streaks = streaks_of(closed.pnl)
    assert streaks.wins <= whole.wins
    assert streaks.losses <= whole.losses
    assert -streaks.losses <= streaks.current <= streaks.wins
