"""The results of a run in the storage “research”: a Parquet shard for each chunk, merged into one file at the end.

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
# The columns that decide whether a combination is eligible.
ELIGIBILITY_COLUMNS = ("number", "score", "trades", "exposure")


def shard_path(run_id: int, chunk_number: int) -> str:
    return f"{_folder(run_id)}/{SHARD}{chunk_number:05}.parquet"


def results_path(run_id: int) -> str:
    return f"{_folder(run_id)}/results.parquet"


def write_shard(chunk: OptimizerChunk, batch: Batch, figures: Figures, score: Floats) -> None:
    """Store the results of a chunk, in place of those of an earlier attempt."""
    # The strategies of a ranking each have other parameters, which are only in `ranked_strategies`.
    names = list(batch[0][1]) if batch and chunk.run.is_search else []
    columns: dict[str, Any] = {
        "universe": pa.array([chunk.universe] * len(batch), pa.string()).dictionary_encode(),
        "number": np.array([number for number, _ in batch], np.int64),
    }
    columns |= {name: np.array([values[name] for _, values in batch]) for name in names}
    columns |= {name: np.ascontiguousarray(figures[name]) for name in FIGURES.names or ()}
    columns["score"] = score
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    write_atomically(_storage(), shard_path(chunk.run_id, chunk.number), ContentFile(buffer.getvalue()))


def read_shard(run_id: int, chunk_number: int) -> pa.Table:
    """Raises FileNotFoundError."""
    with _storage().open(shard_path(run_id, chunk_number), "rb") as file:
        return pq.read_table(pa.BufferReader(file.read()))


def merge_shards(run_id: int, chunk_numbers: Sequence[int]) -> Iterator[pa.Table]:
    """Write all shards into one file, one at a time; yields each shard that is written and skips empty ones."""
    with TemporaryFile() as file:
        writer: pq.ParquetWriter | None = None
        for number in chunk_numbers:
            shard = _with_plain_universe(read_shard(run_id, number))
            if not shard.num_rows:
                continue
            writer = writer or pq.ParquetWriter(file, shard.schema, compression="zstd")
            writer.write_table(shard)
            yield shard
        if writer:
            writer.close()
            write_atomically(_storage(), results_path(run_id), File(file))


def read_results(path: str, columns: Sequence[str], universe: str) -> pa.Table:
    """Some columns of every combination that was tested in one universe. Raises FileNotFoundError."""
    with _storage().open(path, "rb") as file:
        return pq.read_table(file, columns=list(columns), filters=[("universe", "=", universe)])


def delete_shards(run_id: int) -> None:
    """Delete the shards of a run; the merged file stays."""
    delete_files(run_id, SHARD)


def delete_files(run_id: int, prefix: str = "") -> None:
    """Delete the files of a run whose names start with `prefix`."""
    try:
        _, names = _storage().listdir(_folder(run_id))
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(prefix):
            _storage().delete(f"{_folder(run_id)}/{name}")


def _with_plain_universe(shard: pa.Table) -> pa.Table:
    index = shard.schema.get_field_index("universe")
    return shard.set_column(index, "universe", shard.column("universe").cast(pa.string()))


def _folder(run_id: int) -> str:
    return f"optimizer/{run_id}"


def _storage() -> Storage:
    return storages["research"]
