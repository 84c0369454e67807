"""The returns by month and year of a backtest on bars of different lengths."""

from datetime import date

import numpy as np
import pytest

from backtests.models import BacktestCurve
from backtests.reports.backtest import monthly_and_yearly_returns
from tradedesk.marketdata.sessions import bar_dates, daily_times, sessions_between


@pytest.mark.parametrize("timeframe", ["1Day", "1Week", "1Month"])
def test_a_month_is_whole_when_no_bar_of_it_is_missing(timeframe: str) -> None:
    """A weekly bar has one date in five of the sessions, and a month of weekly bars is still whole."""
    days = sessions_between(date(2023, 1, 3), date(2023, 4, 28))
    time = daily_times(np.unique(bar_dates(daily_times(days), timeframe)[0]))
    time = time[time >= np.datetime64("2023-01-01")]
    march = (time >= np.datetime64("2023-03-01")) & (time < np.datetime64("2023-04-01"))
    missing = np.delete(time, np.flatnonzero(march)[:1])
    for kept, whole in ((time, 4), (missing, 2 if timeframe == "1Month" else 3)):
        seconds = kept.astype("datetime64[s]").astype(int).tolist()
        curve = BacktestCurve(time=seconds, equity=[100.0 + n for n in range(len(kept))])
        found = monthly_and_yearly_returns(curve, 100.0, timeframe)
        assert found.months == whole
