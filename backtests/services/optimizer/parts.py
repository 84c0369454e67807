"""The results of a run in the storage “research”: a Parquet part for each chunk, in the end one file of all.

Columns: market, number, the parameters of a search, figures (fractions, ratios, dollars) and score; NaN where
a figure is not defined.
"""

import io
from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages

from backtests.models import OptimizerChunk
from backtests.optimizer.choice import Chosen
from backtests.optimizer.figures import FIGURES, Figures
from tradedesk.core.bars import Floats
from tradedesk.marketdata.files import put

PART = "part-"
# The columns that say which combination may stand first.
JUDGED = ("number", "score", "trades", "exposure")


def part_path(run_id: int, chunk_number: int) -> str:
    return f"{_folder(run_id)}/{PART}{chunk_number:05}.parquet"


def results_path(run_id: int) -> str:
    return f"{_folder(run_id)}/results.parquet"


def write_part(chunk: OptimizerChunk, chosen: Chosen, figures: Figures, score: Floats) -> None:
    """Keep what a chunk has found, in place of what an earlier attempt at it has left."""
    # The entrants of a ranking have other parameters each, and keep them in their rows alone.
    names = list(chosen[0][1]) if chosen and chunk.run.is_search else []
    columns: dict[str, Any] = {
        "market": pa.array([chunk.market] * len(chosen), pa.string()).dictionary_encode(),
        "number": np.array([number for number, _ in chosen], np.int64),
    }
    columns |= {name: np.array([values[name] for _, values in chosen]) for name in names}
    columns |= {name: np.ascontiguousarray(figures[name]) for name in FIGURES.names or ()}
    columns["score"] = score
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    put(_storage(), part_path(chunk.run_id, chunk.number), ContentFile(buffer.getvalue()))


def read_part(run_id: int, chunk_number: int) -> pa.Table:
    """Raises FileNotFoundError."""
    with _storage().open(part_path(run_id, chunk_number), "rb") as file:
        return pq.read_table(pa.BufferReader(file.read()))


def merge(run_id: int, chunk_numbers: Sequence[int]) -> Iterator[pa.Table]:
    """Write the one file of all parts, a part at a time; yields each part as it goes in, but for empty ones."""
    with TemporaryFile() as file:
        writer: pq.ParquetWriter | None = None
        for number in chunk_numbers:
            part = _plain(read_part(run_id, number))
            if not part.num_rows:
                continue
            writer = writer or pq.ParquetWriter(file, part.schema, compression="zstd")
            writer.write_table(part)
            yield part
        if writer:
            writer.close()
            put(_storage(), results_path(run_id), File(file))


def read_results(path: str, columns: Sequence[str], market: str) -> pa.Table:
    """Some columns of every combination that was tried in one market. Raises FileNotFoundError."""
    with _storage().open(path, "rb") as file:
        return pq.read_table(file, columns=list(columns), filters=[("market", "=", market)])


def delete_parts(run_id: int) -> None:
    """Whatever parts there are; the one file of all stays."""
    delete_files(run_id, PART)


def delete_files(run_id: int, beginning: str = "") -> None:
    """Whatever there is of a run, of files whose names begin so."""
    try:
        _, names = _storage().listdir(_folder(run_id))
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(beginning):
            _storage().delete(f"{_folder(run_id)}/{name}")


def _plain(part: pa.Table) -> pa.Table:
    place = part.schema.get_field_index("market")
    return part.set_column(place, "market", part.column("market").cast(pa.string()))


def _folder(run_id: int) -> str:
    return f"optimizer/{run_id}"


def _storage() -> Storage:
    return storages["research"]
