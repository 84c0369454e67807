"""The newest closed trades of a user that match a filter, as columns for core.trade_statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import F, FloatField, QuerySet
from django.db.models.functions import Cast

from livetrading.models.trade import EVENT_TIME, trades_of
from tradedesk.accounts.models import User
from tradedesk.core.bars import Floats, Times
from tradedesk.core.metrics import r_multiple
from tradedesk.core.trade_statistics import ClosedTrades
from tradedesk.marketdata.quotes import Series
from tradedesk.marketdata.sessions import daily_time

# What a page computes in well under a second. More trades are told apart by dates.
NEWEST = 5000
NO_STRATEGY = "No strategy"


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """since, until: New York days of the exit, both included."""

    strategy_id: int | None = None
    symbol: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ReadTrades:
    """trades: in the order of their exits, with the columns that only a database has. is_cut: whether older trades
    match, too. strategies: (id, name). signal_price: the close that sized the entry, NaN for one without a
    signal."""

    trades: ClosedTrades
    symbols: list[str]
    timeframes: list[str]
    strategies: list[tuple[int | None, str]]
    reasons: list[str]
    quantity: Floats
    entry_price: Floats
    exit_price: Floats
    initial_stop: Floats
    signal_price: Floats
    is_cut: bool

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def series(self) -> list[Series]:
        return list(zip(self.symbols, self.timeframes, strict=True))


def closed_trades(user: User, mode: str, wanted: TradeFilter) -> "QuerySet[Any]":
    """Unsorted. Their time is that of the indexes of models/trade.py, which is the exit's for a closed trade."""
    conditions: dict[str, object] = {"exit_time__isnull": False}
    if wanted.strategy_id is not None:
        conditions["live_strategy"] = wanted.strategy_id
    if wanted.symbol:
        conditions["symbol"] = wanted.symbol
    if wanted.since:
        conditions["event_time__gte"] = daily_time(wanted.since)
    if wanted.until:
        conditions["event_time__lt"] = daily_time(wanted.until + timedelta(days=1))
    trades: QuerySet[Any] = trades_of(user, mode).annotate(event_time=EVENT_TIME)
    return trades.filter(**conditions)


def read_closed_trades(user: User, mode: str, wanted: TradeFilter, most: int = NEWEST) -> ReadTrades:
    """The newest `most` of them. One query, which reads no more rows than that."""
    texts = ("symbol", "timeframe", "live_strategy_id", "live_strategy__name", "exit_reason")
    numbers = ("pnl", "commission", "quantity", "entry_price", "exit_price", "initial_stop_price")
    # As floats: a thousand decimals take longer than all that is computed from them.
    floats = {f"float_{name}": Cast(F(name), FloatField()) for name in numbers}
    floats["signal_price"] = Cast(F("opening_order__signal__price"), FloatField())
    rows = closed_trades(user, mode, wanted).annotate(**floats).order_by("-event_time", "-pk")
    found: list[tuple[Any, ...]] = list(rows.values_list("entry_time", "exit_time", *texts, *floats)[: most + 1])
    kept = found[:most][::-1]
    entry, exit_, symbol, timeframe, live_id, name, reason, *values = (
        zip(*kept, strict=True) if kept else [()] * 14
    )
    pnl, commission, quantity, paid, sold, stop, close = (_floats(column) for column in values)
    return ReadTrades(
        trades=ClosedTrades(
            entry=_times(entry),
            exit=_times(exit_),
            pnl=pnl,
            r=r_multiple(pnl, quantity, paid, np.where(np.isnan(stop), -np.inf, stop)),
            commission=commission,
            cost=quantity * paid,
        ),
        symbols=[str(each) for each in symbol],
        timeframes=[str(each) for each in timeframe],
        strategies=[(pk, str(own) if own else NO_STRATEGY) for pk, own in zip(live_id, name, strict=True)],
        reasons=[str(each) for each in reason],
        quantity=quantity,
        entry_price=paid,
        exit_price=sold,
        initial_stop=stop,
        signal_price=close,
        is_cut=len(found) > most,
    )


def _floats(values: Sequence[object]) -> Floats:
    return np.array(values, np.float64)  # None becomes NaN


def _times(values: Sequence[datetime]) -> Times:
    return np.array([value.replace(tzinfo=None) for value in values], "datetime64[us]")
