"""An account in the desk's records: open positions marked to market, profit and loss, cash and equity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from livetrading.models import PaperAccount
from livetrading.summaries.performance import Performance, performance_by_strategy, pnl_today, read_fill_totals
from livetrading.summaries.positions import OpenLot, Position, mark, positions_of
from livetrading.summaries.quotes import market_day, read_quotes
from tradedesk.accounts.models import Mode, User
from tradedesk.core.money import to_decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSummary:
    """performance: of the whole account. by_strategy: by the id of the live strategy, None for trades without one.
    starting_cash, cash, equity: dollars, None when no account is connected in this mode."""

    mode: str
    day: date
    positions: list[Position]
    performance: Performance
    by_strategy: Mapping[int | None, Performance]
    starting_cash: Decimal | None

    @property
    def equity(self) -> Decimal | None:
        return None if self.starting_cash is None else self.starting_cash + self.performance.total

    @property
    def cash(self) -> Decimal | None:
        """Starting cash and all fills since; equal to the cash of the simulated broker's ledger."""
        return None if self.equity is None else self.equity - self.market_value

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

    def of_strategy(self, live_id: int | None) -> Performance:
        return self.by_strategy.get(live_id, Performance())

    def lots_of(self, live_id: int | None) -> list[OpenLot]:
        lots = (lot for position in self.positions for lot in position.lots)
        return [lot for lot in lots if lot.trade.live_strategy_id == live_id]


def account_trades(user: User, mode: str) -> "QuerySet[Any]":
    """The user's PaperTrade or LiveTrade rows."""
    return user.papertrades.all() if mode == Mode.PAPER else user.livetrades.all()


def read_account(user: User, mode: str, now: datetime) -> AccountSummary:
    """One account of the user at the market time `now`. Four queries, and one for each timeframe it trades."""
    day = market_day(now)
    trades = account_trades(user, mode)
    held = trades.filter(exit_time=None).select_related("live_strategy").order_by("symbol", "entry_time", "pk")
    fill_totals = read_fill_totals(user, mode, day, now)
    series = {(trade.symbol, trade.timeframe) for trade in held} | {series for _, series in fill_totals}
    quotes = read_quotes(series, now)
    lots = [mark(trade, quotes) for trade in held]
    by_strategy = performance_by_strategy(trades, lots, pnl_today(lots, fill_totals, quotes), day)
    return AccountSummary(
        mode=mode,
        day=day,
        positions=positions_of(lots),
        performance=sum(by_strategy.values(), Performance()),
        by_strategy=by_strategy,
        starting_cash=_starting_cash(user, mode),
    )


def _starting_cash(user: User, mode: str) -> Decimal | None:
    if mode != Mode.PAPER:
        return None
    # Reading a page does not open the account; the first deployment does.
    cash = PaperAccount.objects.filter(user=user).values_list("starting_cash", flat=True).first()
    return to_decimal(settings.PAPER_STARTING_CASH) if cash is None else cash
