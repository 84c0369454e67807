"""The feed of Alpaca's market data: bars of US shares, and the latest quotes and trades.

- Prices are adjusted for splits and for nothing else (decision 29): they are the prices that were traded, so stops
  and targets of a backtest are those of live trading, and a dividend does not change the whole history.
- Bars of an hour, a week and a month are not asked for: Alpaca begins its hours at the full hour and with the
  trading before the open. The store makes them of shorter bars, by sessions.
- A daily bar is served 16 minutes after the close: then the closing auction and late reports are in it, and an
  account without a subscription may read it. Shorter bars are served a second after their end; late trades may
  change them afterwards.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from tradedesk.core.bars import Bars, Timeframe, to_datetime, to_datetime64
from tradedesk.marketdata.feeds.alpaca_bars import bars_of_page, next_page, quotes_of, trades_of
from tradedesk.marketdata.feeds.alpaca_client import Client
from tradedesk.marketdata.feeds.protocol import Capabilities, FeedFailed, NotServed, Quote, Trade
from tradedesk.marketdata.parts import join
from tradedesk.marketdata.sessions import bar_close, closes_before

# Of all symbols of a request together.
POINTS = 10_000
# The symbols of one request: its address stays below eight kilobytes.
SYMBOLS = 500
# A request that has more pages than this is broken.
PAGES = 5_000
# Alpaca has no bars before 2016.
FIRST = datetime(2016, 1, 1, tzinfo=UTC)
CAPABILITIES = Capabilities(
    timeframes=frozenset({Timeframe.MINUTE, Timeframe.FIVE_MINUTES, Timeframe.FIFTEEN_MINUTES, Timeframe.DAY}),
    delay=timedelta(seconds=1),
    dated_delay=timedelta(minutes=16),
    adjusted=True,
    quotes=True,
)


def served_timeframe(timeframe: str) -> Timeframe:
    """The timeframe to download for bars of `timeframe`: itself, or the longest one that makes it."""
    if Timeframe(timeframe) in CAPABILITIES.timeframes:
        return Timeframe(timeframe)
    return Timeframe.DAY if Timeframe(timeframe).is_dated else Timeframe.FIFTEEN_MINUTES


def final_until(timeframe: str, now: datetime) -> datetime:
    """Bars that close up to this time are final at `now`."""
    return now - CAPABILITIES.delay_of(timeframe)


@dataclass(frozen=True, slots=True)
class AlpacaFeed:
    """Implements Feed. source: the exchanges whose trades make the bars, "iex" or "sip". Requests raise
    FeedFailed."""

    client: Client
    source: str = "iex"

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def server_time(self) -> datetime | None:
        """The latest that Alpaca's clock can have shown at the last answer; None when it did not say."""
        said_at = getattr(self.client, "said_at", None)
        return None if said_at is None else said_at + timedelta(seconds=1)

    def latest_bars(self, symbols: Iterable[str], timeframe: Timeframe, now: datetime) -> dict[str, Bars]:
        """Looks back a week at daily bars, and to the last session but one at shorter ones."""
        _require_served(timeframe)
        to_datetime64(now)
        start = now - timedelta(days=10) if timeframe.is_dated else closes_before(now, 1)
        newest: dict[str, Bars] = {}
        for page in self.pages(symbols, timeframe, start, now, now):
            newest |= {symbol: bars[-1:] for symbol, bars in page.items() if len(bars)}
        return newest

    def history(self, symbol: str, timeframe: Timeframe, start: datetime, end: datetime, now: datetime) -> Bars:
        _require_served(timeframe)
        pages = [page[symbol] for page in self.pages([symbol], timeframe, start, end, now) if symbol in page]
        if not pages and not self._is_known(symbol):
            raise NotServed(f"Alpaca has no bars of {symbol}.")
        return join(pages) if pages else no_bars()

    def pages(
        self,
        symbols: Iterable[str],
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        now: datetime,
        refused: list[str] | None = None,
    ) -> Iterator[dict[str, Bars]]:
        """The closed bars of all symbols that open from `start` to `end`, page by page: first all of one symbol in
        the order of time, then those of the next. A page may have no bars. refused: takes the symbols that Alpaca
        does not accept; without it they raise FeedFailed."""
        to_datetime64(now)
        wanted = sorted(set(symbols))
        for place in range(0, len(wanted), SYMBOLS):
            yield from self._accepted(wanted[place : place + SYMBOLS], timeframe, start, end, now, refused)

    def _accepted(
        self,
        symbols: list[str],
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        now: datetime,
        refused: list[str] | None,
    ) -> Iterator[dict[str, Bars]]:
        """Alpaca refuses a whole request for one bad symbol: each half of them is asked for by itself."""
        try:
            yield from self._pages(symbols, timeframe, start, end, now)
        except FeedFailed as failure:
            if not failure.symbols or refused is None:
                raise
            if len(symbols) == 1:
                refused.append(symbols[0])
                return
            half = len(symbols) // 2
            for part in (symbols[:half], symbols[half:]):
                yield from self._accepted(part, timeframe, start, end, now, refused)

    def quotes(self, symbols: Iterable[str], now: datetime) -> dict[str, Quote]:
        to_datetime64(now)
        answer = self._latest("quotes", symbols)
        return {symbol: each for symbol, each in quotes_of(answer).items() if each.time <= now}

    def trades(self, symbols: Iterable[str], now: datetime) -> dict[str, Trade]:
        """The newest trade of each symbol; a symbol without one is absent."""
        answer = self._latest("trades", symbols)
        return {symbol: each for symbol, each in trades_of(answer).items() if each.time <= now}

    def _pages(
        self, symbols: list[str], timeframe: Timeframe, start: datetime, end: datetime, now: datetime
    ) -> Iterator[dict[str, Bars]]:
        final = final_until(timeframe, now)
        # Never the newest minutes of daily bars, which an account without a subscription may not ask for.
        last = min(end, final)
        if last < start:
            return
        parameters = {
            "symbols": ",".join(symbols),
            "timeframe": timeframe.value,
            "start": _text(start),
            "end": _text(last),
            "adjustment": "split",
            "feed": self.source,
            "limit": str(POINTS),
            "sort": "asc",
        }
        seen = set()
        for _ in range(PAGES):
            answer = self.client.get("/v2/stocks/bars", parameters)
            if (server := self.server_time) is not None:
                # The clock of this machine may be ahead: a bar that is still running has no closed values.
                final = min(final, final_until(timeframe, server))
            found = bars_of_page(answer, timeframe)
            token = next_page(answer)
            yield {s: _final(bars, timeframe, start, end, final) for s, bars in found.items() if s in symbols}
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
            parameters["page_token"] = token
        raise FeedFailed("Alpaca's answer has no end: its pages repeat.")

    def _latest(self, what: str, symbols: Iterable[str]) -> dict[str, object]:
        wanted = sorted(set(symbols))
        merged: dict[str, object] = {}
        for place in range(0, len(wanted), SYMBOLS):
            parameters = {"symbols": ",".join(wanted[place : place + SYMBOLS]), "feed": self.source}
            answer = self.client.get(f"/v2/stocks/{what}/latest", parameters)
            if not isinstance(answer, dict) or not isinstance(answer.get(what) or {}, dict):
                raise FeedFailed(f"Alpaca's answer has no {what}.")
            merged |= answer.get(what) or {}
        return {what: merged}

    def _is_known(self, symbol: str) -> bool:
        """Whether Alpaca has a bar of it at any time."""
        parameters = {
            "symbols": symbol,
            "timeframe": Timeframe.DAY.value,
            "start": _text(FIRST),
            "feed": self.source,
            "limit": "1",
        }
        return symbol in bars_of_page(self.client.get("/v2/stocks/bars", parameters), Timeframe.DAY)


def no_bars() -> Bars:
    return Bars(np.empty(0, "datetime64[us]"), *(np.empty(0) for _ in range(5)))


def _final(bars: Bars, timeframe: str, start: datetime, end: datetime, final: datetime) -> Bars:
    bars = bars.since(start).until(end)
    return bars[: int((bar_close(bars.time, timeframe) <= to_datetime64(final)).sum())]


def _require_served(timeframe: str) -> None:
    if timeframe not in CAPABILITIES.timeframes:
        raise NotServed(f"Alpaca's {timeframe} bars are not used: they are made from shorter ones.")


def _text(moment: datetime) -> str:
    """RFC 3339. The end is inclusive, so microseconds count."""
    return to_datetime(to_datetime64(moment)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
