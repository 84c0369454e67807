"""Parquet: bars as typed columns, as pandas and most data tools save them."""

from typing import BinaryIO

import numpy as np

from tradedesk.marketdata.readers import headings
from tradedesk.marketdata.readers.arrays import one_array
from tradedesk.marketdata.readers.parquet_process import decode
from tradedesk.marketdata.readers.table import Places, Table


def read_parquet(file: BinaryIO, name: str) -> Table:
    """The rows of a Parquet file, which another process decodes. Raises ImportRefused."""
    titles, sample, columns = decode(file.read())
    layout = headings.find_layout([titles, *sample], decimal_comma=False)
    return Table(
        layout=layout,
        columns={position: one_array(columns.column(str(position))) for position in layout.positions},
        places=Places("Row", np.arange(1, columns.num_rows + 1)),
        notes=layout.notes,
        source=name,
    )
