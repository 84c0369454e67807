"""Undoing: deleting a series or a range of its bars, and restoring the version before the last change."""

from datetime import date, datetime

import numpy as np
from django.db import IntegrityError, transaction

from tradedesk.audit.services import record_all
from tradedesk.core.bars import COLUMNS, Bars, session_dates
from tradedesk.marketdata.bar_folder import file_exists
from tradedesk.marketdata.bars_audit import changed
from tradedesk.marketdata.in_use import uses_by_readers
from tradedesk.marketdata.kept_versions import keep_version
from tradedesk.marketdata.library import NoBars, bars_of
from tradedesk.marketdata.limits import require_room
from tradedesk.marketdata.models import BarSeries, PreviousVersion, StoredBars
from tradedesk.marketdata.quality import findings_of, with_seams_left
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import changed_just_now, key_of, save_series
from tradedesk.marketdata.services import SAMPLE
from tradedesk.marketdata.store import DamagedBars


def delete_series(series: BarSeries, now: datetime) -> None:
    """Delete a series; it stays as a previous version and can be restored. now: wall time.

    Raises ImportRefused for sample bars, for bars that are held or deployed, and for a series that has changed
    since it was read.
    """
    _require_not_sample(series)
    with transaction.atomic():
        _require_unused(series)
        same = BarSeries.objects.filter(pk=series.pk, fingerprint=series.fingerprint)
        if not same.delete()[0]:
            raise changed_just_now(key_of(series))
        keep_version(series, now)
        record_all([changed("bars_deleted", series, None)], now)


def delete_range(series: BarSeries, first: date | None, last: date | None, now: datetime) -> int:
    """Delete the bars of the sessions from `first` to `last`, both included; None is the beginning or the end.

    Returns the number of deleted bars. Raises ImportRefused as delete_series does, and for a range without bars.
    """
    if first is None and last is None:
        delete_series(series, now)
        return series.count
    _require_not_sample(series)
    _require_unused(series)
    try:
        bars = bars_of(series)
    except (NoBars, DamagedBars) as error:
        raise ImportRefused(f"{error} The whole series can be deleted.") from error
    days = session_dates(bars.time)
    inside = np.ones(len(bars), dtype=bool)
    if first is not None:
        inside &= days >= np.datetime64(first)
    if last is not None:
        inside &= days <= np.datetime64(last)
    deleted = int(inside.sum())
    if not deleted:
        raise ImportRefused(
            f"{series.symbol} has no bars in this range; its bars are from {days[0]} to {days[-1]}.", "first"
        )
    if deleted == len(bars):
        delete_series(series, now)
        return deleted
    kept = Bars(*(getattr(bars, name)[~inside] for name in COLUMNS))
    found = findings_of(kept, series.timeframe, adjusted=series.adjusted)
    accepted = [each.accept(series.doubts, ()) for each in found]
    findings = with_seams_left(accepted, kept, series.doubts)
    save_series(
        key_of(series),
        kept,
        adjusted=series.adjusted,
        stored=series,
        now=now,
        findings=findings,
        undoable=True,
        action="bars_deleted",
        feed=series.feed,
    )
    return deleted


def restore(version: PreviousVersion, now: datetime) -> BarSeries:
    """Make a previous version the series again; what is stored now becomes the previous version. now: wall time.

    Raises ImportRefused for bars that are held or deployed, for missing files, for more than a user may store, and
    for a series that has changed at the same time.
    """
    key = key_of(version)
    stored = BarSeries.objects.filter(**key._asdict()).first()
    if missing := [path for path in version.paths if not file_exists(path)]:
        raise ImportRefused(f"This version cannot be restored: {len(missing)} of its files are missing.")
    require_room(key, stored, version.count)
    values = version.stored_values() | {"updated_at": now}
    try:
        with transaction.atomic():
            _require_unused(version)
            if stored is None:
                series = BarSeries.objects.create(**values)
            else:
                same = BarSeries.objects.filter(pk=stored.pk, fingerprint=stored.fingerprint)
                if not same.update(**values):
                    raise changed_just_now(key)
                series = BarSeries(pk=stored.pk, **values)
            if not PreviousVersion.objects.filter(pk=version.pk).delete()[0]:
                raise changed_just_now(key)
            if stored is not None:
                keep_version(stored, now)
            record_all([changed("bars_restored", stored, series)], now)
    except IntegrityError:  # another import has made the series
        raise changed_just_now(key) from None
    return series


def _require_not_sample(series: BarSeries) -> None:
    if series.provider == SAMPLE:
        raise ImportRefused("The sample bars belong to the desk, which stores them again when it starts.")


def _require_unused(bars: StoredBars) -> None:
    if uses := uses_by_readers(key_of(bars)):
        raise ImportRefused(
            f"{bars.symbol} {bars.timeframe} is in use: {', '.join(uses)}. Stop and close that first."
        )
