"""The trial registry keeps what was tried on a symbol and period: distinct results, maxima, and variances."""

from datetime import date, timedelta
from statistics import variance
from typing import Any

import numpy as np
import pytest

from backtests.models import Backtest, TrialRegistry
from backtests.reports.trials import TrialScope, read_trials
from backtests.research.robustness.trials import Trials
from backtests.research.robustness.tried import Tried
from backtests.services import run_backtest
from backtests.services.trial_registry import MAX_PERIODS, register_trials
from tests.backtests.runs import Clock, Make
from tests.backtests.trials import random_returns, random_trials, sharpe_of, trials_of
from tradedesk.accounts.models import User

START, END = date(2005, 1, 3), date(2010, 12, 31)


def tried_in_period(user: User, symbols: list[str], timeframe: str = "1Day") -> Tried:
    return read_trials(user, [TrialScope(symbols, timeframe, START, END)])[0]


def register(
    user: User,
    trials: Trials,
    *,
    symbols: str = "AAPL",
    timeframe: str = "1Day",
    start: date = START,
    end: date = END,
) -> None:
    register_trials(user.pk, symbols.split(), timeframe, start, end, trials)


def stored() -> TrialRegistry:
    return TrialRegistry.objects.get()


def test_without_trials_there_are_none(alice: User) -> None:
    found = tried_in_period(alice, ["AAPL"])
    assert (found.number, found.variance, found.in_holdout) == (0, None, 0)
    assert not np.isfinite(found.maxima).any()


def test_a_search_that_is_sent_again_counts_nothing(alice: User) -> None:
    trials = random_trials(30)
    register(alice, trials)
    before, tried = stored(), tried_in_period(alice, ["AAPL"])
    register(alice, trials)
    after, again = stored(), tried_in_period(alice, ["AAPL"])
    assert after.trials == 60
    assert (bytes(after.sketch), bytes(after.maxima)) == (bytes(before.sketch), bytes(before.maxima))
    assert tried.number == again.number == 30
    assert tried.maxima.tobytes() == again.maxima.tobytes() == trials.maxima.tobytes()


def test_further_trials_only_raise_the_maxima(alice: User) -> None:
    first, second, third = (random_trials(number, number) for number in (3, 4, 5))
    register(alice, first)
    register(alice, second)
    register(alice, third, timeframe="1Hour", start=date(2003, 1, 2))
    found = tried_in_period(alice, ["AAPL"])
    assert found.number == 12
    assert np.array_equal(found.maxima, np.max([each.maxima for each in (first, second, third)], axis=0))


def test_trials_have_the_variance_of_one_sample_in_one_timeframe(alice: User) -> None:
    returns = random_returns(5)
    register(alice, trials_of(returns[:2]))
    register(alice, trials_of(np.vstack((returns[2:], np.zeros((1, 60))))))
    register(alice, random_trials(3, 9), timeframe="1Hour")
    found = tried_in_period(alice, ["AAPL"])
    assert found.number == 9
    assert found.variance == pytest.approx(variance(sharpe / 252**0.5 for sharpe in sharpe_of(returns).tolist()))
    assert tried_in_period(alice, ["AAPL"], "5Min").variance is None


def test_one_trial_has_no_variance(alice: User) -> None:
    register(alice, random_trials(1))
    assert tried_in_period(alice, ["AAPL"]).variance is None


def test_only_overlapping_periods_count(alice: User) -> None:
    for seed, (start, end) in enumerate(
        [
            (date(2010, 12, 31), date(2012, 1, 3)),
            (date(2000, 1, 3), date(2005, 1, 3)),
            (date(2000, 1, 3), date(2005, 1, 2)),
            (date(2011, 1, 1), date(2012, 1, 3)),
        ]
    ):
        register(alice, random_trials(1, seed), start=start, end=end)
    register(alice, random_trials(1, 9), symbols="MSFT")
    found = tried_in_period(alice, ["AAPL"])
    assert found.number == 2
    assert np.array_equal(found.maxima, np.maximum(random_trials(1, 0).maxima, random_trials(1, 1).maxima))


def test_trials_whose_period_overlaps_the_holdout_are_counted(alice: User) -> None:
    holdout_start, both = date(2009, 3, 5), "AAPL MSFT"
    register(alice, random_trials(4, 1), symbols=both, end=date(2009, 3, 4))
    register(alice, random_trials(1, 2), symbols=both, start=date(2001, 1, 2), end=holdout_start)
    register(alice, random_trials(1, 3), symbols="MSFT", timeframe="1Hour", start=END, end=date(2012, 1, 3))
    register(alice, random_trials(8, 4), symbols="MSFT", start=date(2011, 1, 3), end=date(2012, 1, 3))
    scopes = [TrialScope(symbols.split(), "1Day", START, END, holdout_start) for symbols in ("AAPL", both)]
    assert [(found.number, found.in_holdout) for found in read_trials(alice, scopes)] == [(5, 1), (6, 2)]


def test_a_trial_on_several_symbols_counts_once_for_a_result_on_both(alice: User) -> None:
    register(alice, random_trials(2, 1), symbols="AAPL MSFT")
    register(alice, random_trials(1, 2), symbols="MSFT")
    assert [tried_in_period(alice, each).number for each in (["AAPL"], ["AAPL", "MSFT"])] == [2, 3]


def test_trials_of_other_users_do_not_count(alice: User, bob: User) -> None:
    register(alice, random_trials(1, 1))
    register(bob, random_trials(7, 2))
    found = tried_in_period(alice, ["AAPL"])
    assert found.number == 1
    assert found.maxima.tobytes() == random_trials(1, 1).maxima.tobytes()


def test_the_rows_of_a_symbol_are_limited_and_no_trial_is_lost(alice: User, bob: User) -> None:
    """Every page with a scorecard reads the rows that overlap."""
    for number in range(MAX_PERIODS):
        day = START + timedelta(days=7 * number)
        TrialRegistry.objects.create(
            user=alice, symbol="AAPL", timeframe="1Day", start_date=day, end_date=day + timedelta(days=6)
        )
    last = START + timedelta(days=7 * MAX_PERIODS)
    register(alice, random_trials(3), symbols="AAPL MSFT", start=last, end=last + timedelta(days=1))
    assert set(TrialRegistry.objects.exclude(trials=0).values_list("symbol", "start_date", "end_date")) == {
        ("AAPL", last - timedelta(days=7), last + timedelta(days=1)),
        ("MSFT", last, last + timedelta(days=1)),
    }
    assert TrialRegistry.objects.filter(symbol="AAPL").count() == MAX_PERIODS
    known = TrialRegistry.objects.filter(symbol="AAPL").earliest("start_date")
    register(alice, random_trials(1, 2), start=known.start_date, end=known.end_date)
    known.refresh_from_db()
    assert known.trials == 1


def test_writing_and_reading_take_a_constant_number_of_queries(
    alice: User, django_assert_num_queries: Any
) -> None:
    for symbols in ("A", "B C D E F"):
        for queries in (6, 3):
            with django_assert_num_queries(queries):
                register(alice, random_trials(2), symbols=symbols)
    with django_assert_num_queries(1):
        read_trials(alice, [TrialScope(list(symbols), "1Day", START, END) for symbols in ("A", "BC", "DEF")])


def test_every_backtest_is_a_trial_on_each_of_its_symbols_and_a_repeated_one_is_the_same(
    make: Make, clock: Clock, alice: User
) -> None:
    for _ in range(2):
        run_backtest(make(symbols=["AAPL", "MSFT"]).pk, clock)
    assert set(TrialRegistry.objects.values_list("symbol", "trials")) == {("AAPL", 2), ("MSFT", 2)}
    found = read_trials(alice, [TrialScope(["AAPL", "MSFT"], "1Day", date(2000, 1, 1), date(2020, 1, 1))])[0]
    assert found.number == 1
    assert np.isfinite(found.maxima).all()


def test_a_deleted_backtest_still_counts(completed: Backtest) -> None:
    Backtest.objects.all().delete()
    assert set(TrialRegistry.objects.values_list("trials", flat=True)) == {1}
