"""Parquet: bars as typed columns, as pandas and most data tools save them."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradedesk.core.bars import Floats, Timeframe, Times
from tradedesk.marketdata.readers import columns
from tradedesk.marketdata.readers.columns import FileColumns, find_columns, too_many_rows_error
from tradedesk.marketdata.readers.times import EPOCH, MICROSECOND, TimeColumn
from tradedesk.marketdata.refusal import ImportRefused

SLICE = 65_536


def read_parquet(file: BinaryIO, timeframe: Timeframe) -> FileColumns:
    """The columns of a Parquet file as float64, times in UTC. Raises ImportRefused, naming the row (from 1)."""
    try:
        parquet = pq.ParquetFile(file)
        if parquet.metadata.num_rows > columns.MAX_ROWS:
            raise too_many_rows_error()
        titles = parquet.schema_arrow.names
        positions = find_columns(titles)
        table = parquet.read(columns=[titles[position] for position in positions.values()], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ImportRefused(f"The Parquet file could not be read: {str(error).splitlines()[0]}") from error
    found = {name: table.column(titles[position]) for name, position in positions.items()}
    return FileColumns(
        time=_times(found.pop("time"), titles[positions["time"]], timeframe),
        values={name: _numbers(column, titles[positions[name]]) for name, column in found.items()},
        place=_place,
    )


def _place(row: int) -> str:
    return f"Row {row + 1}"


def _numbers(column: pa.ChunkedArray, title: str) -> Floats:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise ImportRefused(f"Column {title} contains {kind}, not numbers.")
    column = column.cast(pa.float64(), safe=False)
    if column.null_count:
        return np.array(column.to_pylist(), dtype=np.float64)  # None becomes NaN
    # Not to_numpy(), which imports pandas.
    combined = column.combine_chunks()
    return np.frombuffer(combined.buffers()[1], np.float64, len(combined), combined.offset * 8)


def _times(column: pa.ChunkedArray, title: str, timeframe: Timeframe) -> Times:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    elif not (pa.types.is_date(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ImportRefused(f"Column {title} contains {kind}. Times must be dates, timestamps or text.")
    times = TimeColumn(timeframe)
    for start in range(0, len(column), SLICE):
        for value in _values(column.slice(start, SLICE)):
            try:
                times.append(value)
            except ValueError as error:
                raise ImportRefused(f"{_place(len(times))}: {error}") from None
    return times.as_array()


def _values(column: pa.ChunkedArray) -> Iterable[datetime | date | str | None]:
    if not pa.types.is_timestamp(column.type) or column.type.tz is None:
        return column.to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types
    # Through integers, because timestamps with a zone import pandas.
    zone = pa.lib.string_to_tzinfo(column.type.tz)
    moments = column.cast(pa.int64()).to_pylist()
    return ((EPOCH + moment * MICROSECOND).astimezone(zone) if moment is not None else None for moment in moments)
