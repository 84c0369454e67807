"""Bars as CSV or Parquet in chunks. Importing such a file gives the same bars, bit for bit."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradedesk.core.bars import COLUMNS, Bars, Timeframe, session_dates
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.store import PARQUET, table_of

CSV_ROWS, PARQUET_ROWS = 2_000, 100_000
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def file_name(series: BarSeries, file_format: str) -> str:
    return f"{series.symbol}-{series.timeframe}.{file_format}"


def chunks_of(bars: Bars, timeframe: str, file_format: str) -> Iterator[bytes]:
    """file_format: a key of CONTENT_TYPES."""
    return csv_chunks(bars, timeframe) if file_format == "csv" else parquet_chunks(bars)


def csv_chunks(bars: Bars, timeframe: str) -> Iterator[bytes]:
    """Daily bars with the date of their session, shorter ones with their time in UTC. Every digit is written."""
    yield (",".join(COLUMNS) + "\n").encode()
    for start in range(0, len(bars), CSV_ROWS):
        part = bars[start : start + CSV_ROWS]
        columns = (getattr(part, name).tolist() for name in COLUMNS[1:])
        rows = zip(_times(part, timeframe), *columns, strict=True)
        yield "".join(f"{t},{o!r},{h!r},{low!r},{c!r},{v!r}\n" for t, o, h, low, c, v in rows).encode()


def parquet_chunks(bars: Bars) -> Iterator[bytes]:
    """One Parquet file, a row group at a time."""
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), table_of(bars[:0]).schema, **PARQUET) as writer:
        for start in range(0, len(bars), PARQUET_ROWS):
            writer.write_table(table_of(bars[start : start + PARQUET_ROWS]))
            yield sink.taken()
    yield sink.taken()


def _times(bars: Bars, timeframe: str) -> list[str]:
    if Timeframe(timeframe).is_dated:
        return list(session_dates(bars.time).astype(str).tolist())
    whole = np.array_equal(bars.time, bars.time.astype("datetime64[s]"))
    texts: list[str] = np.datetime_as_string(bars.time, unit="s" if whole else "us", timezone="UTC").tolist()
    return texts


class _Sink:
    """What pyarrow needs of a file to write to; it keeps only what was written since it was last taken."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._position = 0

    def write(self, content: bytes) -> int:
        self._written.append(bytes(content))
        self._position += len(content)
        return len(content)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        content = b"".join(self._written)
        self._written.clear()
        return content
