"""The contract of every feed. Add a new feed to the parameters of the fixture `case`."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.alpaca_server.data import MarketData
from tests.alpaca_server.data_transport import client_of
from tests.marketdata.examples import daily_bars
from tests.marketdata.feeds.contract import CHECKS, Case
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.appending import append_bars
from tradedesk.marketdata.feeds.alpaca import AlpacaFeed
from tradedesk.marketdata.feeds.replay import ReplayFeed
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.store import fingerprint_of

REPLAY = Case(
    feed=ReplayFeed(),
    timeframe=Timeframe.DAY,
    symbols=("AAPL", "IBM"),
    late_symbol="FB",
    first=datetime(2000, 3, 1, tzinfo=UTC),
    last=datetime(2013, 3, 2, tzinfo=UTC),
)


def alpaca_case() -> Case:
    """A stand-in whose time is after all bars; the feed asks it for those that are final at `now`."""
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 4, 1, 12, tzinfo=UTC)
    data = MarketData(clock=lambda: last, per_minute=1_000_000)
    for symbol, since in {"AAPL": date(2020, 1, 2), "IBM": date(2020, 1, 2), "NEW": date(2020, 2, 20)}.items():
        data.add(symbol, "1Day", daily_bars(60, since).until(last))
    data.quote("AAPL", 10.0, 10.02, first)
    return Case(
        feed=AlpacaFeed(client_of(data)),
        timeframe=Timeframe.DAY,
        symbols=("AAPL", "IBM"),
        late_symbol="NEW",
        first=first,
        last=last,
    )


@pytest.fixture(params=[pytest.param(REPLAY, id="replay"), pytest.param(alpaca_case(), id="alpaca")])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.mark.parametrize("check", CHECKS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(part=st.floats(-0.01, 1.01), after_close=st.sampled_from([-1, 0, 1]), at_a_close=st.booleans())
def test_every_feed_keeps_the_contract(
    case: Case, check: Callable[[Case, datetime], None], part: float, after_close: int, at_a_close: bool
) -> None:
    """At any time, and a microsecond before, at and after the close of a bar."""
    now = case.first + part * (case.last - case.first)
    if at_a_close:
        now = now.replace(hour=21, minute=0, second=0, microsecond=0) + timedelta(microseconds=after_close)
    check(case, now)


@pytest.mark.usefixtures("db", "bar_store")
def test_what_a_feed_delivers_bar_by_bar_is_its_history(case: Case) -> None:
    symbol, key = case.symbols[0], SeriesKey("csv", case.symbols[0], case.timeframe.value)
    adjusted = case.feed.capabilities.adjusted
    start = case.first + min(timedelta(days=365), (case.last - case.first) / 2)
    days = [start + timedelta(days=day) for day in range(15)]
    backfill = case.whole(symbol, days[0])
    append_bars(key, backfill, adjusted=adjusted, now=days[0])
    for now in days:
        for bars in (case.feed.latest_bars([symbol], case.timeframe, now)[symbol], case.whole(symbol, now)):
            append_bars(key, bars, adjusted=adjusted, now=now)
    delivered = load_bars(None, symbol, case.timeframe)
    assert len(delivered) > len(backfill)
    assert fingerprint_of(delivered) == fingerprint_of(case.whole(symbol, days[-1]))
