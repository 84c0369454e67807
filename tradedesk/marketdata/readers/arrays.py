"""Columns of Arrow from and to Python, without pandas, which Arrow's own conversions import."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tradedesk.core.bars import Floats


def text_array(texts: Sequence[str]) -> pa.Array:
    """A column of text."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def text_scalar(value: str | None) -> pa.Scalar:
    """A single text for Arrow's functions; None for null."""
    return (pa.nulls(1, pa.string()) if value is None else text_array([value]))[0]


def one_array(column: Any) -> pa.Array:
    """A chunked column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)


def is_text(column: pa.Array) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def floats(column: pa.Array) -> Floats:
    """A float64 column; NaN where it is null."""
    values = np.frombuffer(column.buffers()[1], np.float64, len(column), column.offset * 8)
    return np.where(mask(pc.is_valid(column)), values, np.nan) if column.null_count else values


def integers(column: pa.Array, *, null: int = 0) -> NDArray[np.int64]:
    """A column of whole numbers as int64; `null` where it is null."""
    column = pc.cast(column, pa.int64())
    values = np.frombuffer(column.buffers()[1], np.int64, len(column), column.offset * 8)
    return np.where(mask(pc.is_valid(column)), values, null) if column.null_count else values


def mask(column: pa.Array) -> NDArray[np.bool_]:
    """A column of truth values; null is false."""
    return integers(pc.cast(column, pa.uint8())).astype(bool)


def is_equal(column: pa.Array, value: str) -> pa.Array:
    """Where a column of text has this value."""
    return pc.equal(column, text_scalar(value))
