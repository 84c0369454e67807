"""Saving a series: its files in the bar store and its row in the database, in one step."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from tradedesk.audit.services import record_all
from tradedesk.core.bars import Bars, to_datetime
from tradedesk.marketdata import store
from tradedesk.marketdata.bar_folder import delete_file, file_exists, files_in
from tradedesk.marketdata.bars_audit import changed
from tradedesk.marketdata.kept_versions import keep_version
from tradedesk.marketdata.models import BarSeries, PreviousVersion, StoredBars
from tradedesk.marketdata.parts import TAIL, Part, Piece, fingerprint_of_parts, history_pieces
from tradedesk.marketdata.quality import Finding, as_json
from tradedesk.marketdata.refusal import ImportRefused

# A file that no row names may belong to a writer that has not updated its row yet. No writer takes this long.
LONGEST_WRITE = timedelta(hours=1)

# The bars of the feed; only delivering.py stores them.
ALPACA = "alpaca"

Value = TypeVar("Value")


class SeriesKey(NamedTuple):
    """The unique key of a series. owner_id: the only user who sees it; None for a series that all users see."""

    provider: str
    symbol: str
    timeframe: str
    owner_id: int | None = None


def key_of(bars: StoredBars) -> SeriesKey:
    return SeriesKey(bars.provider, bars.symbol, bars.timeframe, bars.owner_id)


def save_series(
    key: SeriesKey,
    bars: Bars,
    *,
    adjusted: bool,
    stored: BarSeries | None,
    now: datetime,
    findings: Iterable[Finding] = (),
    undoable: bool = False,
    action: str = "",
    feed: str | None = None,
) -> BarSeries:
    """Replace all bars of a series with `bars`, as history without a tail. See save_parts."""
    new = history_pieces(bars, key.timeframe)
    return save_parts(
        key,
        [],
        new,
        adjusted=adjusted,
        stored=stored,
        now=now,
        findings=findings,
        undoable=undoable,
        action=action,
        feed=feed,
    )


def save_parts(
    key: SeriesKey,
    kept: Sequence[Part],
    new: Sequence[Piece],
    *,
    adjusted: bool,
    stored: BarSeries | None,
    now: datetime,
    findings: Iterable[Finding] = (),
    undoable: bool = False,
    action: str = "",
    feed: str | None = None,
) -> BarSeries:
    """Make a series of `kept`, its first parts as they are, and of the `new` ones after them.

    stored: the row as it was read before; None if there was none. now: wall time. findings: about all bars.
    Writes the new files, then updates the row if it is still equal to `stored`, then deletes the files that no
    row names any more. A process that is killed on the way leaves the old bars or the new ones, and perhaps
    files that a later call deletes. undoable: keep `stored` as the previous version, in the same transaction as
    the update. action: what the audit calls the change, recorded there too; "" for one that it does not keep.
    feed: what the bars are of, None for ALPACA_FEED as it is.
    Raises ImportRefused if the store cannot be written or the series has changed since it was read.
    """
    parts = [*kept, *(piece.part for piece in new)]
    values = {
        "first": stored.first if stored and kept else to_datetime(new[0].bars.time[0]),
        "last": to_datetime(new[-1].bars.time[-1]),
        "count": sum(part.length for part in parts),
        "adjusted": adjusted,
        "feed": _feed_of(key) if feed is None else feed,
        "part_rows": [list(part) for part in parts],
        "fingerprint": fingerprint_of_parts(parts),
        "findings": as_json(findings),
        "updated_at": now,
    }
    series = BarSeries(pk=stored.pk if stored else None, **key._asdict(), **values)
    try:
        _write(series, new, stored)
    except OSError as error:
        reason = error.strerror or error
        raise ImportRefused(f"The bars could not be stored ({reason}). Nothing was changed.") from error
    with transaction.atomic():
        if not _row_updated(series, stored, values):
            raise changed_just_now(key)
        if undoable and stored and stored.fingerprint != series.fingerprint:
            keep_version(stored, now)
        if action:
            record_all([changed(action, stored, series)], now)
    left_overs = any(piece.part.period != TAIL for piece in new)
    delete_unused(stored or series, left_overs_at=now if left_overs else None)
    return series


def _feed_of(key: SeriesKey) -> str:
    return str(settings.ALPACA_FEED) if key.provider == ALPACA else ""


def changed_just_now(key: SeriesKey) -> ImportRefused:
    return ImportRefused(f"Another import or feed changed the bars of {key.symbol} just now. Try again.")


def read_parts(series: BarSeries, parts: Iterable[Part]) -> list[Bars]:
    """The bars of each of these parts. Raises FileNotFoundError and DamagedBars."""
    return [store.read(series.path_of(part), part.fingerprint) for part in parts]


def while_current(series: BarSeries, read: Callable[[], Value]) -> Value:
    """What `read` returns; it is called again if the files of the series were replaced after its row was read.

    Reads the row again into `series` then. Raises FileNotFoundError if a file is missing that the row names, and
    if the series was deleted.
    """
    while True:
        try:
            return read()
        except FileNotFoundError as missing:
            before = series.fingerprint
            try:
                series.refresh_from_db()
            except BarSeries.DoesNotExist:
                raise missing from None  # the series was deleted
            if series.fingerprint == before:
                raise


def _write(series: BarSeries, new: Sequence[Piece], stored: BarSeries | None) -> None:
    """Write the new files. A file that the row already names is not touched, unless someone deleted it."""
    named = set(stored.paths) if stored else set()
    for part, bars in new:
        path = series.path_of(part)
        if path not in named or not file_exists(path):
            store.write(path, bars)


def _row_updated(series: BarSeries, stored: BarSeries | None, values: dict[str, object]) -> bool:
    """Update or create the row. Returns whether it now has `values`, also if another import wrote the same."""
    key = key_of(series)._asdict()
    same_key = BarSeries.objects.filter(**key)
    if stored is None:
        row, created = same_key.get_or_create(**key, defaults=values)
        series.pk = row.pk
        return created or row.fingerprint == series.fingerprint
    won = same_key.filter(fingerprint=stored.fingerprint).update(**values) == 1
    return won or same_key.filter(fingerprint=series.fingerprint).exists()


def delete_unused(bars: StoredBars, left_overs_at: datetime | None = None) -> None:
    """After the commit: delete the files of `bars`, as that row was, which no row names any more. left_overs_at:
    at this wall time also those of killed writers, from a list of the folder.

    An error is only logged: the next compaction or import deletes the files.
    """
    place = {"provider": bars.provider, "symbol": bars.symbol, "owner_id": bars.owner_id}

    def delete() -> None:
        found = set(bars.paths)
        if left_overs_at is not None:
            folder = store.folder_of(bars.provider, bars.symbol, owner_id=bars.owner_id)
            found |= {file.path for file in files_in(folder) if file.modified < left_overs_at - LONGEST_WRITE}
        # The folder has the files of all timeframes.
        for rows in (BarSeries.objects.filter(**place), PreviousVersion.objects.filter(**place)):
            found -= {path for row in rows for path in row.paths}
        for path in found:
            delete_file(path)

    transaction.on_commit(delete, robust=True)


@receiver(post_delete, sender=BarSeries)
@receiver(post_delete, sender=PreviousVersion)
def _row_deleted(instance: StoredBars, **_: object) -> None:
    """Also when a user is deleted with all series."""
    delete_unused(instance)
