"""What live trading uses bars for: lots, open orders, and strategies that are not stopped."""

from collections.abc import Collection, Iterator
from itertools import chain

from django.db.models import Q

from livetrading.models import LiveStrategy, LiveTrade, Order, PaperTrade
from livetrading.models.order import WORKING
from livetrading.services.demo import EMAIL
from livetrading.services.wording import counted


def bars_in_use(symbol: str, timeframe: str, user_id: int | None, not_of: Collection[int]) -> list[str]:
    """See tradedesk.marketdata.usage.Uses. A paused strategy counts: it can be resumed. Four queries."""
    whose = ~Q(user__in=not_of) if user_id is None else Q(user=user_id)
    # What a closed demo user still holds is of sample prices, and nobody can sell it.
    whose &= ~Q(user__email=EMAIL, user__is_active=False)
    series = whose & Q(symbol=symbol, timeframe=timeframe)
    held = {
        account
        for model in (PaperTrade, LiveTrade)
        for account in model.objects.filter(series, exit_time=None).values_list("account", flat=True)
    }
    orders = Order.objects.filter(series, state__in=WORKING, purpose=Order.Purpose.ENTRY).count()
    running = LiveStrategy.objects.filter(whose, timeframe=timeframe).exclude(status=LiveStrategy.Status.STOPPED)
    deployed = list(chain(*running.values_list("symbols", flat=True))).count(symbol)
    found = (
        (len(held), "account holds it", "accounts hold it"),
        (orders, "order for it is open", "orders for it are open"),
        (deployed, "live strategy trades it", "live strategies trade it"),
    )
    return [counted(number, one, several) for number, one, several in found if number]


def series_in_use() -> Iterator[tuple[int, str, str]]:
    """See tradedesk.marketdata.usage.Used. Three queries."""
    for model in (PaperTrade, LiveTrade):
        yield from (
            model.objects.filter(exit_time=None).order_by().values_list("user", "symbol", "timeframe").distinct()
        )
    running = LiveStrategy.objects.exclude(status=LiveStrategy.Status.STOPPED)
    for user_id, symbols, timeframe in running.order_by().values_list("user", "symbols", "timeframe"):
        yield from ((user_id, symbol, timeframe) for symbol in symbols)
