"""The trial registry counts every trial on a symbol and period, and the variance of the Sharpe ratios."""

from datetime import date
from statistics import variance

import numpy as np
import pytest

from backtests.models import Backtest, TrialRegistry
from backtests.reports.trials import TrialCount, TrialScope, count_trials_each
from backtests.services import run_backtest
from backtests.services.trial_registry import register_trials
from tests.backtests.runs import Clock, Make
from tradedesk.accounts.models import User

START, END = date(2005, 1, 3), date(2010, 12, 31)


def count_in_period(user: User, symbols: list[str]) -> TrialCount:
    return count_trials_each(user, [TrialScope(symbols, "1Day", START, END)])[0]


def test_without_trials_the_count_is_zero(alice: User) -> None:
    found = count_in_period(alice, ["AAPL"])
    assert (found.number, found.variance) == (0, None)


def test_trials_add_up_and_have_the_variance_of_one_sample(alice: User) -> None:
    annual = [0.4, 1.1, -0.3, 0.9, 0.2]
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array(annual[:2]))
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array([*annual[2:], np.nan]))
    found = count_in_period(alice, ["AAPL"])
    assert found.number == 6
    assert found.variance == pytest.approx(variance(sharpe / 252**0.5 for sharpe in annual))


def test_one_trial_has_no_variance(alice: User) -> None:
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array([1.0]))
    assert count_in_period(alice, ["AAPL"]).variance is None


def test_equal_trials_have_a_variance_of_zero(alice: User) -> None:
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.full(1000, 0.7))
    assert count_in_period(alice, ["AAPL"]).variance == pytest.approx(0.0, abs=1e-15)


def test_only_overlapping_periods_count(alice: User) -> None:
    register_trials(alice.pk, ["AAPL"], "1Day", date(2010, 12, 31), date(2012, 1, 3), np.array([1.0]))
    register_trials(alice.pk, ["AAPL"], "1Day", date(2000, 1, 3), date(2005, 1, 3), np.array([1.0]))
    register_trials(alice.pk, ["AAPL"], "1Day", date(2000, 1, 3), date(2005, 1, 2), np.array([1.0]))
    register_trials(alice.pk, ["AAPL"], "1Day", date(2011, 1, 1), date(2012, 1, 3), np.array([1.0]))
    register_trials(alice.pk, ["MSFT"], "1Day", START, END, np.array([1.0]))
    assert count_in_period(alice, ["AAPL"]).number == 2


def test_trials_in_another_timeframe_count_but_not_in_the_variance(alice: User) -> None:
    annual = [0.4, 1.1]
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array(annual))
    register_trials(alice.pk, ["AAPL"], "1Hour", START, END, np.array([9.0, -9.0, 3.0]))
    found = count_in_period(alice, ["AAPL"])
    assert found.number == 5
    assert found.variance == pytest.approx(variance(sharpe / 252**0.5 for sharpe in annual))
    assert count_trials_each(alice, [TrialScope(["AAPL"], "5Min", START, END)])[0].variance is None


def test_trials_whose_period_overlaps_the_holdout_are_counted(alice: User) -> None:
    holdout_start = date(2009, 3, 5)
    register_trials(alice.pk, ["AAPL", "MSFT"], "1Day", START, date(2009, 3, 4), np.ones(4))
    register_trials(alice.pk, ["AAPL", "MSFT"], "1Day", date(2001, 1, 2), holdout_start, np.ones(1))
    register_trials(alice.pk, ["MSFT"], "1Hour", date(2010, 12, 31), date(2012, 1, 3), np.ones(1))
    register_trials(alice.pk, ["MSFT"], "1Hour", date(2011, 1, 3), date(2012, 1, 3), np.ones(8))
    (found, both) = count_trials_each(
        alice,
        [TrialScope([*symbols], "1Day", START, END, holdout_start) for symbols in (["AAPL"], ["AAPL", "MSFT"])],
    )
    assert (found.number, found.in_holdout) == (5, 1)
    assert (both.number, both.in_holdout) == (6, 2)


def test_a_trial_counts_for_each_of_its_symbols_and_the_highest_count_applies(alice: User) -> None:
    register_trials(alice.pk, ["AAPL", "MSFT"], "1Day", START, END, np.array([1.0, 0.5]))
    register_trials(alice.pk, ["MSFT"], "1Day", START, END, np.array([0.1]))
    assert count_in_period(alice, ["AAPL"]).number == 2
    assert count_in_period(alice, ["AAPL", "MSFT"]).number == 3


def test_trials_of_other_users_do_not_count(alice: User, bob: User) -> None:
    register_trials(bob.pk, ["AAPL"], "1Day", START, END, np.array([1.0]))
    assert count_in_period(alice, ["AAPL"]).number == 0


def test_every_backtest_is_a_trial_on_each_of_its_symbols(make: Make, clock: Clock) -> None:
    for _ in range(3):
        run_backtest(make(symbols=["AAPL", "MSFT"]).pk, clock)
    assert set(TrialRegistry.objects.values_list("symbol", "trials")) == {("AAPL", 3), ("MSFT", 3)}


def test_a_deleted_backtest_still_counts(completed: Backtest) -> None:
    Backtest.objects.all().delete()
    assert set(TrialRegistry.objects.values_list("trials", flat=True)) == {1}
