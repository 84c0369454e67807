"""What every page shows around its content, and polls: the active account, its halt, the trouble, the counts."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from livetrading.models import BrokerAccount
from livetrading.summaries.account import AccountSummary, return_of_day, starting_cash
from livetrading.summaries.halt import HaltState, read_halt
from livetrading.summaries.open_risk import NO_RISK, OpenRisk, open_risk
from livetrading.summaries.performance import pnl_today, read_fill_totals
from livetrading.summaries.positions import held_trades, mark, protective_exits
from livetrading.summaries.strategies import count_active
from livetrading.summaries.trouble import Trouble, trouble_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.quotes import market_day, read_quotes
from tradedesk.notifications.services import count_unread

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """Dollars. equity: None when no account is connected or reported. reported_at: when the broker reported it."""

    equity: Decimal | None
    today: Decimal = ZERO
    risk: OpenRisk = NO_RISK
    reported_at: datetime | None = None

    @property
    def return_today(self) -> float | None:
        """A fraction of the equity at the start of the day."""
        return return_of_day(self.equity, self.today)

    @property
    def risk_share(self) -> float | None:
        """A fraction of the equity."""
        return self.risk.of_equity(self.equity)


@dataclass(frozen=True, slots=True)
class TopBar:
    """figures: of the active account. running: active strategies of the mode. checked_at: wall time."""

    halt: HaltState
    figures: Figures
    running: int
    trouble: Trouble | None
    unread: int
    checked_at: datetime


def read_top_bar(user: User, now: datetime, wall_now: datetime, known: AccountSummary | None = None) -> TopBar:
    """A constant number of queries, whatever the user has traded so far. known: what the page has read already."""
    halt = read_halt(user, user.mode)
    return TopBar(
        halt=halt,
        figures=_figures_of(known, halt.account) or read_figures(halt.account, user.mode, now),
        running=count_active(user),
        trouble=trouble_of(user, wall_now),
        unread=count_unread(user),
        checked_at=wall_now,
    )


def _figures_of(known: AccountSummary | None, active: BrokerAccount | None) -> Figures | None:
    """None when it is not what is known."""
    if known is None or known.account is None or known.account != active:
        return None
    return Figures(known.equity, known.performance.today, known.risk, known.account.snapshot_at)


def read_figures(account: BrokerAccount | None, mode: str, now: datetime) -> Figures:
    """At most three queries, and one for each timeframe that is held or was traded today."""
    if account is None:
        return Figures(starting_cash(None, mode))
    day = market_day(now)
    held = held_trades(account)
    fill_totals = read_fill_totals(account, day, now)
    series = {(trade.symbol, trade.timeframe) for trade in held} | {series for _, series in fill_totals}
    quotes = read_quotes(account.user_id, series, now)
    exits = protective_exits(account) if held else {}
    lots = [mark(trade, quotes, exits.get(trade.opening_order_id, []), day) for trade in held]
    today = sum(pnl_today(lots, fill_totals, quotes).values(), ZERO)
    return Figures(account.equity, today, open_risk(lots), account.snapshot_at)
