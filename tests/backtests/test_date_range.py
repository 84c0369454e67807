"""The first and the last day with bars."""

from datetime import UTC, date, datetime

from backtests.date_range import DateRange, combined, date_range_of, describe_date_ranges
from tradedesk.marketdata.models import BarSeries

EARLY = DateRange(date(2000, 3, 1), date(2005, 6, 30))
LATE = DateRange(date(2003, 1, 2), date(2013, 3, 1))


def test_days_are_those_of_new_york() -> None:
    # Midnight in New York, in winter and in summer; and the last minute of an evening.
    daily = BarSeries(first=datetime(2012, 1, 3, 5, tzinfo=UTC), last=datetime(2012, 7, 3, 4, tzinfo=UTC))
    assert date_range_of(daily) == DateRange(date(2012, 1, 3), date(2012, 7, 3))
    minutes = BarSeries(
        first=datetime(2012, 1, 3, 14, 30, tzinfo=UTC), last=datetime(2012, 7, 4, 0, 59, tzinfo=UTC)
    )
    assert date_range_of(minutes) == DateRange(date(2012, 1, 3), date(2012, 7, 3))


def test_combined_ranges_span_the_first_to_the_last_day() -> None:
    assert combined({"A": EARLY, "B": LATE}) == DateRange(EARLY.first, LATE.last)
    assert combined({"A": EARLY}) == EARLY
    assert combined({}) is None


def test_symbols_with_the_same_range_are_grouped() -> None:
    text = describe_date_ranges({"IBM": EARLY, "FB": LATE, "AAPL": EARLY})
    assert text == "IBM, AAPL 2000-03-01 to 2005-06-30; FB 2003-01-02 to 2013-03-01"
