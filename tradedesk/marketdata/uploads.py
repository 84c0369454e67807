"""Files that users have sent, kept between the preview and the import: few for each user, and not for long."""

from datetime import datetime, timedelta
from io import BytesIO
from typing import BinaryIO
from uuid import UUID

from tradedesk.marketdata.bar_folder import delete_file, read_file, write_file
from tradedesk.marketdata.import_files import ImportOptions, NamedSeries, ReadFile, read_files
from tradedesk.marketdata.models import Upload
from tradedesk.marketdata.readers import DateOrder
from tradedesk.marketdata.refusal import ImportRefused

KEPT_FOR = timedelta(hours=1)
MAX_PER_USER = 3
# The page checks and shows each series; manage.py import_bars has no such limit.
MAX_SERIES = 50
# What a ZIP may unpack to on the page.
MAX_UNPACKED = 200 * 1024 * 1024


def keep(user_id: int, file: BinaryIO, name: str, options: ImportOptions, *, now: datetime) -> Upload:
    """Keep a file that can be read. The oldest of a user's files gives way. now: wall time. Raises ImportRefused
    if no series of it can be read."""
    content = file.read()
    _require_series(_read(content, name, options))
    older = Upload.objects.filter(user_id=user_id).order_by("-sent_at")[MAX_PER_USER - 1 :]
    for upload in older:
        discard(upload)
    upload = Upload(
        user_id=user_id,
        name=name[:100],
        size=len(content),
        sent_at=now,
        symbol=options.symbol,
        timeframe=options.timeframe,
        for_all=options.owner_id is None,
        adjusted=options.adjusted,
        replace=options.replace,
        date_order=options.date_order or "",
    )
    # The row first, so that a file that was written is always found and deleted.
    upload.save(force_insert=True)
    try:
        write_file(upload.path, content)
    except OSError as error:
        discard(upload)
        raise ImportRefused(f"The file could not be kept: {error.strerror or error}.") from error
    return upload


def find(user_id: int, upload_id: UUID, *, now: datetime) -> Upload | None:
    """A file of this user that is still kept."""
    return Upload.objects.filter(user_id=user_id, pk=upload_id, sent_at__gt=now - KEPT_FOR).first()


def options_of(upload: Upload) -> ImportOptions:
    orders: dict[str, DateOrder] = {"mdy": "mdy", "dmy": "dmy"}
    return ImportOptions(
        symbol=upload.symbol,
        timeframe=upload.timeframe,
        adjusted=upload.adjusted,
        replace=upload.replace,
        date_order=orders.get(upload.date_order),
        owner_id=None if upload.for_all else upload.user_id,
    )


def contents(upload: Upload) -> list[ReadFile]:
    """The files in it, each with its series or its refusal. Raises FileNotFoundError."""
    return _read(read_file(upload.path), upload.name, options_of(upload))


def discard(upload: Upload) -> None:
    """Delete the file and its row. Raises OSError."""
    delete_file(upload.path)
    upload.delete()


def delete_old(now: datetime) -> int:
    """Delete the files whose time is over; returns their number. now: wall time."""
    old = list(Upload.objects.filter(sent_at__lte=now - KEPT_FOR))
    for upload in old:
        discard(upload)
    return len(old)


def _read(content: bytes, name: str, options: ImportOptions) -> list[ReadFile]:
    return list(read_files(BytesIO(content), name, options, limit=MAX_UNPACKED))


def _require_series(files: list[ReadFile]) -> None:
    series: list[NamedSeries] = [each for file in files for each in file.series]
    if len(series) > MAX_SERIES:
        raise ImportRefused(
            f"The file has {len(series):,} series; this page takes {MAX_SERIES}. Import it with manage.py "
            "import_bars."
        )
    if not series:
        refusal = next(file.refusal for file in files if file.refusal)
        raise ImportRefused(str(refusal) if len(files) == 1 else f"{files[0].name}: {refusal}", refusal.field)
