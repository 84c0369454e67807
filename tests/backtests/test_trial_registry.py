"""The ledger counts every try on a symbol and period, and knows how widely the tries scattered."""

from datetime import date
from statistics import variance

import numpy as np
import pytest

from backtests.models import Backtest, TrialRegistry
from backtests.reports.trials import TrialScope, count_trials, count_trials_each
from backtests.services import run_backtest
from backtests.services.trial_registry import register_trials
from tests.backtests.runs import Clock, Make
from tradedesk.accounts.models import User

START, END = date(2005, 1, 3), date(2010, 12, 31)


def test_nothing_tried_is_no_tries(alice: User) -> None:
    found = count_trials(alice, ["AAPL"], "1Day", START, END)
    assert (found.number, found.variance) == (0, None)


def test_tries_add_up_across_records_and_scatter_as_one_sample_does(alice: User) -> None:
    annual = [0.4, 1.1, -0.3, 0.9, 0.2]
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array(annual[:2]))
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array([*annual[2:], np.nan]))
    found = count_trials(alice, ["AAPL"], "1Day", START, END)
    assert found.number == 6
    assert found.variance == pytest.approx(variance(sharpe / 252**0.5 for sharpe in annual))


def test_one_try_has_no_variance(alice: User) -> None:
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array([1.0]))
    assert count_trials(alice, ["AAPL"], "1Day", START, END).variance is None


def test_equal_tries_scatter_by_nothing(alice: User) -> None:
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.full(1000, 0.7))
    assert count_trials(alice, ["AAPL"], "1Day", START, END).variance == pytest.approx(0.0, abs=1e-15)


def test_every_period_that_overlaps_counts_and_no_other(alice: User) -> None:
    register_trials(alice.pk, ["AAPL"], "1Day", date(2010, 12, 31), date(2012, 1, 3), np.array([1.0]))
    register_trials(alice.pk, ["AAPL"], "1Day", date(2000, 1, 3), date(2005, 1, 3), np.array([1.0]))
    register_trials(alice.pk, ["AAPL"], "1Day", date(2000, 1, 3), date(2005, 1, 2), np.array([1.0]))
    register_trials(alice.pk, ["AAPL"], "1Day", date(2011, 1, 1), date(2012, 1, 3), np.array([1.0]))
    register_trials(alice.pk, ["MSFT"], "1Day", START, END, np.array([1.0]))
    assert count_trials(alice, ["AAPL"], "1Day", START, END).number == 2


def test_tries_on_bars_of_another_length_count_but_do_not_scatter_alike(alice: User) -> None:
    annual = [0.4, 1.1]
    register_trials(alice.pk, ["AAPL"], "1Day", START, END, np.array(annual))
    register_trials(alice.pk, ["AAPL"], "1Hour", START, END, np.array([9.0, -9.0, 3.0]))
    found = count_trials(alice, ["AAPL"], "1Day", START, END)
    assert found.number == 5
    assert found.variance == pytest.approx(variance(sharpe / 252**0.5 for sharpe in annual))
    assert count_trials(alice, ["AAPL"], "5Min", START, END).variance is None


def test_only_what_reaches_into_the_last_part_has_seen_it(alice: User) -> None:
    part = date(2009, 3, 5)
    register_trials(alice.pk, ["AAPL", "MSFT"], "1Day", START, date(2009, 3, 4), np.ones(4))
    register_trials(alice.pk, ["AAPL", "MSFT"], "1Day", date(2001, 1, 2), part, np.ones(1))
    register_trials(alice.pk, ["MSFT"], "1Hour", date(2010, 12, 31), date(2012, 1, 3), np.ones(1))
    register_trials(alice.pk, ["MSFT"], "1Hour", date(2011, 1, 3), date(2012, 1, 3), np.ones(8))
    (found, both) = count_trials_each(
        alice, [TrialScope([*symbols], "1Day", START, END, part) for symbols in (["AAPL"], ["AAPL", "MSFT"])]
    )
    assert (found.number, found.in_holdout) == (5, 1)
    assert (both.number, both.in_holdout) == (6, 2)


def test_a_try_on_several_symbols_counts_for_each_and_the_most_tried_decides(alice: User) -> None:
    register_trials(alice.pk, ["AAPL", "MSFT"], "1Day", START, END, np.array([1.0, 0.5]))
    register_trials(alice.pk, ["MSFT"], "1Day", START, END, np.array([0.1]))
    assert count_trials(alice, ["AAPL"], "1Day", START, END).number == 2
    assert count_trials(alice, ["AAPL", "MSFT"], "1Day", START, END).number == 3


def test_what_others_tried_is_not_mine(alice: User, bob: User) -> None:
    register_trials(bob.pk, ["AAPL"], "1Day", START, END, np.array([1.0]))
    assert count_trials(alice, ["AAPL"], "1Day", START, END).number == 0


def test_every_backtest_is_a_try_on_each_of_its_symbols(make: Make, clock: Clock) -> None:
    for _ in range(3):
        run_backtest(make(symbols=["AAPL", "MSFT"]).pk, clock)
    assert set(TrialRegistry.objects.values_list("symbol", "number")) == {("AAPL", 3), ("MSFT", 3)}


def test_a_deleted_backtest_still_counts(completed: Backtest) -> None:
    Backtest.objects.all().delete()
    assert set(TrialRegistry.objects.values_list("number", flat=True)) == {1}
