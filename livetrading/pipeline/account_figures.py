"""Reading what the rules of an account look at, from what the desk has stored: no broker is asked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q

from livetrading.models import AccountRule, BrokerAccount, Order, OrderState
from livetrading.models.account_rule_kinds import KINDS
from livetrading.models.trade import trades_of
from livetrading.pipeline.account_rules import AccountFigures, RuleValues
from livetrading.pipeline.in_flight import InFlight
from tradedesk.marketdata.quotes import closing_price, market_day, read_quotes
from tradedesk.marketdata.sessions import daily_time


def read_rules(account: BrokerAccount, now: datetime) -> list[RuleValues]:
    """The enabled rules in their order. One query."""
    known = account.rules.filter(enabled=True, kind__in=KINDS)
    return [values_of(rule, now) for rule in known]


def values_of(rule: AccountRule, now: datetime) -> RuleValues:
    window = None
    if rule.window_start is not None and rule.window_end is not None:
        window = (rule.window_start, rule.window_end)
    return RuleValues(
        id=rule.pk,
        kind=rule.kind,
        limit=float(rule.limit or 0),
        symbols=frozenset(rule.symbols),
        window=window,
        tripped=rule.tripped_reason if holds(rule, now) else "",
    )


def holds(rule: AccountRule, now: datetime) -> bool:
    """Whether a loss limit that was reached still holds entries back: until the next day in New York, or for a
    kill switch until its halt was lifted."""
    if rule.tripped_at is None:
        return False
    return rule.declared.stops or market_day(rule.tripped_at) == market_day(now)


def read_figures(
    account: BrokerAccount, in_flight: Iterable[InFlight], now: datetime, *, without: Order | None = None
) -> AccountFigures:
    """The figures at the market time `now`; `without` leaves out one order, which is not in `in_flight` either.
    The number of queries depends only on that of the timeframes held."""
    figures = equity_of(account, now)
    _count_orders(figures, account, now, without)
    figures.sectors = dict(account.user.symbol_sectors.order_by().values_list("symbol", "sector"))
    orders = list(in_flight)
    selling = {order.lot for order in orders if not order.is_entry and order.whole}
    lots = trades_of(account, account.mode).filter(exit_time=None).order_by()
    held = [
        ((symbol, timeframe), float(quantity - sold), float(paid))
        for entry, symbol, timeframe, quantity, sold, paid in lots.values_list(
            "opening_order_id", "symbol", "timeframe", "quantity", "exit_quantity", "entry_price"
        )
        if entry not in selling
    ]
    quotes = read_quotes(account.user_id, {series for series, _, _ in held}, now)
    for series, shares, paid in held:
        figures.add(series[0], shares * closing_price(quotes, series, paid))
    for order in orders:
        if order.is_entry:
            figures.add(order.symbol, order.shares * order.price)
    return figures


def equity_of(account: BrokerAccount, now: datetime) -> AccountFigures:
    """The figures of the equity alone, of the broker's last report."""
    return AccountFigures(
        now=now,
        equity=_dollars(account.equity),
        peak_equity=_dollars(account.peak_equity),
        day_start_equity=_dollars(account.day_start_equity),
    )


def _count_orders(figures: AccountFigures, account: BrokerAccount, now: datetime, without: Order | None) -> None:
    """The entry orders of the day in New York, and of the last minute of market time, that were not held back."""
    entries = account.orders.filter(
        purpose=Order.Purpose.ENTRY, created_at__gte=daily_time(market_day(now)), created_at__lte=now
    ).exclude(state=OrderState.BLOCKED)
    if without is not None:
        entries = entries.exclude(pk=without.pk)
    minute = Q(created_at__gt=now - timedelta(minutes=1))
    counts = entries.order_by().aggregate(today=Count("pk"), minute=Count("pk", filter=minute))
    figures.orders_today, figures.orders_in_minute = counts["today"], counts["minute"]


def _dollars(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
