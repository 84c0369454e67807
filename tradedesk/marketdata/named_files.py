"""The files of the bar store that a database names, asked by plain queries: also of a copy that Django does not
know."""

import json
from collections.abc import Callable
from typing import Any

from tradedesk.marketdata.models import BarSeries, PreviousVersion

COLUMNS = ("provider", "symbol", "timeframe", "owner_id", "part_rows")


def named_files(query: Callable[[str], list[tuple[Any, ...]]]) -> set[str]:
    """Their paths in the bar store: those of today's series and those that are kept for undoing."""
    paths: set[str] = set()
    for model in (BarSeries, PreviousVersion):
        for row in query(f"SELECT {', '.join(COLUMNS)} FROM {model._meta.db_table}"):  # noqa: S608 - our own names
            values = dict(zip(COLUMNS, row, strict=True))
            if isinstance(values["part_rows"], str):
                values["part_rows"] = json.loads(values["part_rows"])
            paths.update(BarSeries(**values).paths)
    return paths
