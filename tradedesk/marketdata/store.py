"""The files of the bar store: Parquet, named by the fingerprint of their bars, and verified when they are read.

A file never changes. So a series changes in one step, on a disk and in object storage: its new files are complete
before the BarSeries row names them, and the old files are read until then.
"""

import hashlib
import io
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tradedesk.core.bars import COLUMNS, Bars, Timeframe
from tradedesk.marketdata.bar_folder import read_file, write_file
from tradedesk.marketdata.symbols import clean_symbol

PROVIDER = re.compile(r"[a-z][a-z0-9_]{0,19}", re.ASCII)
PERIOD = re.compile(r"[0-9]{4}|all|tail", re.ASCII)
FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
TIME = pa.timestamp("us", tz="UTC")
ENCODINGS = {name: "DELTA_BINARY_PACKED" if name == "time" else "BYTE_STREAM_SPLIT" for name in COLUMNS}
PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": False,
    "column_encoding": ENCODINGS,
    "store_schema": False,
}


class DamagedBars(Exception):
    """A file in the store does not match its fingerprint. The message says what to do."""


def fingerprint_of(bars: Bars) -> str:
    """SHA-256 (hex) of the columns' bytes, little-endian, one after the other; times as int64 microseconds."""
    digest = hashlib.sha256()
    for name in COLUMNS:
        digest.update(np.ascontiguousarray(_plain(bars, name)).data)
    return digest.hexdigest()


def folder_of(provider: str, symbol: str, *, owner_id: int | None) -> str:
    """The folder of all bars of a symbol: of one owner, or of the bars for all users.

    Raises ValueError for parts that are not safe in a path.
    """
    if not PROVIDER.fullmatch(provider):
        raise ValueError(f"{provider!r} cannot be part of the path of a bar file.")
    # No provider has a hyphen, so the folder of an owner is never the folder of a provider.
    owner = "" if owner_id is None else f"user-{owner_id:d}/"
    return f"{owner}{provider}/{clean_symbol(symbol)}"


def bars_path(
    provider: str, symbol: str, timeframe: str, period: str, fingerprint: str, *, owner_id: int | None
) -> str:
    """The path of these bars in the store. Raises ValueError for parts that are not safe in a path."""
    if not PERIOD.fullmatch(period) or not FINGERPRINT.fullmatch(fingerprint):
        raise ValueError(f"{period!r} and {fingerprint!r} cannot be part of the path of a bar file.")
    folder = folder_of(provider, symbol, owner_id=owner_id)
    return f"{folder}/{Timeframe(timeframe)}.{period}.{fingerprint[:16]}.parquet"


def encode(bars: Bars) -> bytes:
    """Bars as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table_of(bars), buffer, **PARQUET)
    return buffer.getvalue()


def table_of(bars: Bars) -> pa.Table:
    # From buffers, because pa.array() imports pandas: half a second and 55 MB.
    columns = []
    for name in COLUMNS:
        column = np.ascontiguousarray(_plain(bars, name))
        kind = TIME if name == "time" else pa.float64()
        columns.append(pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(column)]))
    return pa.Table.from_arrays(columns, names=list(COLUMNS))


def decode(content: bytes) -> Bars:
    """The bars of a Parquet file from `encode`; their arrays are read-only. Raises DamagedBars."""
    try:
        table = pq.ParquetFile(pa.BufferReader(content)).read(columns=list(COLUMNS), use_threads=False)
        return Bars(*(_array(table.column(name), name) for name in COLUMNS))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DamagedBars(f"This is not a bar file: {error}") from error


def write(path: str, bars: Bars) -> None:
    """Write bars to `path`, completely or not at all. Raises OSError."""
    write_file(path, encode(bars))


def read(path: str, fingerprint: str) -> Bars:
    """The bars at `path`. Raises FileNotFoundError, and DamagedBars if they do not have that fingerprint."""
    content = read_file(path)
    try:
        bars = decode(content)
    except DamagedBars:
        bars = None
    if bars is None or fingerprint_of(bars) != fingerprint:
        raise DamagedBars(
            f"The file {path} in the bar store is damaged. Delete it, then import the bars again; those of Alpaca "
            "are downloaded again by themselves."
        )
    return bars


def _plain(bars: Bars, name: str) -> NDArray[Any]:
    column: NDArray[Any] = getattr(bars, name)
    return column.astype("datetime64[us]").view("<i8") if name == "time" else column.astype("<f8", copy=False)


def _array(column: pa.ChunkedArray, name: str) -> NDArray[Any]:
    wanted = TIME if name == "time" else pa.float64()
    if column.type != wanted or column.null_count:
        raise ValueError(f"column {name} is {column.type}, not {wanted}")
    whole = column.combine_chunks()
    # Not to_numpy(), which imports pandas.
    plain = np.frombuffer(whole.buffers()[1], "<i8" if name == "time" else "<f8", len(whole), whole.offset * 8)
    plain.flags.writeable = False
    return plain.view("datetime64[us]") if name == "time" else plain
