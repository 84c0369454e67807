"""The contract finds feeds that break it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.marketdata.feeds import contract
from tests.marketdata.feeds.contract import Case
from tests.marketdata.feeds.test_contract import REPLAY
from tradedesk.core.bars import Bars, Timeframe
from tradedesk.marketdata.feeds.protocol import Quote
from tradedesk.marketdata.feeds.replay import ReplayFeed

DAY = timedelta(days=1)
NOW = datetime(2012, 3, 7, 21, tzinfo=UTC)  # the close of a session


class EarlyFeed(ReplayFeed):
    """Serves the bar of a session that is still open."""

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        return super().history(symbol, timeframe, start, end, now + DAY)


class LateFeed(ReplayFeed):
    """Withholds the newest bar."""

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        return super().history(symbol, timeframe, start, end, now - DAY)


class ChangingFeed(ReplayFeed):
    """Serves other volumes later."""

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        bars = super().history(symbol, timeframe, start, end, now)
        return Bars(bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume + now.timestamp())


class InvalidFeed(ReplayFeed):
    """Has a high below the low."""

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        bars = super().history(symbol, timeframe, start, end, now)
        return Bars(bars.time, bars.open, bars.low / 2, bars.low, bars.close, bars.volume)


class BoundlessFeed(ReplayFeed):
    """Ignores the end of a period."""

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        return super().history(symbol, timeframe, start, now, now)


class StaleFeed(ReplayFeed):
    """Its newest bar is that of the session before."""

    def latest_bars(self, symbols: Iterable[str], timeframe: Timeframe, now: datetime) -> dict[str, Bars]:
        return super().latest_bars(symbols, timeframe, now - DAY)


class FutureQuotes(ReplayFeed):
    def quotes(self, symbols: Iterable[str], now: datetime) -> dict[str, Quote]:
        return {symbol: replace(quote, time=now + DAY) for symbol, quote in super().quotes(symbols, now).items()}


class CrossedQuotes(ReplayFeed):
    def quotes(self, symbols: Iterable[str], now: datetime) -> dict[str, Quote]:
        return {symbol: replace(quote, ask=Decimal(0)) for symbol, quote in super().quotes(symbols, now).items()}


class UnannouncedQuotes(ReplayFeed):
    capabilities = replace(ReplayFeed.capabilities, quotes=False)


class UnannouncedDelay(ReplayFeed):
    """Says that it serves a bar an hour after its close, and serves it at once."""

    capabilities = replace(ReplayFeed.capabilities, dated_delay=timedelta(hours=1))


class AnyTimeframe(ReplayFeed):
    """Serves daily bars as minutes."""

    def latest_bars(self, symbols: Iterable[str], timeframe: Timeframe, now: datetime) -> dict[str, Bars]:
        return super().latest_bars(symbols, Timeframe.DAY, now)


class LocalTimes(ReplayFeed):
    """Takes a time without a zone for UTC."""

    def latest_bars(self, symbols: Iterable[str], timeframe: Timeframe, now: datetime) -> dict[str, Bars]:
        return super().latest_bars(symbols, timeframe, now.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("feed", "check"),
    [
        (EarlyFeed, contract.only_closed_bars_are_served),
        (UnannouncedDelay, contract.only_closed_bars_are_served),
        (LateFeed, contract.a_bar_is_served_from_its_close_on_and_never_changes),
        (ChangingFeed, contract.a_bar_is_served_from_its_close_on_and_never_changes),
        (InvalidFeed, contract.bars_are_valid),
        (BoundlessFeed, contract.history_has_the_bars_from_start_to_end),
        (StaleFeed, contract.the_latest_bar_is_the_last_of_the_history),
        (FutureQuotes, contract.quotes_are_not_from_the_future),
        (CrossedQuotes, contract.quotes_are_not_from_the_future),
        (UnannouncedQuotes, contract.quotes_are_not_from_the_future),
        (AnyTimeframe, contract.what_it_does_not_have_is_not_served),
        (LocalTimes, contract.a_time_without_a_zone_is_refused),
    ],
)
def test_a_feed_that_breaks_the_contract_fails(
    feed: type[ReplayFeed], check: Callable[[Case, datetime], None]
) -> None:
    check(REPLAY, NOW)
    with pytest.raises((AssertionError, ValueError, pytest.fail.Exception)):
        check(replace(REPLAY, feed=feed()), NOW)


def test_every_check_is_seen_to_fail() -> None:
    (mark,) = test_a_feed_that_breaks_the_contract_fails.pytestmark  # type: ignore[attr-defined]
    assert {check for _, check in mark.args[1]} == set(contract.CHECKS)
