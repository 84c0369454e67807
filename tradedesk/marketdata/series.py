"""Saving a series: its files in the bar store and its row in the database, in one step."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.db import transaction

from tradedesk.core.bars import Bars, to_datetime
from tradedesk.marketdata import store
from tradedesk.marketdata.bar_folder import delete_file, file_exists, files_in
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import TAIL, Part, Piece, fingerprint_of_parts, history_pieces
from tradedesk.marketdata.refusal import ImportRefused

# A file that no row names may belong to a writer that has not updated its row yet. No writer takes this long.
LONGEST_WRITE = timedelta(hours=1)

Value = TypeVar("Value")


class SeriesKey(NamedTuple):
    """The unique key of a series."""

    provider: str
    symbol: str
    timeframe: str


def save_series(
    key: SeriesKey, bars: Bars, *, adjusted: bool, stored: BarSeries | None, now: datetime
) -> BarSeries:
    """Replace all bars of a series with `bars`, as history without a tail. See save_parts."""
    return save_parts(key, [], history_pieces(bars, key.timeframe), adjusted=adjusted, stored=stored, now=now)


def save_parts(
    key: SeriesKey,
    kept: Sequence[Part],
    new: Sequence[Piece],
    *,
    adjusted: bool,
    stored: BarSeries | None,
    now: datetime,
) -> BarSeries:
    """Make a series of `kept`, its first parts as they are, and of the `new` ones after them.

    stored: the row as it was read before; None if there was none. now: wall time. Writes the new files, then
    updates the row if it is still equal to `stored`, then deletes the files that no row names any more. A process
    that is killed on the way leaves the old bars or the new ones, and perhaps files that a later call deletes.
    Raises ImportRefused if the store cannot be written or the series has changed since it was read.
    """
    parts = [*kept, *(piece.part for piece in new)]
    values = {
        "first": stored.first if stored and kept else to_datetime(new[0].bars.time[0]),
        "last": to_datetime(new[-1].bars.time[-1]),
        "count": sum(part.length for part in parts),
        "adjusted": adjusted,
        "part_rows": [list(part) for part in parts],
        "fingerprint": fingerprint_of_parts(parts),
        "updated_at": now,
    }
    series = BarSeries(pk=stored.pk if stored else None, **key._asdict(), **values)
    try:
        _write(series, new, stored)
    except OSError as error:
        reason = error.strerror or error
        raise ImportRefused(f"The bars could not be stored ({reason}). Nothing was changed.") from error
    if not _row_updated(series, stored, values):
        raise ImportRefused(f"Another import or feed changed the bars of {key.symbol} just now. Try again.")
    _delete_unused(series, stored, now, left_overs=any(piece.part.period != TAIL for piece in new))
    return series


def read_parts(series: BarSeries, parts: Iterable[Part]) -> list[Bars]:
    """The bars of each of these parts. Raises FileNotFoundError and DamagedBars."""
    return [store.read(series.path_of(part), part.fingerprint) for part in parts]


def while_current(series: BarSeries, read: Callable[[], Value]) -> Value:
    """What `read` returns; it is called again if the files of the series were replaced after its row was read.

    Reads the row again into `series` then. Raises FileNotFoundError if a file is missing that the row names.
    """
    while True:
        try:
            return read()
        except FileNotFoundError:
            before = series.fingerprint
            series.refresh_from_db()
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
    same_key = BarSeries.objects.filter(provider=series.provider, symbol=series.symbol, timeframe=series.timeframe)
    if stored is None:
        row, created = same_key.get_or_create(
            provider=series.provider, symbol=series.symbol, timeframe=series.timeframe, defaults=values
        )
        series.pk = row.pk
        return created or row.fingerprint == series.fingerprint
    won = same_key.filter(fingerprint=stored.fingerprint).update(**values) == 1
    return won or same_key.filter(fingerprint=series.fingerprint).exists()


def _delete_unused(series: BarSeries, stored: BarSeries | None, now: datetime, *, left_overs: bool) -> None:
    """After the commit: delete the replaced files. left_overs: also those of killed writers, from a list of all.

    An error is only logged: the next compaction or import deletes the files.
    """
    replaced = set(stored.paths) - set(series.paths) if stored else set()

    def delete() -> None:
        found = set(replaced)
        if left_overs:
            folder = store.folder_of(series.provider, series.symbol)
            found |= {file.path for file in files_in(folder) if file.modified < now - LONGEST_WRITE}
        # The folder has the files of all timeframes.
        rows = BarSeries.objects.filter(provider=series.provider, symbol=series.symbol)
        for path in found.difference(*(row.paths for row in rows)):
            delete_file(path)

    transaction.on_commit(delete, robust=True)
