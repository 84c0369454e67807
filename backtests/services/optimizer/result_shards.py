"""The results of a run in the storage “research”: a Parquet shard for each chunk, in the end one file of all.

Columns: universe, number, the parameters of a search, figures (fractions, ratios, dollars) and score; NaN where
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
from backtests.research.optimizer.figures import FIGURES, Figures
from backtests.research.optimizer.sampling import Batch
from tradedesk.core.bars import Floats
from tradedesk.marketdata.files import write_atomically

SHARD = "shard-"
# The columns that say which combination may stand first.
JUDGED = ("number", "score", "trades", "exposure")


def shard_path(run_id: int, chunk_number: int) -> str:
    return f"{_folder(run_id)}/{SHARD}{chunk_number:05}.parquet"


def results_path(run_id: int) -> str:
    return f"{_folder(run_id)}/results.parquet"


def write_shard(chunk: OptimizerChunk, chosen: Batch, figures: Figures, score: Floats) -> None:
    """Keep what a chunk has found, in place of what an earlier attempt at it has left."""
    # The candidate_strategies of a ranking have other parameters each, and keep them in their rows alone.
    names = list(chosen[0][1]) if chosen and chunk.run.is_search else []
    columns: dict[str, Any] = {
        "universe": pa.array([chunk.universe] * len(chosen), pa.string()).dictionary_encode(),
        "number": np.array([number for number, _ in chosen], np.int64),
    }
    columns |= {name: np.array([values[name] for _, values in chosen]) for name in names}
    columns |= {name: np.ascontiguousarray(figures[name]) for name in FIGURES.names or ()}
    columns["score"] = score
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    write_atomically(_storage(), shard_path(chunk.run_id, chunk.number), ContentFile(buffer.getvalue()))


def read_shard(run_id: int, chunk_number: int) -> pa.Table:
    """Raises FileNotFoundError."""
    with _storage().open(shard_path(run_id, chunk_number), "rb") as file:
        return pq.read_table(pa.BufferReader(file.read()))


def merge(run_id: int, chunk_numbers: Sequence[int]) -> Iterator[pa.Table]:
    """Write the one file of all shards, a shard at a time; yields each shard as it goes in, but for empty ones."""
    with TemporaryFile() as file:
        writer: pq.ParquetWriter | None = None
        for number in chunk_numbers:
            shard = _plain(read_shard(run_id, number))
            if not shard.num_rows:
                continue
            writer = writer or pq.ParquetWriter(file, shard.schema, compression="zstd")
            writer.write_table(shard)
            yield shard
        if writer:
            writer.close()
            write_atomically(_storage(), results_path(run_id), File(file))


def read_results(path: str, columns: Sequence[str], universe: str) -> pa.Table:
    """Some columns of every combination that was tried in one universe. Raises FileNotFoundError."""
    with _storage().open(path, "rb") as file:
        return pq.read_table(file, columns=list(columns), filters=[("universe", "=", universe)])


def delete_shards(run_id: int) -> None:
    """Whatever shards there are; the one file of all stays."""
    delete_files(run_id, SHARD)


def delete_files(run_id: int, beginning: str = "") -> None:
    """Whatever there is of a run, of files whose names begin so."""
    try:
        _, names = _storage().listdir(_folder(run_id))
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(beginning):
            _storage().delete(f"{_folder(run_id)}/{name}")


def _plain(shard: pa.Table) -> pa.Table:
    place = shard.schema.get_field_index("universe")
    return shard.set_column(place, "universe", shard.column("universe").cast(pa.string()))


def _folder(run_id: int) -> str:
    return f"optimizer/{run_id}"


def _storage() -> Storage:
    return storages["research"]
