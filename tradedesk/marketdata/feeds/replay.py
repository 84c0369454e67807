"""The feed of the replay market: the sample bars, each from the close of its session on."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache

from tradedesk.core.bars import Bars, Timeframe, to_datetime
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.feeds.protocol import Capabilities, NotServed, Quote
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars
from tradedesk.marketdata.sessions import bar_close


class ReplayFeed:
    """Implements Feed. `now` is the time of the replay: the close of the session that it shows."""

    capabilities = Capabilities(
        timeframes=frozenset({Timeframe.DAY}),
        delay=timedelta(0),
        dated_delay=timedelta(0),
        adjusted=True,
        quotes=True,
    )

    def latest_bars(self, symbols: Iterable[str], timeframe: Timeframe, now: datetime) -> dict[str, Bars]:
        _require_served(timeframe)
        newest = {symbol: closed(_samples(symbol), timeframe, now, last=1) for symbol in _served(symbols)}
        return {symbol: bars for symbol, bars in newest.items() if len(bars)}

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        _require_served(timeframe)
        if symbol not in FINGERPRINTS:
            raise NotServed(f"The replay has no bars of {symbol}.")
        return closed(_samples(symbol), timeframe, now).since(start).until(end)

    def quotes(self, symbols: Iterable[str], now: datetime) -> dict[str, Quote]:
        """The close of the newest session as bid and ask: the samples have no spread."""
        quoted = {}
        for symbol, bars in self.latest_bars(symbols, Timeframe.DAY, now).items():
            price = to_decimal(float(bars.close[0]))
            time = to_datetime(bar_close(bars.time, Timeframe.DAY)[0])
            quoted[symbol] = Quote(bid=price, ask=price, time=time)
        return quoted


def _served(symbols: Iterable[str]) -> list[str]:
    return [symbol for symbol in symbols if symbol in FINGERPRINTS]


def _require_served(timeframe: Timeframe) -> None:
    if timeframe not in ReplayFeed.capabilities.timeframes:
        raise NotServed(f"The replay has no {timeframe} bars.")


@cache
def _samples(symbol: str) -> Bars:
    return sample_bars(symbol)
