"""How many series and bars one user may store."""

from django.conf import settings
from django.db.models import Count, Sum

from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey


def require_room(key: SeriesKey, stored: BarSeries | None, count: int) -> None:
    """Raise ImportRefused if the owner of `key` may not store `count` bars in place of `stored`.

    Series for all users have no limit.
    """
    if key.owner_id is None:
        return
    others = BarSeries.objects.filter(owner=key.owner_id)
    if stored is not None:
        others = others.exclude(pk=stored.pk)
    used = others.aggregate(series=Count("pk"), bars=Sum("count", default=0))
    if used["series"] >= settings.MAX_SERIES_PER_USER:
        raise ImportRefused(
            f"You have {used['series']:,} series, and a user may have {settings.MAX_SERIES_PER_USER:,}. "
            "Delete one that you do not need."
        )
    room = settings.MAX_BARS_PER_USER - used["bars"]
    if count > room:
        raise ImportRefused(
            f"{key.symbol} {key.timeframe} would have {count:,} bars. A user may store "
            f"{settings.MAX_BARS_PER_USER:,} in all, and your other series have {used['bars']:,}. "
            "Delete a series that you do not need, or import a shorter file."
        )
