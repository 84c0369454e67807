"""An account: the broker's last report, and the desk's records of positions, profit and loss."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.db.models import F, Q

from livetrading.models import BrokerAccount, Incident, LiveStrategy
from livetrading.models.position import position_model
from livetrading.summaries.open_risk import OpenRisk, open_risk
from livetrading.summaries.performance import (
    Performance,
    active_today,
    performance_of,
    pnl_today,
    read_fill_totals,
)
from livetrading.summaries.positions import OpenLot, Position, held_trades, mark, positions_of, protective_exits
from tradedesk.accounts.models import Mode, User
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.quotes import market_day, read_quotes
from tradedesk.marketdata.sessions import daily_time

ZERO = Decimal(0)
INCIDENTS = 20


@dataclass(frozen=True, kw_only=True)
class AccountSummary:
    """account: None before the account is opened. performance: of the whole account. starting_cash: dollars, None
    for an account with real money. incidents: what does not agree with the broker: the open ones first, then those
    of today. today, trades_today, lots: by the id of the live strategy, None for trades without one."""

    account: BrokerAccount | None
    mode: str
    day: date
    positions: list[Position]
    performance: Performance
    starting_cash: Decimal | None
    incidents: list[Incident]
    today: Mapping[int | None, Decimal] = field(default_factory=dict)
    trades_today: Mapping[int | None, int] = field(default_factory=dict)
    lots: Mapping[int | None, list[OpenLot]] = field(default_factory=dict)

    @property
    def equity(self) -> Decimal | None:
        """Dollars, as the broker last reported it; None when no account is connected in this mode."""
        return self.account.equity if self.account else self.starting_cash

    @property
    def cash(self) -> Decimal | None:
        """The same for the cash."""
        return self.account.cash if self.account else self.starting_cash

    @property
    def market_value(self) -> Decimal:
        return sum((position.market_value for position in self.positions), ZERO)

    @cached_property
    def risk(self) -> OpenRisk:
        """Of all lots."""
        return open_risk(lot for position in self.positions for lot in position.lots)

    @property
    def unpriced(self) -> list[str]:
        """Symbols of open positions without bars; they are valued at cost."""
        return [position.symbol for position in self.positions if position.last_price is None]

    @property
    def total_return(self) -> float | None:
        """A fraction of the starting cash."""
        return float(self.performance.total / self.starting_cash) if self.starting_cash else None

    @property
    def return_today(self) -> float | None:
        """A fraction of the equity at the start of the day."""
        return return_of_day(self.equity, self.performance.today)

    @property
    def open_incidents(self) -> int:
        """At most INCIDENTS."""
        return sum(incident.resolved_at is None for incident in self.incidents)

    def of_strategy(self, live: LiveStrategy) -> Performance:
        """live: one that trades in this account."""
        today, trades = self.today.get(live.pk, ZERO), self.trades_today.get(live.pk, 0)
        return performance_of(live, self.lots_of(live.pk), today, trades)

    def lots_of(self, live_id: int | None) -> list[OpenLot]:
        return self.lots.get(live_id, [])


def find_account(user: User, mode: str) -> BrokerAccount | None:
    """The user's active account of this mode. Reading a page does not open the paper account; the first deployment
    does."""
    return user.broker_accounts.filter(mode=mode, active=True).select_related("paper_account").first()


def snapshot_equity(user: User, mode: str) -> Decimal | None:
    """Dollars, as the broker of the active account last reported it; None when no account is connected."""
    account = find_account(user, mode)
    return account.equity if account else starting_cash(None, mode)


def read_account(user: User, mode: str, now: datetime) -> AccountSummary:
    """The active account of the user in this mode, at the market time `now`; before it is opened, an empty one."""
    account = find_account(user, mode)
    if account is not None:
        return summarize_account(account, now)
    return AccountSummary(
        account=None,
        mode=mode,
        day=market_day(now),
        positions=[],
        performance=Performance(),
        starting_cash=starting_cash(None, mode),
        incidents=[],
    )


def summarize_account(account: BrokerAccount, now: datetime) -> AccountSummary:
    """One account. The number of queries depends only on the number of timeframes that it trades."""
    day = market_day(now)
    held = held_trades(account)
    fill_totals = read_fill_totals(account, day, now)
    series = {(trade.symbol, trade.timeframe) for trade in held} | {series for _, series in fill_totals}
    quotes = read_quotes(account.user_id, series, now)
    exits = protective_exits(account) if held else {}
    rows = position_model(account)._default_manager.filter(account=account)
    ids = dict(rows.values_list("symbol", "pk")) if held else {}
    lots = [mark(trade, quotes, exits.get(trade.opening_order_id, []), day) for trade in held]
    own: dict[int | None, list[OpenLot]] = defaultdict(list)
    for lot in lots:
        own[lot.trade.live_strategy_id].append(lot)
    today, trades_today = pnl_today(lots, fill_totals, quotes), active_today(account, day)
    return AccountSummary(
        account=account,
        mode=account.mode,
        day=day,
        positions=positions_of(lots, ids),
        performance=performance_of(account, lots, sum(today.values(), ZERO), sum(trades_today.values())),
        starting_cash=starting_cash(account, account.mode),
        incidents=_incidents(account, day),
        today=today,
        trades_today=trades_today,
        lots=own,
    )


def return_of_day(equity: Decimal | None, today: Decimal) -> float | None:
    """today: the profit of the day. A fraction of the equity at its start."""
    if not equity or equity <= today:
        return None
    return float(today / (equity - today))


def starting_cash(account: BrokerAccount | None, mode: str) -> Decimal | None:
    """Dollars; None for an account with real money. account: None before it is opened."""
    if mode != Mode.PAPER:
        return None
    if account is not None and account.broker == BrokerAccount.Broker.PAPER:
        return account.paper_account.starting_cash
    return None if account else to_decimal(settings.PAPER_STARTING_CASH)


def _incidents(account: BrokerAccount, day: date) -> list[Incident]:
    """The reported incidents that are open or were reported today."""
    current = Q(resolved_at=None) | Q(reported_at__gte=daily_time(day))
    reported = account.incidents.filter(current, reported_at__isnull=False)
    return list(reported.order_by(F("resolved_at").desc(nulls_first=True), "-reported_at", "-pk")[:INCIDENTS])
