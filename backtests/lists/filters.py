"""Filtering a user's backtests, for the page and for the API."""

from datetime import date, timedelta

from django.db.models import Q, QuerySet

from backtests.lists.sorting import json_number
from backtests.models import Backtest
from strategies.kinds import kinds
from tradedesk.marketdata.sessions import daily_time


def filter_backtests(
    backtests: QuerySet[Backtest],
    *,
    text: str = "",
    strategy_id: int | None = None,
    symbol: str = "",
    kind: str = "",
    status: str = "",
    since: date | None = None,
    until: date | None = None,
    profitable: bool = False,
) -> QuerySet[Backtest]:
    """The backtests that match every given filter; an empty filter matches all.

    text: part of the strategy's name, of its kind's name or of a symbol. symbol: a whole symbol, in capitals.
    since, until: New York days on which the backtest was created, both included.
    """
    conditions = Q()
    if text:
        matching = [key for key, kind_class in kinds().items() if text.casefold() in kind_class.name.casefold()]
        conditions &= Q(strategy_name__icontains=text) | Q(kind__in=matching) | Q(symbols__icontains=text)
    if strategy_id is not None:
        conditions &= Q(strategy_id=strategy_id)
    if symbol:
        # The symbol with its quotes in the JSON text: SQLite has no lookup for elements of a JSON list.
        conditions &= Q(symbols__icontains=f'"{symbol}"')
    if kind:
        conditions &= Q(kind=kind)
    if status:
        conditions &= Q(status=status)
    if since:
        conditions &= Q(created_at__gte=daily_time(since))
    if until:
        conditions &= Q(created_at__lt=daily_time(until + timedelta(days=1)))
    if profitable:
        backtests = backtests.alias(total_return=json_number("metrics", "total_return"))
        conditions &= Q(total_return__gt=0)
    return backtests.filter(conditions)
