"""A table of rows of text, as workbooks and JSON give them."""

from collections.abc import Sequence

import numpy as np

from tradedesk.marketdata.readers import headings
from tradedesk.marketdata.readers.arrays import text_array
from tradedesk.marketdata.readers.table import Places, Table
from tradedesk.marketdata.refusal import ImportRefused


def table_of_grid(rows: Sequence[Sequence[str]], numbers: Sequence[int], word: str, source: str) -> Table:
    """The table of rows with their numbers in the file; empty rows must be left out. Raises ImportRefused."""
    if not rows:
        raise ImportRefused("The file is empty.")
    layout = headings.find_layout(rows[: headings.LOOK_AT + headings.SAMPLE], decimal_comma=False)
    body = rows[layout.first :]
    return Table(
        layout=layout,
        columns={
            position: text_array([row[position] if position < len(row) else "" for row in body])
            for position in layout.positions
        },
        places=Places(word, np.array(numbers[layout.first :], dtype=np.int64)),
        notes=layout.notes,
        source=source,
    )
