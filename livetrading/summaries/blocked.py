"""What the BUY signals that a rule refused would have done, from the stored bars."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from livetrading.models import LiveStrategy, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.models.signal import OrderSide
from livetrading.summaries.bounded_bars import load_within
from livetrading.summaries.signals import NOT_ARCHIVED
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars, Floats, to_datetime64
from tradedesk.core.excursions import is_at_scale
from tradedesk.core.rules import DEFAULT_COSTS, kernel_rules
from tradedesk.core.single_entry import FollowedEntry, follow_entry, move_after
from tradedesk.core.true_range import average_true_range
from tradedesk.marketdata.quotes import Series

NEWEST, SELLS = 500, 20_000
AFTER = (1, 5, 20)
# The entries that were held back: by a rule of the strategy or of the account, by its status, by a person, by
# time.
BLOCKED = (
    DecisionCode.BELOW_THRESHOLD,
    DecisionCode.MAX_POSITIONS,
    DecisionCode.DAILY_LOSS,
    DecisionCode.DRAWDOWN,
    DecisionCode.COOLDOWN,
    DecisionCode.TOO_DEAR,
    DecisionCode.TOO_MANY_SHARES,
    DecisionCode.NO_CASH,
    DecisionCode.ACCOUNT_RULE,
    DecisionCode.PAUSED,
    DecisionCode.MODE,
    DecisionCode.HALTED,
    DecisionCode.DISMISSED,
    DecisionCode.LATE,
    DecisionCode.EXPIRED,
)
# The SELL signals of a live strategy and symbol: the times of their bars, ascending.
Sells = dict[tuple[int, str], NDArray[np.datetime64]]


@dataclass(frozen=True, slots=True)
class BlockedSignal:
    """followed: what the entry would have led to, None when it cannot be said yet. moves: from the open after the
    signal, by AFTER; fractions."""

    signal: SignalHistory
    followed: FollowedEntry | None
    moves: tuple[float | None, ...]

    @property
    def is_open(self) -> bool:
        return self.followed is not None and self.followed.exit_row is None


@dataclass(frozen=True, slots=True)
class BlockedGroup:
    """The signals with one reason. Fractions, and R; None where no signal has the figure. followed: those whose
    result is known, the open ones included."""

    label: str
    signals: int
    followed: int
    open: int
    win_rate: float | None
    mean: float | None
    mean_r: float | None
    moves: list[float | None]


@dataclass(frozen=True, slots=True)
class Blocked:
    """signals: the newest first. without: those whose bars are not there, have another scale or are too many.
    is_cut: whether there are older ones."""

    signals: list[BlockedSignal]
    groups: list[BlockedGroup]
    every: BlockedGroup | None
    without: int
    is_cut: bool


def blocked_signals(user: User, mode: str) -> "QuerySet[SignalHistory]":
    return user.signals.filter(
        NOT_ARCHIVED, live_strategy__account__mode=mode, side=OrderSide.BUY, code__in=BLOCKED
    )


def read_blocked(user: User, mode: str, now: datetime) -> Blocked:
    """The newest NEWEST of them. The number of queries depends only on the number of timeframes."""
    related = ("live_strategy__account__paper_account",)
    found = list(blocked_signals(user, mode).select_related(*related).order_by("-pk")[: NEWEST + 1])
    signals = found[:NEWEST]
    series = [(signal.symbol, signal.live_strategy.timeframe) for signal in signals]
    bars = load_within(user.pk, series, now)
    sells, known_since = _read_sells(user, signals)
    rules = {signal.live_strategy_id: _rules(signal.live_strategy) for signal in signals}
    ranges: dict[Series, Floats] = {}
    results = []
    for signal, own in zip(signals, series, strict=True):
        if (of_symbol := bars.get(own)) is None:
            continue
        of_strategy = rules[signal.live_strategy_id]
        if of_strategy.trailing_stop_atr < np.inf and own not in ranges:
            ranges[own] = average_true_range(of_symbol.high, of_symbol.low, of_symbol.close)
        result = _result(signal, of_symbol, of_strategy, sells, ranges.get(own), known_since)
        if result is not None:
            results.append(result)
    by_code: dict[str, list[BlockedSignal]] = defaultdict(list)
    for result in results:
        by_code[result.signal.code].append(result)
    groups = [_group(DecisionCode(code).label, own) for code, own in by_code.items()]
    groups.sort(key=lambda group: -group.signals)
    every = _group("All", results) if results else None
    return Blocked(results, groups, every, len(signals) - len(results), len(found) > NEWEST)


def _result(
    signal: SignalHistory,
    bars: Bars,
    rules: Any,
    sells: Sells,
    ranges: Floats | None,
    known_since: datetime | None,
) -> BlockedSignal | None:
    """None without the bar of the signal at its price."""
    time = to_datetime64(signal.bar_time)
    row = int(np.searchsorted(bars.time, time))
    if row >= len(bars) or bars.time[row] != time or not is_at_scale(bars, time, float(signal.price)):
        return None
    followed = None
    if known_since is None or signal.bar_time >= known_since:
        of_symbol = sells.get((signal.live_strategy_id, signal.symbol), np.empty(0, "datetime64[us]"))
        rows = np.searchsorted(bars.time, of_symbol[of_symbol > time])
        followed = follow_entry(bars, row, rules, rows, np.nan if ranges is None else float(ranges[row]))
    return BlockedSignal(signal, followed, tuple(move_after(bars, row, count) for count in AFTER))


def _read_sells(user: User, signals: list[SignalHistory]) -> tuple[Sells, datetime | None]:
    """The SELL signals since the oldest of these, and the time since which all of them are known when they are too
    many; None when all are."""
    if not signals:
        return {}, None
    oldest = min(signal.bar_time for signal in signals)
    wanted = user.signals.filter(
        live_strategy__in={signal.live_strategy_id for signal in signals},
        side=OrderSide.SELL,
        bar_time__gte=oldest,
    )
    rows = list(wanted.order_by("-bar_time").values_list("live_strategy_id", "symbol", "bar_time")[: SELLS + 1])
    times: dict[tuple[int, str], list[np.datetime64]] = defaultdict(list)
    for live_id, symbol, moment in reversed(rows[:SELLS]):
        times[live_id, symbol].append(to_datetime64(moment))
    sells = {key: np.array(own, "datetime64[us]") for key, own in times.items()}
    return sells, rows[-1][2] if len(rows) > SELLS else None


def _rules(live: LiveStrategy) -> Any:
    """With the costs of a simulated account; at a broker with those that a backtest assumes."""
    books = getattr(live.account, "paper_account", None)
    return kernel_rules(live.risk_rules(), books.costs() if books else DEFAULT_COSTS)


def _group(label: str, results: list[BlockedSignal]) -> BlockedGroup:
    followed = [result.followed for result in results if result.followed is not None]
    returns = [each.return_fraction for each in followed]
    multiples = [each.r_multiple for each in followed if each.r_multiple is not None]
    moves = [[result.moves[place] for result in results] for place in range(len(AFTER))]
    return BlockedGroup(
        label=label,
        signals=len(results),
        followed=len(followed),
        open=sum(each.exit_row is None for each in followed),
        win_rate=_mean([float(each > 0.0) for each in returns]),
        mean=_mean(returns),
        mean_r=_mean(multiples),
        moves=[_mean([move for move in column if move is not None]) for column in moves],
    )


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
