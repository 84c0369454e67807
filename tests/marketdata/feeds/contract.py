"""What every feed must do, as checks that raise AssertionError. test_contract.py runs them through each feed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pytest

from tradedesk.core.bars import COLUMNS, Bars, Timeframe, Times, to_datetime, to_datetime64, validate
from tradedesk.marketdata.feeds.protocol import Feed, NotServed
from tradedesk.marketdata.sessions import bar_close


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A feed, and what it has: two symbols in a timeframe that trade from `first` to `last`, and one that begins
    later. `last`: when everything is closed."""

    feed: Feed
    timeframe: Timeframe
    symbols: tuple[str, str]
    late_symbol: str
    first: datetime
    last: datetime

    def whole(self, symbol: str, now: datetime) -> Bars:
        return self.feed.history(symbol, self.timeframe, self.first, self.last, now)

    def served(self, bars: Bars) -> Times:
        """When the feed serves each of these bars for the first time."""
        delay = self.feed.capabilities.delay_of(self.timeframe)
        return bar_close(bars.time, self.timeframe) + np.timedelta64(delay)


def only_closed_bars_are_served(case: Case, now: datetime) -> None:
    latest = case.feed.latest_bars(case.symbols, case.timeframe, now)
    for bars in (*latest.values(), *(case.whole(symbol, now) for symbol in case.symbols)):
        served = case.served(bars)
        assert (served <= to_datetime64(now)).all()


def a_bar_is_served_from_its_close_on_and_never_changes(case: Case, now: datetime) -> None:
    everything = case.whole(case.symbols[0], case.last)
    served = case.served(everything)
    expected = everything[: int((served <= to_datetime64(now)).sum())]
    assert _same(case.whole(case.symbols[0], now), expected)


def bars_are_valid(case: Case, now: datetime) -> None:
    for symbol in (*case.symbols, case.late_symbol):
        if len(bars := case.whole(symbol, now)):
            validate(bars)


def history_has_the_bars_from_start_to_end(case: Case, now: datetime) -> None:
    symbol = case.symbols[0]
    everything = case.whole(symbol, now)
    middle = everything[len(everything) // 3 : 2 * len(everything) // 3]
    if len(middle):
        start, end = to_datetime(middle.time[0]), to_datetime(middle.time[-1])
        assert _same(case.feed.history(symbol, case.timeframe, start, end, now), middle)
        moment = timedelta(microseconds=1)
        inside = case.feed.history(symbol, case.timeframe, start + moment, end - moment, now)
        assert _same(inside, middle[1:-1])


def the_latest_bar_is_the_last_of_the_history(case: Case, now: datetime) -> None:
    symbols = (*case.symbols, case.late_symbol)
    latest = case.feed.latest_bars(symbols, case.timeframe, now)
    histories = {symbol: case.whole(symbol, now) for symbol in symbols}
    assert latest.keys() == {symbol for symbol, bars in histories.items() if len(bars)}
    for symbol, bars in latest.items():
        assert _same(bars, histories[symbol][-1:])


def quotes_are_not_from_the_future(case: Case, now: datetime) -> None:
    if not case.feed.capabilities.quotes:
        with pytest.raises(NotServed):
            case.feed.quotes(case.symbols, now)
        return
    quotes = case.feed.quotes((*case.symbols, "NOSUCH"), now)
    assert quotes.keys() <= set(case.symbols)
    if len(case.whole(case.symbols[0], now)):
        assert case.symbols[0] in quotes
    for quote in quotes.values():
        assert quote.time <= now
        assert 0 < quote.bid <= quote.ask


def what_it_does_not_have_is_not_served(case: Case, now: datetime) -> None:
    for timeframe in set(Timeframe) - case.feed.capabilities.timeframes:
        with pytest.raises(NotServed, match=timeframe):
            case.feed.latest_bars(case.symbols, timeframe, now)
        with pytest.raises(NotServed, match=timeframe):
            case.feed.history(case.symbols[0], timeframe, case.first, case.last, now)
    assert case.feed.latest_bars(["NOSUCH"], case.timeframe, now) == {}
    with pytest.raises(NotServed, match="NOSUCH"):
        case.whole("NOSUCH", now)


def a_time_without_a_zone_is_refused(case: Case, now: datetime) -> None:
    naive = now.replace(tzinfo=None)
    requests: list[Callable[[], object]] = [
        lambda: case.feed.latest_bars(case.symbols, case.timeframe, naive),
        lambda: case.whole(case.symbols[0], naive),
    ]
    if case.feed.capabilities.quotes:
        requests.append(lambda: case.feed.quotes(case.symbols, naive))
    for request in requests:
        with pytest.raises(ValueError, match="has no time zone"):
            request()


CHECKS = (
    only_closed_bars_are_served,
    a_bar_is_served_from_its_close_on_and_never_changes,
    bars_are_valid,
    history_has_the_bars_from_start_to_end,
    the_latest_bar_is_the_last_of_the_history,
    quotes_are_not_from_the_future,
    what_it_does_not_have_is_not_served,
    a_time_without_a_zone_is_refused,
)


def _same(one: Bars, other: Bars) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)
