"""The version of a series before its last change: a row that names its parts, so that the change can be undone."""

from datetime import datetime

from django.conf import settings

from tradedesk.marketdata.models import BarSeries, PreviousVersion


def keep_version(stored: BarSeries, now: datetime) -> None:
    """Keep `stored` as the previous version of its series, in place of the one before. now: wall time.

    The versions of a user have the limits of a user's series: the oldest ones beyond them are deleted. Belongs in
    the transaction that changes the series. A version never changes; its files go with its row.
    """
    values = stored.stored_values()
    key = {name: values[name] for name in ("provider", "symbol", "timeframe", "owner_id")}
    PreviousVersion.objects.filter(**key).delete()
    PreviousVersion.objects.create(**values, kept_at=now)
    if stored.owner_id is not None:
        _delete_oldest(stored.owner_id)


def _delete_oldest(owner_id: int) -> None:
    """Delete the oldest versions beyond the limits. The newest one always stays."""
    bars, beyond = 0, []
    sizes = PreviousVersion.objects.filter(owner=owner_id).values_list("pk", "count")
    for place, (pk, count) in enumerate(sizes):
        bars += count
        if place and (place >= settings.MAX_SERIES_PER_USER or bars > settings.MAX_BARS_PER_USER):
            beyond.append(pk)
    if beyond:
        PreviousVersion.objects.filter(pk__in=beyond).delete()
