"""Filtering a user's backtests, for the page and for the API."""

from datetime import date, timedelta

from django.db.models import Q, QuerySet

from backtests.lists.sorting import number_in
from backtests.models import Backtest
from strategies.kinds import kinds
from tradedesk.marketdata.sessions import daily_time


def narrowed(
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
    """Those for which all of this holds; what is empty holds for every one.

    text: within the strategy's name, its kind's name or a symbol. symbol: in capitals, one of those it was run on.
    since, until: the New York days between which it was asked for, both included.
    """
    conditions = Q()
    if text:
        alike = [key for key, kind_of in kinds().items() if text.casefold() in kind_of.name.casefold()]
        conditions &= Q(strategy_name__icontains=text) | Q(kind__in=alike) | Q(symbols__icontains=text)
    if strategy_id is not None:
        conditions &= Q(strategy_id=strategy_id)
    if symbol:
        # As the list is written; SQLite cannot look into it.
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
        backtests = backtests.alias(gained=number_in("metrics", "total_return"))
        conditions &= Q(gained__gt=0)
    return backtests.filter(conditions)
