"""Live strategies as a dense list shows them: the state light, the line of the P&L, the last decision."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from livetrading.models import LiveStrategy
from livetrading.models.signal import OrderSide
from livetrading.summaries.account import AccountSummary
from livetrading.summaries.pnl_paths import PathFill, pnl_paths
from livetrading.summaries.positions import OpenLot
from livetrading.summaries.sparklines import Sparkline, sparkline
from livetrading.summaries.strategies import StrategySummary
from tradedesk.core.bars import Bars, Floats, to_datetime, to_datetime64
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import load_readable, market_day
from tradedesk.marketdata.sessions import bar_close, daily_time

# Sessions in a small line, and the fills that the lines are made from.
DAYS, FILLS = 30, 1000
LIGHTS = {
    LiveStrategy.Status.ACTIVE: ("running", "Running"),
    LiveStrategy.Status.PAUSED: ("closed", "Paused"),
    LiveStrategy.Status.ERROR: ("error", "Error"),
    LiveStrategy.Status.STOPPED: ("stopped", "Stopped"),
}
DEGRADED = ("degraded", "Degraded")


@dataclass(frozen=True, slots=True)
class Sessions:
    """What the lines of an account are made from: its newest fills, and the bars of DAYS sessions of
    what it holds or traded."""

    fills: list[PathFill]
    bars: Mapping[str, Bars]


@dataclass(frozen=True, slots=True)
class RunningRow:
    """state, light: of LIGHTS, or DEGRADED. decision: of the last check, "" before the first one."""

    summary: StrategySummary
    state: str
    light: str
    line: Sparkline | None
    decision: str = ""


def read_sessions(user_id: int, account: AccountSummary, now: datetime) -> Sessions:
    """Two queries."""
    fills = _fills_of(account, now)
    symbols = {lot.trade.symbol for lot in _lots(account)} | {fill.symbol for fill in fills}
    loaded = load_readable(user_id, symbols, "1Day") if symbols else {}
    shown = {symbol: closed(bars, "1Day", now, last=DAYS) for symbol, bars in loaded.items()}
    return Sessions(fills, {symbol: bars for symbol, bars in shown.items() if len(bars)})


def running_rows(rows: list[StrategySummary], account: AccountSummary, sessions: Sessions) -> list[RunningRow]:
    """In the same order, without a query. A line is drawn for those that trade in this account."""
    own = [row for row in rows if row.account.account == account.account]
    paths = _paths(own, _lots(account), sessions.fills, sessions.bars)
    return [_running(row, paths.get(row.live.pk)) for row in rows]


def _lots(account: AccountSummary) -> list[OpenLot]:
    return [lot for position in account.positions for lot in position.lots]


def _running(row: StrategySummary, path: Floats | None) -> RunningRow:
    line = sparkline(path.tolist(), change=float(row.performance.today), zero=True) if path is not None else None
    return RunningRow(row, *light_of(row.live), line, last_decision(row.live.last_seen))


def light_of(live: LiveStrategy) -> tuple[str, str]:
    """A state of components/_state.html, and its word."""
    return DEGRADED if live.degraded or live.missed_checks_at else LIGHTS[LiveStrategy.Status(live.status)]


def last_decision(seen: Mapping[str, Mapping[str, Any]]) -> str:
    """Of the newest bar, a purchase or a sale before the rest: "AAPL: SMA 10 crossed above SMA 30". seen: as
    LiveStrategy.last_seen. Pure."""
    ranked = sorted(
        seen.items(), key=lambda item: (item[1].get("bar_time", ""), item[1].get("side") in OrderSide.values)
    )
    return f"{ranked[-1][0]}: {ranked[-1][1]['sentence']}" if ranked else ""


def _fills_of(account: AccountSummary, now: datetime) -> list[PathFill]:
    """The newest ones of the last sessions, oldest first."""
    if account.account is None:
        return []
    since = daily_time(market_day(now) - timedelta(days=2 * DAYS))
    rows = account.account.fills.filter(time__gte=since, time__lte=now, undone_by="").order_by("-time")
    columns = (
        "order__live_strategy_id",
        "order__symbol",
        "order__side",
        "time",
        "quantity",
        "price",
        "commission",
    )
    found = []
    for live_id, symbol, side, time, quantity, price, commission in rows.values_list(*columns)[:FILLS]:
        shares = float(quantity if side == OrderSide.BUY else -quantity)
        found.append(PathFill(live_id, symbol, time, shares, shares * float(price) + float(commission)))
    return found[::-1]


def _paths(
    rows: Iterable[StrategySummary], lots: Iterable[OpenLot], fills: list[PathFill], bars: Mapping[str, Bars]
) -> dict[int, Floats]:
    if not bars:
        return {}
    longest = max(bars.values(), key=len).time
    if len(fills) == FILLS:
        # Before the oldest fill that was read there may have been others.
        longest = longest[longest > to_datetime64(fills[0].time)]
    if len(longest) < 2:
        return {}
    moments = [to_datetime(time) for time in bar_close(longest, "1Day")]
    closes = {
        symbol: own.close[np.maximum(np.searchsorted(own.time, longest, side="right") - 1, 0)]
        for symbol, own in bars.items()
    }
    held: dict[tuple[int | None, str], float] = {}
    for lot in lots:
        key = (lot.trade.live_strategy_id, lot.trade.symbol)
        held[key] = held.get(key, 0.0) + float(lot.quantity)
    totals = {row.live.pk: float(row.performance.total) for row in rows if row.performance.trades}
    recent = [fill for fill in fills if fill.time > moments[0]]
    return pnl_paths(totals, held, recent, moments, closes)
