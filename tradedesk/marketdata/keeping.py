"""The series that users keep up to date: downloaded again after each session, so that corrections arrive."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from tradedesk.audit.services import Entry, record_all
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata import sessions
from tradedesk.marketdata.data_keys import NoKeys, access_of_user
from tradedesk.marketdata.download_requests import MOST_SYMBOLS, queue_refresh
from tradedesk.marketdata.feeds.alpaca import served_timeframe
from tradedesk.marketdata.models import BarSeries, KeptSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import ALPACA

# Downloaded again after the close; by then late reports are in the bars.
AFTER_CLOSE = timedelta(hours=1)
# Of shorter bars only the last days: their whole history may have a million bars. A split shows in them too, and
# then all is downloaded.
DAYS = 10
# Series of one run.
MOST = 1000


def keep(user_id: int, symbols: list[str], timeframe: str, wall_now: datetime) -> None:
    """Raises ImportRefused."""
    served, most = served_timeframe(timeframe), settings.MAX_SERIES_PER_USER
    if KeptSeries.objects.filter(user=user_id).count() + len(symbols) > most:
        raise ImportRefused(f"A user may keep {most:,} series up to date.")
    rows = [KeptSeries(user_id=user_id, symbol=symbol, timeframe=served) for symbol in symbols]
    mine = KeptSeries.objects.filter(user_id=user_id, symbol__in=symbols, timeframe=served)
    with transaction.atomic():
        before = set(mine.values_list("pk", flat=True))
        KeptSeries.objects.bulk_create(rows, ignore_conflicts=True)
        _record("series_kept", mine.exclude(pk__in=before), wall_now)


def stop_keeping(user_id: int, symbol: str, timeframe: str, wall_now: datetime) -> None:
    with transaction.atomic():
        kept = list(KeptSeries.objects.filter(user_id=user_id, symbol=symbol, timeframe=timeframe))
        for row in kept:
            if KeptSeries.objects.filter(pk=row.pk).delete()[0]:
                _record("series_not_kept", [row], wall_now)


def _record(action: str, rows: Iterable[KeptSeries], wall_now: datetime) -> None:
    told = [Entry(None, action, row, {"symbol": row.symbol, "timeframe": row.timeframe}) for row in rows]
    record_all(told, wall_now)


def refresh_due(now: datetime) -> int:
    """Queue a download of what was not downloaded since the last session. Returns the number of series."""
    session = sessions.previous_close(now - AFTER_CLOSE).astimezone(sessions.NEW_YORK).date()
    # Those that waited longest first: series of a user without keys must not keep those of others away.
    due = KeptSeries.objects.filter(Q(refreshed_for=None) | Q(refreshed_for__lt=session))
    groups: dict[tuple[int, str], list[KeptSeries]] = defaultdict(list)
    for row in due.order_by(F("refreshed_for").asc(nulls_first=True), "pk")[:MOST]:
        groups[row.user_id, row.timeframe].append(row)
    return sum(_refresh(*group, rows, session, now) for group, rows in groups.items())


def _refresh(user_id: int, timeframe: str, rows: list[KeptSeries], session: date, now: datetime) -> int:
    """Two workers queue the same download once: it is the same one (downloading.queue_refresh)."""
    marked = KeptSeries.objects.filter(pk__in=[row.pk for row in rows])
    try:
        owner_id = access_of_user(user_id).owner_id
    except NoKeys:
        marked.update(refreshed_for=session)
        return 0
    key = {"provider": ALPACA, "owner_id": owner_id, "timeframe": timeframe}
    stored = {
        series.symbol: series for series in BarSeries.objects.filter(**key, symbol__in=[r.symbol for r in rows])
    }
    symbols = sorted(stored)
    for place in range(0, len(symbols), MOST_SYMBOLS):
        batch = symbols[place : place + MOST_SYMBOLS]
        whole = min(stored[symbol].first for symbol in batch).date()
        first = whole if Timeframe(timeframe).is_dated else max(whole, now.date() - timedelta(days=DAYS))
        queue_refresh(user_id, owner_id, batch, timeframe, first, now)
    marked.update(refreshed_for=session)
    return len(symbols)
