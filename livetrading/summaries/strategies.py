"""Live strategies with their last signals, open positions, and profit and loss."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery

from livetrading.models import LiveStrategy, SignalHistory
from livetrading.summaries.account import AccountSummary, summarize_account
from livetrading.summaries.performance import Performance
from livetrading.summaries.positions import OpenLot, Position, positions_of
from livetrading.summaries.signal_list import count_late
from livetrading.summaries.signals import of_interest
from tradedesk.accounts.models import User

# One failed check can be a hiccup; so many in a row need a person.
REPEATED_FAILURES = 3


@dataclass(frozen=True, slots=True)
class StrategySummary:
    """account: the one it trades in. last_signal: None before the first signal. lots: the open trades. late: the
    signals of the last days that came too late."""

    live: LiveStrategy
    account: AccountSummary
    performance: Performance
    last_signal: SignalHistory | None
    lots: list[OpenLot]
    late: int = 0

    @property
    def positions(self) -> list[Position]:
        ids = {position.symbol: position.id for position in self.account.positions if position.id is not None}
        return positions_of(self.lots, ids)

    @property
    def chart_symbol(self) -> str:
        """The symbol that its chart opens on: the first of its own that it holds, otherwise its first one."""
        held = {lot.trade.symbol for lot in self.lots}
        own: list[str] = self.live.symbols
        return next((symbol for symbol in own if symbol in held), own[0])

    @property
    def total_return(self) -> float | None:
        """A fraction of the account's equity at the deployment."""
        start = self.live.starting_equity
        return float(self.performance.total / start) if start > 0 else None

    @property
    def keeps_failing(self) -> bool:
        return self.live.is_checked and self.live.failures >= REPEATED_FAILURES

    @property
    def market_value(self) -> Decimal:
        return sum((lot.market_value for lot in self.lots), Decimal(0))


def problems_of(row: StrategySummary) -> list[str]:
    """Everything that is wrong with a live strategy or with its account, in words."""
    live, account = row.live, row.account.account
    found = [live.last_error] if live.status != LiveStrategy.Status.STOPPED else []
    if live.missed_checks_at is not None:
        found.append(f"No check was made since {live.next_check_at:%Y-%m-%d %H:%M} UTC.")
    if live.has_tripped:
        found.append(live.tripped_reason)
    if account is not None and account.entries_stopped:
        found.append(f"Entries of the account are stopped. {account.entries_stopped_reason}".strip())
    if account is not None:
        found.append(account.market_problem or account.state_reason)
    return [text for text in found if text]


def count_active(user: User) -> int:
    """The active live strategies of the user's mode."""
    own = user.live_strategies.filter(account__mode=user.mode, deleted_at=None)
    return own.filter(status=LiveStrategy.Status.ACTIVE).count()


def ordered(user: User) -> "QuerySet[LiveStrategy]":
    """The user's live strategies: active, error, paused, stopped; the newest of each status first."""
    return user.live_strategies.select_related("account").order_by("status", "-pk")


def summarize_strategies(
    user: User,
    strategies: Iterable[LiveStrategy],
    now: datetime,
    known: AccountSummary | None = None,
) -> list[StrategySummary]:
    """Summaries of the user's live strategies, in the same order. known: an account that was read already."""
    rows = list(strategies)
    accounts: dict[int, AccountSummary] = {}
    if known is not None and known.account is not None:
        accounts[known.account.pk] = known
    others = {live.account_id for live in rows} - accounts.keys()
    for account in user.broker_accounts.filter(pk__in=others).select_related("paper_account"):
        accounts[account.pk] = summarize_account(account, now)
    signals, late = _last_signals(user, rows), count_late(user, rows)
    return [
        StrategySummary(
            live=live,
            account=accounts[live.account_id],
            performance=accounts[live.account_id].of_strategy(live),
            last_signal=signals.get(live.pk),
            lots=accounts[live.account_id].lots_of(live.pk),
            late=late.get(live.pk, 0),
        )
        for live in rows
    ]


def _last_signals(user: User, rows: list[LiveStrategy]) -> dict[int, SignalHistory]:
    own_signals = of_interest(SignalHistory.objects.filter(live_strategy=OuterRef("pk")))
    newest = own_signals.order_by("-pk").values("pk")[:1]
    own = user.live_strategies.filter(pk__in=[live.pk for live in rows]).order_by()
    ids = own.annotate(newest=Subquery(newest)).values("newest")
    return {signal.live_strategy_id: signal for signal in user.signals.filter(pk__in=ids)}
