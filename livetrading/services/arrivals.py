"""New bars: the strategies that trade them are checked at once, and not at their next look."""

from datetime import datetime

from livetrading.models import LiveStrategy
from livetrading.models.live_strategy import CHECKED
from livetrading.services.queue import enqueue_dispatch
from tradedesk.marketdata.arrivals import Arrival


def wake(arrival: Arrival, now: datetime) -> int:
    """Make the strategies due that trade one of these symbols. now: market time. Returns their number."""
    waiting = LiveStrategy.objects.filter(
        status__in=CHECKED, timeframe__in=arrival.timeframes, next_check_at__gt=now
    )
    if arrival.owner_id is not None:
        waiting = waiting.filter(user=arrival.owner_id)
    arrived = set(arrival.symbols)
    rows = waiting.order_by().values_list("pk", "symbols")
    concerned = [pk for pk, symbols in rows if not arrived.isdisjoint(symbols)]
    woken = LiveStrategy.objects.filter(pk__in=concerned, status__in=CHECKED, next_check_at__gt=now)
    count = woken.update(next_check_at=now) if concerned else 0
    if count:
        enqueue_dispatch()
    return count
