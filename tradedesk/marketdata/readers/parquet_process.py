"""Decode a Parquet file in a process of its own: `python -m tradedesk.marketdata.readers.parquet_process`.

The decoder is a large library in another language, and a small file can name gigabytes. What goes wrong with a
file of a stranger ends this process, never the desk. It reads the file from its standard input, and writes one
line of JSON (the titles and the first rows, as text) and the columns of bars as an Arrow stream.
"""

import json
import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradedesk.marketdata.readers import headings, table
from tradedesk.marketdata.readers.arrays import one_array
from tradedesk.marketdata.refusal import ImportRefused

MAX_COLUMNS = 10_000
# Of all columns together, as the file declares it; and what the process may use, which does not believe the file.
MAX_DECODED = 1024**3
MAX_MEMORY = 4 * 1024**3
SECONDS = 60.0
TOO_MUCH = "The Parquet file could not be decoded: it needs too much memory or time, or it is damaged."
Decoded = tuple[list[str], list[list[str]], pa.Table]


def decode(content: bytes) -> Decoded:
    """The titles, the first rows as text, and the columns of bars, named by their places. Raises ImportRefused."""
    command = [sys.executable, "-m", __name__]
    try:
        child = subprocess.run(  # noqa: S603  # this interpreter and this module
            command, input=content, capture_output=True, timeout=SECONDS, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise ImportRefused(TOO_MUCH) from None
    head, _, stream = child.stdout.partition(b"\n")
    answer: dict[str, Any] = json.loads(head)
    if "refused" in answer:
        raise ImportRefused(answer["refused"], answer["field"])
    return answer["titles"], answer["sample"], pa.ipc.open_stream(stream).read_all()


def decode_here(content: bytes) -> Decoded:
    """The same in this process. Raises ImportRefused."""
    try:
        parquet = pq.ParquetFile(BytesIO(content))
        _check_size(parquet)
        titles = parquet.schema_arrow.names
        if len(titles) > MAX_COLUMNS or parquet.metadata.num_columns != len(titles):
            raise ImportRefused(
                "The Parquet file has nested columns. Save it with one plain column for each value."
            )
        sample = _sample(parquet, titles)
        layout = headings.find_layout([titles, *sample], decimal_comma=False)
        read = parquet.read(columns=[titles[position] for position in layout.positions], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ImportRefused(f"The Parquet file could not be read: {str(error).splitlines()[0]}") from error
    columns = [_plain(read.column(titles[position])) for position in layout.positions]
    names = [str(position) for position in layout.positions]
    return titles, sample, pa.table(dict(zip(names, columns, strict=True)))


def _check_size(parquet: pq.ParquetFile) -> None:
    metadata = parquet.metadata
    if metadata.num_rows > table.MAX_ROWS:
        raise table.too_many_rows()
    decoded = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if decoded > MAX_DECODED:
        raise ImportRefused(
            f"The Parquet file has {decoded / 1024**2:,.0f} MB when it is decoded, more than "
            f"{MAX_DECODED // 1024**2:,} MB. Save it with fewer rows or columns."
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


def main() -> None:
    with suppress(ImportError, ValueError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS), int(SECONDS)))
    columns = None
    try:
        titles, sample, columns = decode_here(sys.stdin.buffer.read())
        answer: dict[str, Any] = {"titles": titles, "sample": sample}
    except ImportRefused as refusal:
        answer = {"refused": str(refusal), "field": refusal.field}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    if columns is not None:
        with pa.ipc.new_stream(sys.stdout.buffer, columns.schema) as stream:
            stream.write_table(columns)


if __name__ == "__main__":
    main()
