"""The market data of the stand-in for Alpaca: bars, the latest quotes and trades, as its specification has them.

Without sockets: `answer` takes a request as values and gives the answer as values, so a server and a transport in
the same process (data_transport.py) serve the same.
"""

import base64
import itertools
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np

from tests.alpaca_server.wire import Refusal
from tradedesk.core.bars import Bars, session_dates, to_datetime, to_datetime64
from tradedesk.marketdata.sessions import NEW_YORK, bar_open

LIMIT, MOST = 1_000, 10_000
TIMEFRAME = re.compile(r"[0-9]+(Min|T|Hour|H|Day|D|Week|W|Month|M)")
FEEDS = ("sip", "iex", "otc", "boats")
LATEST_FEEDS = (*FEEDS, "delayed_sip", "overnight")
# How long an account without a subscription waits for the newest data of the feed sip.
DELAY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Answer:
    """body: the decoded JSON, or bytes for what is no JSON."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Row:
    """A bar without adjustments. shown_from: the time before which nobody gets it; None for its end."""

    time: datetime
    values: dict[str, float]
    shown_from: datetime | None = None


@dataclass
class MarketData:
    """clock: the time of the stand-in. subscribed: the account may read the newest data of sip. per_minute: the
    requests of a minute. faults: the answers to the next requests, whatever they ask; requests: all that came."""

    clock: Callable[[], datetime]
    keys: dict[str, str] = field(default_factory=lambda: {"PKDATA": "data-secret"})
    subscribed: bool = False
    per_minute: int = 200
    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    splits: dict[str, list[tuple[date, float]]] = field(default_factory=dict)
    dividends: dict[str, list[tuple[date, float]]] = field(default_factory=dict)
    quotes: dict[str, dict[str, Any]] = field(default_factory=dict)
    trades: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: deque[Answer] = field(default_factory=deque)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    # How far its clock is behind the test's, which its answers then say; None for answers without a Date.
    behind: timedelta | None = None
    _minute: datetime | None = None
    _used: int = 0

    # --- What the test does ---

    def add(self, symbol: str, timeframe: str, bars: Bars) -> None:
        """Bars as they were traded, each shown from its end."""
        rows = self.rows.setdefault((symbol, timeframe), [])
        for row in range(len(bars)):
            names = {"o": bars.open, "h": bars.high, "l": bars.low, "c": bars.close, "v": bars.volume}
            rows.append(Row(to_datetime(bars.time[row]), {key: float(each[row]) for key, each in names.items()}))
        rows.sort(key=lambda each: each.time)

    def correct(self, symbol: str, timeframe: str, time: datetime, **values: float) -> None:
        """Change a bar that was served before: c=10.1."""
        self._row(symbol, timeframe, time).values |= values

    def hold_back(self, symbol: str, timeframe: str, time: datetime, until: datetime) -> None:
        """A bar that comes late."""
        self._row(symbol, timeframe, time).shown_from = until

    def show_running(self, symbol: str, timeframe: str, time: datetime) -> None:
        """Serve this bar before its end, as Alpaca may."""
        self._row(symbol, timeframe, time).shown_from = time

    def split(self, symbol: str, day: date, ratio: float) -> None:
        """From this day on there are `ratio` shares for each one before."""
        self.splits.setdefault(symbol, []).append((day, ratio))

    def pay(self, symbol: str, day: date, part: float) -> None:
        """A dividend of this part of the price before it."""
        self.dividends.setdefault(symbol, []).append((day, part))

    def quote(self, symbol: str, bid: float, ask: float, time: datetime) -> None:
        self.quotes[symbol] = {"ap": ask, "as": 1, "ax": "V", "bp": bid, "bs": 1, "bx": "V", "c": ["R"], "z": "C"}
        self.quotes[symbol]["t"] = nanosecond_text(time)

    def trade(self, symbol: str, price: float, time: datetime) -> None:
        self.trades[symbol] = {"c": ["@"], "i": 1, "p": price, "s": 100, "x": "V", "z": "C"}
        self.trades[symbol]["t"] = nanosecond_text(time)

    def fail(self, *answers: Answer) -> None:
        self.faults.extend(answers)

    # --- What a server asks ---

    def answer(self, path: str, parameters: Mapping[str, str], key_id: str, secret: str) -> Answer:
        self.requests.append((path, dict(parameters)))
        if self.faults:
            return self.faults.popleft()
        if self.keys.get(key_id) != secret or not secret:
            return Answer(401, {"message": "unauthorized."})
        limits, allowed = self._count()
        if self.behind is not None:
            limits["Date"] = format_datetime(self.clock() - self.behind, usegmt=True)
        if not allowed:
            return Answer(429, {"message": "too many requests."}, limits)
        try:
            return Answer(200, self.found(path, parameters), limits)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body, limits)

    def found(self, path: str, parameters: Mapping[str, str]) -> Any:
        """Raises Refusal."""
        routes: dict[str, Callable[[Mapping[str, str], list[str]], Any]] = {
            "/v2/stocks/bars": self._bars,
            "/v2/stocks/bars/latest": self._latest_bars,
            "/v2/stocks/quotes/latest": lambda asked, symbols: self._latest("quotes", self.quotes, asked, symbols),
            "/v2/stocks/trades/latest": lambda asked, symbols: self._latest("trades", self.trades, asked, symbols),
        }
        if path not in routes:
            raise Refusal(404, None, "endpoint not found.")
        symbols = [symbol for symbol in parameters.get("symbols", "").split(",") if symbol]
        if not symbols:
            raise Refusal(400, None, "symbols is required")
        if bad := [symbol for symbol in symbols if not symbol.replace(".", "").isalnum()]:
            raise Refusal(400, None, f"invalid symbol: {bad[0]}")
        return routes[path](parameters, symbols)

    def _bars(self, parameters: Mapping[str, str], symbols: list[str]) -> Any:
        timeframe, adjustment = parameters.get("timeframe", ""), parameters.get("adjustment", "raw")
        if not TIMEFRAME.fullmatch(timeframe):
            raise Refusal(400, None, "invalid timeframe")
        if not set(adjustment.split(",")) <= {"raw", "split", "dividend", "spin-off", "all"}:
            raise Refusal(400, None, "invalid adjustment")
        limit = int(parameters.get("limit", LIMIT))
        if not 1 <= limit <= MOST:
            raise Refusal(400, None, "invalid limit")
        now = self.clock()
        start, end = self._interval(parameters, now)
        found = [
            (symbol, row)
            for symbol in sorted(set(symbols))
            for row in self.rows.get((symbol, timeframe), [])
            if start <= row.time <= end and self._is_shown(row, timeframe, now)
        ]
        if parameters.get("sort", "asc") == "desc":
            found.sort(key=lambda each: (each[0], -each[1].time.timestamp()))
        first = _place(parameters.get("page_token", ""))
        page, rest = found[first : first + limit], found[first + limit :]
        bars = {
            symbol: [self._written(symbol, timeframe, row, adjustment, now) for _, row in rows]
            for symbol, rows in itertools.groupby(page, key=lambda each: each[0])
        }
        return {"bars": bars, "next_page_token": _token(first + limit) if rest else None}

    def _latest_bars(self, parameters: Mapping[str, str], symbols: list[str]) -> Any:
        self._require_latest(parameters)
        now, bars = self.clock(), {}
        for symbol in symbols:
            shown = [row for row in self.rows.get((symbol, "1Min"), []) if self._is_shown(row, "1Min", now)]
            if shown:
                bars[symbol] = self._written(symbol, "1Min", shown[-1], "raw", now)
        return {"bars": bars}

    def _latest(
        self, name: str, kept: Mapping[str, Any], parameters: Mapping[str, str], symbols: list[str]
    ) -> Any:
        self._require_latest(parameters)
        return {name: {symbol: kept[symbol] for symbol in symbols if symbol in kept}}

    def _require_latest(self, parameters: Mapping[str, str]) -> None:
        feed = parameters.get("feed", "sip" if self.subscribed else "iex")
        if feed not in LATEST_FEEDS:
            raise Refusal(400, None, f"invalid feed: {feed}")
        if feed == "sip" and not self.subscribed:
            raise Refusal(403, None, "subscription does not permit querying recent SIP data")

    def _interval(self, parameters: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
        feed = parameters.get("feed", "sip")
        if feed not in FEEDS:
            raise Refusal(400, None, f"invalid feed: {feed}")
        delayed = feed == "sip" and not self.subscribed
        latest = now - DELAY if delayed else now
        today = datetime.combine(now.astimezone(NEW_YORK).date(), datetime.min.time(), NEW_YORK)
        start = _time(parameters["start"]) if "start" in parameters else min(today, latest)
        end = _time(parameters["end"]) if "end" in parameters else latest
        if end < start:
            raise Refusal(400, None, "end should not be before start")
        if delayed and end > latest:
            raise Refusal(403, None, "subscription does not permit querying recent SIP data")
        return start, end

    def _is_shown(self, row: Row, timeframe: str, now: datetime) -> bool:
        """A bar is there from its first trade on: the running one of a day, too."""
        if row.shown_from is not None:
            return now >= row.shown_from
        opened = bar_open(np.array([to_datetime64(row.time)]), timeframe)[0]
        return to_datetime(opened) <= now

    def _written(self, symbol: str, timeframe: str, row: Row, adjustment: str, now: datetime) -> dict[str, Any]:
        wanted, today = set(adjustment.split(",")), now.astimezone(NEW_YORK).date()
        day = session_dates(np.array([to_datetime64(row.time)]))[0].item()
        shares = 1.0
        factor = 1.0
        for since, ratio in self.splits.get(symbol, []):
            if wanted & {"split", "all"} and day < since <= today:
                shares *= ratio
        for since, part in self.dividends.get(symbol, []):
            if wanted & {"dividend", "all"} and day < since <= today:
                factor *= 1.0 - part
        values = {key: round(row.values[key] / shares * factor, 6) for key in "ohlc"}
        values |= {"v": row.values["v"] * shares, "n": 100, "vw": values["c"]}
        return {"t": row.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **values}

    def _row(self, symbol: str, timeframe: str, time: datetime) -> Row:
        return next(row for row in self.rows[symbol, timeframe] if row.time == time)

    def _count(self) -> tuple[dict[str, str], bool]:
        minute = self.clock().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        resets = minute + timedelta(minutes=1)
        limits = {
            "X-RateLimit-Limit": str(self.per_minute),
            "X-RateLimit-Remaining": str(max(self.per_minute - self._used, 0)),
            "X-RateLimit-Reset": str(int(resets.timestamp())),
        }
        return limits, self._used <= self.per_minute


def nanosecond_text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, None, f"invalid time: {text}") from None
    return time.replace(tzinfo=time.tzinfo or UTC)


def _token(place: int) -> str:
    return base64.b64encode(f"place {place}".encode()).decode()


def _place(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token).decode().removeprefix("place "))
    except ValueError:
        raise Refusal(400, None, "invalid page token") from None
