"""Downloads of the history of series: asked for by a user or by the desk, divided into steps, and cancelled.

downloading.py does the steps.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from tradedesk.audit.services import record_all
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.bars_audit import of_download
from tradedesk.marketdata.data_keys import access_of_user
from tradedesk.marketdata.feeds.alpaca import FIRST, served_timeframe
from tradedesk.marketdata.models import BarSeries, Download
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.services import known_timeframe
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.publishing import publish

log = logging.getLogger(__name__)

RUN_TASK = "tradedesk.marketdata.tasks.run_downloads"
# The bars of one step that are in memory at a time, about 25 MB, and the bars of a session (from 9:30 to 16:00).
STEP_BARS, SESSION_MINUTES = 500_000, 390
DAYS_OF_YEAR = 252
MOST_SYMBOLS, MOST_UNFINISHED = 50, 20
# After a failed replacement of a history.
REPLACEMENT_PAUSE = timedelta(hours=1)
# How long a finished download is shown.
KEPT = timedelta(days=30)
UNFINISHED = Q(finished_at=None)


@dataclass(frozen=True, slots=True)
class Step:
    """These symbols, from the first to the last day, both included."""

    symbols: tuple[str, ...]
    first: date
    last: date


def steps_of(symbols: Sequence[str], timeframe: str, start: date, end: date) -> list[Step]:
    """The steps of a download: stretches of a calendar year, the newest first, of as many symbols as fit; all
    years at once for daily bars. Pure."""
    dated = Timeframe(timeframe).is_dated
    years = max(end.year - start.year + 1, 1)
    of_year = DAYS_OF_YEAR * (1 if dated else SESSION_MINUTES // Timeframe(timeframe).minutes)
    size = max(1, STEP_BARS // (of_year * (years if dated else 1)))
    stretches = [(start, end)] if dated else _years(start, end)
    batches = [tuple(symbols[place : place + size]) for place in range(0, len(symbols), size)]
    return [Step(batch, *stretch) for batch in batches for stretch in stretches]


def _years(start: date, end: date) -> list[tuple[date, date]]:
    """The calendar years from `end` back to `start`, as first and last days."""
    return [
        (max(start, date(year, 1, 1)), min(end, date(year, 12, 31)))
        for year in range(end.year, start.year - 1, -1)
    ]


def cleaned_symbols(symbols: Iterable[str]) -> list[str]:
    """Raises ImportRefused."""
    try:
        found = list(dict.fromkeys(clean_symbol(symbol) for symbol in symbols))
    except InvalidSymbol as error:
        raise ImportRefused(str(error), "symbols") from None
    if not found:
        raise ImportRefused("Enter a symbol.", "symbols")
    if len(found) > MOST_SYMBOLS:
        raise ImportRefused(f"A download has at most {MOST_SYMBOLS} symbols, not {len(found)}.", "symbols")
    return found


def request_download(
    user_id: int, symbols: Iterable[str], timeframe: str, start: date | None, *, now: datetime
) -> Download:
    """Queue the download of these symbols for this user. start: None for all that there is. Raises ImportRefused,
    and NoKeys without keys."""
    wanted = cleaned_symbols(symbols)
    served = served_timeframe(known_timeframe(timeframe))
    first = max(start or FIRST.date(), FIRST.date())
    if first > now.date():
        raise ImportRefused("The first day is in the future.", "start")
    access = access_of_user(user_id)
    mine = Download.objects.filter(user=user_id)
    if mine.filter(UNFINISHED).count() >= MOST_UNFINISHED:
        raise ImportRefused(f"You have {MOST_UNFINISHED} downloads that are not finished. Cancel one, or wait.")
    today = mine.filter(created_at__gt=now - timedelta(days=1), automatic=False).values_list("symbols", flat=True)
    if sum(map(len, today)) + len(wanted) > settings.MAX_SERIES_PER_USER:
        raise ImportRefused(f"A user may download {settings.MAX_SERIES_PER_USER:,} series in a day.", "symbols")
    job = Download(user_id=user_id, owner_id=access.owner_id, symbols=wanted, timeframe=served.value, start=first)
    return _queue(job, now)


def _queue(job: Download, now: datetime) -> Download:
    """The same download that waits already is not queued twice."""
    same = Download.objects.filter(
        UNFINISHED,
        user=job.user_id,
        owner=job.owner_id,
        symbols=job.symbols,
        timeframe=job.timeframe,
        replace=job.replace,
        start__lte=job.start,
    ).first()
    if same is not None:
        return same
    job.end, job.created_at = now.date(), now
    job.steps = 1 if job.replace else len(steps_of(job.symbols, job.timeframe, job.start, job.end))
    with transaction.atomic():
        job.save(force_insert=True)
        record_all([of_download("download_queued", job)], now)
    publish(RUN_TASK, [()])
    return job


def queue_refresh(
    user_id: int, owner_id: int | None, symbols: list[str], timeframe: str, first: date, now: datetime
) -> Download:
    """Queue the desk's own download of what a user keeps up to date."""
    job = Download(
        user_id=user_id, owner_id=owner_id, symbols=symbols, timeframe=timeframe, start=first, automatic=True
    )
    return _queue(job, now)


def queue_replacement(
    key: SeriesKey, reason: str, now: datetime, *, since: datetime | None = None
) -> Download | None:
    """Queue the download of a whole history, or return the last one while it has just failed. reason: why the
    feed's bars cannot be stored beside those that are. since: an earlier start than that of what is stored."""
    stored = BarSeries.objects.filter(**key._asdict()).first()
    if stored is None:
        return None
    job = Download(
        user_id=key.owner_id,
        owner_id=key.owner_id,
        symbols=[key.symbol],
        timeframe=key.timeframe,
        start=min(stored.first, since or stored.first).date(),
        automatic=True,
        replace=True,
        notes=reason[:200],
    )
    same = {"owner": key.owner_id, "symbols": job.symbols, "timeframe": job.timeframe, "replace": True}
    failed = Download.objects.filter(
        **same, status=Download.Status.FAILED, finished_at__gt=now - REPLACEMENT_PAUSE, finished_at__lte=now
    )
    if (last := failed.first()) is not None and not Download.objects.filter(UNFINISHED, **same).exists():
        return last
    log.info("%s is downloaded again: %s.", stored, reason)
    return _queue(job, now)


def cancel(download: Download, now: datetime) -> bool:
    """Returns False when it was finished already. What is stored stays."""
    ended = {"status": Download.Status.CANCELLED, "finished_at": now, "leased_until": None, "stage": ""}
    with transaction.atomic():
        if not Download.objects.filter(UNFINISHED, pk=download.pk).update(**ended):
            return False
        record_all([of_download("download_cancelled", download)], now)
    return True


def delete_old(now: datetime) -> int:
    """Delete finished downloads that nobody looks at any more. Returns the number."""
    return Download.objects.filter(finished_at__lt=now - KEPT).delete()[0]
