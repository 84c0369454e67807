"""Live strategies with their last signals, open positions, and profit and loss."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery

from livetrading.models import LiveStrategy, SignalHistory
from livetrading.summaries.account import AccountSummary, read_account
from livetrading.summaries.performance import Performance
from livetrading.summaries.positions import OpenLot, Position, positions_of
from tradedesk.accounts.models import User


@dataclass(frozen=True, slots=True)
class StrategySummary:
    """last_signal: None before the first signal. lots: the open trades."""

    live: LiveStrategy
    performance: Performance
    last_signal: SignalHistory | None
    lots: list[OpenLot]

    @property
    def positions(self) -> list[Position]:
        return positions_of(self.lots)

    @property
    def market_value(self) -> Decimal:
        return sum((lot.market_value for lot in self.lots), Decimal(0))


def ordered(user: User) -> "QuerySet[LiveStrategy]":
    """The user's live strategies: active, paused, stopped; the newest of each status first."""
    return user.live_strategies.order_by("status", "-pk")


def summarize_strategies(
    user: User,
    strategies: Iterable[LiveStrategy],
    now: datetime,
    accounts: Mapping[str, AccountSummary] | None = None,
) -> list[StrategySummary]:
    """Summaries of the user's live strategies, in the same order. accounts: accounts that were read already, by
    mode."""
    rows = list(strategies)
    by_mode = dict(accounts or {})
    for mode in {live.mode for live in rows} - by_mode.keys():
        by_mode[mode] = read_account(user, mode, now)
    signals = _last_signals(user, rows)
    return [
        StrategySummary(
            live=live,
            performance=by_mode[live.mode].of_strategy(live.pk),
            last_signal=signals.get(live.pk),
            lots=by_mode[live.mode].lots_of(live.pk),
        )
        for live in rows
    ]


def _last_signals(user: User, rows: list[LiveStrategy]) -> dict[int, SignalHistory]:
    newest = SignalHistory.objects.filter(live_strategy=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    own = user.live_strategies.filter(pk__in=[live.pk for live in rows]).order_by()
    ids = own.annotate(newest=Subquery(newest)).values("newest")
    return {signal.live_strategy_id: signal for signal in user.signals.filter(pk__in=ids)}
