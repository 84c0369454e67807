"""CSV: bars as text, separated by commas, semicolons or tabs."""

import csv
import io
from array import array
from typing import BinaryIO

import numpy as np

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.readers import columns
from tradedesk.marketdata.readers.columns import FileColumns, find_columns, too_many_rows_error
from tradedesk.marketdata.readers.times import TimeColumn
from tradedesk.marketdata.refusal import ImportRefused

CHUNK = 1 << 20
# How vendors and pandas write a missing number.
EMPTY = {"", "nan", "na", "n/a", "null", "none", "-"}


def read_delimited(file: BinaryIO, timeframe: Timeframe) -> FileColumns:
    """The columns of a CSV file as float64, times in UTC. Raises ImportRefused, which names the line."""
    _check_lines(file)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        return _read(text, timeframe)
    except UnicodeDecodeError:
        raise ImportRefused("The file is neither Parquet nor a CSV in UTF-8. Export it as one of these.") from None
    except csv.Error as error:
        raise ImportRefused(f"The file could not be read as CSV: {error}.") from None
    finally:
        text.detach()


def _check_lines(file: BinaryIO) -> None:
    """Refuse a file that is too long or not text, before anything is parsed."""
    lines = 0
    while chunk := file.read(CHUNK):
        ends = chunk.count(b"\n") or chunk.count(b"\r")
        if not ends and len(chunk) == CHUNK:
            raise ImportRefused("The file is neither Parquet nor CSV: it has no lines.")
        lines += ends
        if lines > columns.MAX_ROWS + 1:
            raise too_many_rows_error()
    file.seek(0)


def _read(text: io.TextIOWrapper, timeframe: Timeframe) -> FileColumns:
    first = text.readline()
    if not first.strip():
        raise ImportRefused(
            "The file is empty or begins with an empty line. The first line must name the columns."
        )
    separator = max(",;\t", key=first.count)
    header = next(csv.reader([first], delimiter=separator))
    positions = find_columns(header)
    time_position = positions.pop("time")
    lines, times = array("q"), TimeColumn(timeframe)
    numbers = {name: array("d") for name in positions}
    targets = [(numbers[name], positions[name]) for name in positions]
    rows = csv.reader(text, delimiter=separator)
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        line = rows.line_num + 1
        if len(row) != len(header):
            raise ImportRefused(f"Line {line} has {len(row)} values, but the file has {len(header)} columns.")
        try:
            times.append(row[time_position])
            for column, position in targets:
                column.append(_number(row[position], header[position]))
        except ValueError as error:
            raise ImportRefused(f"Line {line}: {error}") from None
        lines.append(line)
    return FileColumns(
        time=times.as_array(),
        values={name: np.frombuffer(numbers[name], dtype=np.float64) for name in numbers},
        place=lambda row: f"Line {lines[row]}",
    )


def _number(text: str, title: str) -> float:
    try:
        return float(text)
    except ValueError:
        if text.strip().lower() in EMPTY:
            return float("nan")
        raise ValueError(f"{title.strip()} is “{text.strip()[:40]}”, not a number.") from None
