"""Parquet: bars as typed columns, as pandas and most data tools save them."""

from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradedesk.marketdata.readers import headings, table
from tradedesk.marketdata.readers.arrays import one_array
from tradedesk.marketdata.readers.table import Places, Table, too_many_rows
from tradedesk.marketdata.refusal import ImportRefused

MAX_COLUMNS = 10_000


def read_parquet(file: BinaryIO, name: str) -> Table:
    """The rows of a Parquet file. Raises ImportRefused."""
    try:
        parquet = pq.ParquetFile(file)
        if parquet.metadata.num_rows > table.MAX_ROWS:
            raise too_many_rows()
        titles = parquet.schema_arrow.names
        if len(titles) > MAX_COLUMNS or parquet.metadata.num_columns != len(titles):
            raise ImportRefused(
                "The Parquet file has nested columns. Save it with one plain column for each value."
            )
        layout = headings.find_layout([titles, *_sample(parquet, titles)], decimal_comma=False)
        read = parquet.read(columns=[titles[position] for position in layout.positions], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ImportRefused(f"The Parquet file could not be read: {str(error).splitlines()[0]}") from error
    return Table(
        layout=layout,
        columns={position: _plain(read.column(titles[position])) for position in layout.positions},
        places=Places("Row", np.arange(1, read.num_rows + 1)),
        notes=layout.notes,
        source=name,
    )


def _sample(parquet: pq.ParquetFile, titles: list[str]) -> list[list[str]]:
    """The first rows as text, from which the layout sees what the columns hold."""
    batch = next(parquet.iter_batches(batch_size=headings.SAMPLE, use_threads=False), None)
    if batch is None:
        return []
    columns = []
    for column in batch.columns:
        try:
            columns.append([text or "" for text in _text(_plain(column)).to_pylist()])
        except pa.ArrowException:
            columns.append([""] * len(column))  # a type without text is no column of bars
    return [list(row) for row in zip(*columns, strict=True)]


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_floating(column.type):
        # Seconds since 1970 as 1672756200, not as 1.6727562e+09.
        column = column.cast(pa.int64(), safe=False)
    return column.cast(pa.string())


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    column = one_array(column)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
