"""The market of the simulation: prices that every broker sees, and the bars that are made from them."""

from collections.abc import Iterable
from datetime import date, datetime
from random import Random

import numpy as np

from tradedesk.core.bars import COLUMNS, Bars, validate
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.sessions import daily_times

Row = tuple[float, float, float, float]


class Prices:
    """last: the present price of each symbol, in dollars. day: its prices since the open of the session."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.last = dict.fromkeys(symbols, 20.0)
        self.day: dict[str, list[float]] = {symbol: [20.0] for symbol in self.last}

    def step(self, symbol: str, random: Random, spread: float = 0.04) -> float:
        """The next price, within this fraction of the last one and within the bounds of the market."""
        price = self.last[symbol] * random.uniform(1 - spread, 1 + spread)
        self.last[symbol] = round(min(max(price, 8.0), 60.0), 2)
        self.day[symbol].append(self.last[symbol])
        return self.last[symbol]

    def begin_session(self, symbol: str) -> None:
        self.day[symbol] = [self.last[symbol]]

    def row(self, symbol: str) -> Row:
        """Open, high, low and close of the session so far."""
        prices = self.day[symbol]
        return prices[0], max(prices), min(prices), prices[-1]


class Shelf:
    """The stored bars. Bars are refused, late or corrected, as an import would do it."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[date, Row]] = {}
        self._made: dict[str, Bars] = {}

    def put(self, symbol: str, day: date, row: Row) -> None:
        """Store the daily bar of this session; one that is there is replaced."""
        self._rows.setdefault(symbol, {})[day] = row
        self._made.pop(symbol, None)

    def last_day(self, symbol: str) -> date | None:
        return max(self._rows.get(symbol, {}), default=None)

    def load_many(self, user_id: int | None, symbols: Iterable[str], timeframe: str) -> dict[str, Bars]:
        """As marketdata.library.load_many."""
        wanted = list(symbols)
        if missing := [symbol for symbol in wanted if symbol not in self._rows]:
            raise NoBars(missing, timeframe)
        return {symbol: self._bars(symbol) for symbol in wanted}

    def _bars(self, symbol: str) -> Bars:
        if symbol not in self._made:
            rows = sorted(self._rows[symbol].items())
            prices = np.array([row for _, row in rows], np.float64).T
            days = np.array([day for day, _ in rows], "datetime64[D]")
            open_, high, low, close = prices
            made = Bars(daily_times(days), open_, high, low, close, np.full(len(rows), 1e6))
            validate(made)
            for name in COLUMNS:
                getattr(made, name).flags.writeable = False
            self._made[symbol] = made
        return self._made[symbol]


class Clocks:
    """Both clocks, in UTC. now: the market's time. wall: what leases and time-outs are measured with."""

    def __init__(self, now: datetime) -> None:
        self.now = self.wall = now
