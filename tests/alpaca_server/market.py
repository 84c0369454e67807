"""The market of the stand-in, one for all its accounts: time, prices and securities, set by the test."""

import itertools
import random
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tradedesk.marketdata import sessions

ZERO = Decimal(0)
CENT = Decimal("0.01")
SECOND = 1_000_000_000


@dataclass
class Asset:
    """A security, with what the account's rules depend on."""

    symbol: str
    id: str
    name: str = ""
    exchange: str = "NASDAQ"
    status: str = "active"
    tradable: bool = True
    fractionable: bool = True
    shortable: bool = True
    marginable: bool = True
    easy_to_borrow: bool = True
    attributes: list[str] = field(default_factory=list)

    def answer(self) -> dict[str, object]:
        return {
            "id": self.id,
            "class": "us_equity",
            "exchange": self.exchange,
            "symbol": self.symbol,
            "name": self.name or f"{self.symbol} Inc. Common Stock",
            "status": self.status,
            "tradable": self.tradable,
            "marginable": self.marginable,
            "maintenance_margin_requirement": 30,
            "margin_requirement_long": "30",
            "margin_requirement_short": "30",
            "shortable": self.shortable,
            "easy_to_borrow": self.easy_to_borrow,
            "borrow_status": "easy_to_borrow" if self.easy_to_borrow else "hard_to_borrow",
            "fractionable": self.fractionable,
            "attributes": self.attributes,
        }


class Path:
    """The prices since an account last worked: the first, the extremes and the last."""

    def __init__(self, price: Decimal) -> None:
        self.first = self.low = self.high = self.last = price

    def move(self, price: Decimal) -> None:
        self.low, self.high, self.last = min(self.low, price), max(self.high, price), price


@dataclass
class Market:
    """lock: of everything in the stand-in, because requests arrive at once. halted: symbols that do not trade.
    same_times: whether what happens at one time has one time stamp, instead of stamps that grow by nanoseconds.
    other_hours: what the calendar says of days that differ from the installed one: open and close, or None."""

    now: datetime = datetime(2012, 3, 5, 15, tzinfo=UTC)
    seed: int = 1
    lock: threading.RLock = field(default_factory=threading.RLock)
    assets: dict[str, Asset] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    closes: dict[str, Decimal] = field(default_factory=dict)
    paths: list[dict[str, Path]] = field(default_factory=list)
    halted: set[str] = field(default_factory=set)
    same_times: bool = False
    other_hours: dict[date, tuple[str, str] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random, self._stamp, self._counter = random.Random(self.seed), 0, itertools.count(1)

    # --- What the test does ---

    def list_asset(self, symbol: str, price: float | str | Decimal, **fields: object) -> Asset:
        """A security that can be traded at this price."""
        asset = Asset(symbol, self.new_id(), **fields)  # type: ignore[arg-type]
        with self.lock:
            self.assets[symbol] = asset
            self.closes[symbol] = Decimal(str(price))
            self.jump(symbol, price)
        return asset

    def move(self, symbol: str, *prices: float | str | Decimal) -> None:
        """Trade through all prices on the way to these."""
        with self.lock:
            for price in map(_dollars, prices):
                self.prices[symbol] = price
                for paths in self.paths:
                    paths[symbol].move(price)

    def jump(self, symbol: str, price: float | str | Decimal) -> None:
        """Trade at this price next, without the prices in between."""
        with self.lock:
            self.prices[symbol] = _dollars(price)
            for paths in self.paths:
                paths[symbol] = Path(self.prices[symbol])

    def end_day(self) -> None:
        """The last prices are those of the last day from now on (`lastday_price`)."""
        self.closes.update(self.prices)

    # --- What the accounts ask ---

    def new_paths(self) -> dict[str, Path]:
        """The prices for a new account, which then get every move."""
        with self.lock:
            self.paths.append({symbol: Path(price) for symbol, price in self.prices.items()})
            return self.paths[-1]

    def new_id(self) -> str:
        """A UUID; the same ones in each run, in no order."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def stamp(self) -> int:
        """The time in nanoseconds since 1970, later than each one before while the clock does not go back."""
        now = nanoseconds(self.now)
        if not self.same_times and now // SECOND == self._stamp // SECOND:
            now = max(now, self._stamp + next(self._counter) % 97 + 1)
        self._stamp = now
        return now

    @property
    def is_open(self) -> bool:
        return sessions.is_open(self.now)

    @property
    def takes_extended_orders(self) -> bool:
        """Whether orders for extended hours trade: from 4:00 to 20:00 in New York on a day with a session."""
        return self.is_open or (self.has_session and 4 <= self.new_york.hour < 20)

    @property
    def new_york(self) -> datetime:
        return self.now.astimezone(sessions.NEW_YORK)

    @property
    def has_session(self) -> bool:
        day = self.new_york.date()
        return bool(sessions.sessions_between(day, day).size)

    def close_after(self, now: datetime) -> datetime:
        return sessions.next_close(now)

    def open_after(self, now: datetime) -> datetime:
        return sessions.next_open(now)

    def opg_open(self) -> datetime | None:
        """The opening auction that an `opg` order takes part in; None between 9:28 and 19:00 in New York."""
        local = self.new_york
        closed = sessions.session_open(local.date()) - timedelta(minutes=2) if self.has_session else None
        if closed is not None and closed <= self.now and local.hour < 19:
            return None
        return sessions.next_open(self.now)


def nanoseconds(time: datetime) -> int:
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def at(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp // SECOND, UTC) + timedelta(microseconds=stamp % SECOND // 1000)


def _dollars(price: float | str | Decimal) -> Decimal:
    return Decimal(str(price))
