"""An account: the broker's last report, and the desk's records of positions, profit and loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Q

from livetrading.models import BrokerAccount, Incident
from livetrading.models.position import position_model
from livetrading.models.trade import Trade, trades_of
from livetrading.summaries.performance import Performance, performance_by_strategy, pnl_today, read_fill_totals
from livetrading.summaries.positions import OpenLot, Position, mark, positions_of, protective_exits
from tradedesk.accounts.models import Mode, User
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.quotes import market_day, read_quotes
from tradedesk.marketdata.sessions import daily_time

ZERO = Decimal(0)
INCIDENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """account: None before the account is opened. performance: of the whole account. by_strategy: by the id of the
    live strategy, None for trades without one. starting_cash: dollars, None for an account with real money.
    incidents: what does not agree with the broker: the open ones first, then those of today."""

    account: BrokerAccount | None
    mode: str
    day: date
    positions: list[Position]
    performance: Performance
    by_strategy: Mapping[int | None, Performance]
    starting_cash: Decimal | None
    incidents: list[Incident]

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
        if not self.equity or self.equity <= self.performance.today:
            return None
        return float(self.performance.today / (self.equity - self.performance.today))

    @property
    def open_incidents(self) -> int:
        """At most INCIDENTS."""
        return sum(incident.resolved_at is None for incident in self.incidents)

    def of_strategy(self, live_id: int | None) -> Performance:
        return self.by_strategy.get(live_id, Performance())

    def lots_of(self, live_id: int | None) -> list[OpenLot]:
        lots = (lot for position in self.positions for lot in position.lots)
        return [lot for lot in lots if lot.trade.live_strategy_id == live_id]


def find_account(user: User, mode: str) -> BrokerAccount | None:
    """The user's active account of this mode. Reading a page does not open the paper account; the first deployment
    does."""
    return user.broker_accounts.filter(mode=mode, active=True).select_related("paper_account").first()


def snapshot_equity(user: User, mode: str) -> Decimal | None:
    """Dollars, as the broker of the active account last reported it; None when no account is connected."""
    account = find_account(user, mode)
    return account.equity if account else _starting_cash(None, mode)


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
        by_strategy={},
        starting_cash=_starting_cash(None, mode),
        incidents=[],
    )


def summarize_account(account: BrokerAccount, now: datetime) -> AccountSummary:
    """One account. The number of queries depends only on the number of timeframes that it trades."""
    day = market_day(now)
    trades = trades_of(account, account.mode)
    held: list[Trade] = list(
        trades.filter(exit_time=None).select_related("live_strategy").order_by("symbol", "entry_time", "pk")
    )
    fill_totals = read_fill_totals(account, day, now)
    series = {(trade.symbol, trade.timeframe) for trade in held} | {series for _, series in fill_totals}
    quotes = read_quotes(account.user_id, series, now)
    exits = protective_exits(account) if held else {}
    rows = position_model(account)._default_manager.filter(account=account)
    ids = dict(rows.values_list("symbol", "pk")) if held else {}
    lots = [mark(trade, quotes, exits.get(trade.opening_order_id, [])) for trade in held]
    by_strategy = performance_by_strategy(trades, lots, pnl_today(lots, fill_totals, quotes), day)
    return AccountSummary(
        account=account,
        mode=account.mode,
        day=day,
        positions=positions_of(lots, ids),
        performance=sum(by_strategy.values(), Performance()),
        by_strategy=by_strategy,
        starting_cash=_starting_cash(account, account.mode),
        incidents=_incidents(account, day),
    )


def _starting_cash(account: BrokerAccount | None, mode: str) -> Decimal | None:
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
