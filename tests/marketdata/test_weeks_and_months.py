"""Files of weekly and monthly bars: their dates, their findings, and files that are said to be so."""

from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest

from tests.marketdata.quality_series import walk, without
from tradedesk.core.bars import Timeframe, session_dates
from tradedesk.marketdata.quality import findings_of, trimmed
from tradedesk.marketdata.readers import read_file
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.resampling import resample

ROW = "{},10,11,9,10.5,100"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
WEEKS = np.arange(np.datetime64("2023-01-02"), np.datetime64("2023-06-30"), 7)


def read(days: list[str], timeframe: str) -> tuple[list[str], tuple[str, ...]]:
    text = "\n".join(["date,open,high,low,close,volume", *map(ROW.format, days)])
    (found,) = read_file(BytesIO(text.encode()), "bars.csv", Timeframe(timeframe), adjusted=True)
    return session_dates(found.bars.time).astype(str).tolist(), found.notes


@pytest.mark.parametrize("moved", [0, 2, 4, 5, -1])
def test_a_week_has_the_date_of_its_monday(moved: int) -> None:
    """Files date weeks by Monday, by Friday, by Saturday, or by the Sunday before."""
    dates, notes = read((WEEKS + moved).astype(str).tolist(), "1Week")
    assert dates == WEEKS.astype(str).tolist()
    assert any("Sunday" in note for note in notes) == (moved == -1)


def test_a_month_has_the_date_of_its_first_day() -> None:
    ends, firsts = ["2023-01-31", "2023-02-28", "2023-03-31"], ["2023-01-01", "2023-02-01", "2023-03-01"]
    assert read(ends, "1Month")[0] == firsts


@pytest.mark.parametrize(
    ("timeframe", "looks"), [("1Week", "1Day"), ("1Month", "1Day"), ("1Day", "")], ids=["days", "months", "own"]
)
def test_daily_bars_are_not_weeks(timeframe: str, looks: str) -> None:
    days = np.arange(np.datetime64("2023-01-02"), np.datetime64("2023-03-31")).astype(str).tolist()
    if not looks:
        assert len(read(days, timeframe)[0]) == len(days)
        return
    with pytest.raises(ImportRefused, match=f"looks like {looks}, not {timeframe}"):
        read(days, timeframe)


@pytest.mark.parametrize("timeframe", ["1Week", "1Month"])
def test_missing_weeks_and_months_are_a_gap_and_nothing_else_is_doubtful(timeframe: str) -> None:
    bars = resample(walk(3, 400), "1Day", timeframe)
    assert findings_of(bars, timeframe, adjusted=True) == []
    some = without(bars, slice(4, 7))
    (gap,) = findings_of(some, timeframe, adjusted=True)
    assert (gap.name, gap.hard, gap.count) == ("gap", False, 3)
    assert trimmed(bars, timeframe, beside=None, accept=(), now=NOW).left_out == []


def test_the_running_week_is_left_out() -> None:
    bars = resample(walk(3, 400), "1Day", "1Week")
    during = bars.time[-1].astype("datetime64[us]").astype(datetime).replace(tzinfo=UTC)
    kept = trimmed(bars, "1Week", beside=None, accept=(), now=during)
    assert (len(kept.bars), [each.name for each in kept.left_out]) == (len(bars) - 1, ["running_bar"])
