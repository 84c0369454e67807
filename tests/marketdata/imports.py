"""Importing a file, for tests of the import."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.marketdata.examples import csv_of
from tradedesk.core.bars import Bars
from tradedesk.marketdata import store
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.services import Imported, import_bars

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def import_file(content: bytes | Bars, **changes: Any) -> Imported:
    file = BytesIO(csv_of(content) if isinstance(content, Bars) else content)
    values: dict[str, Any] = {
        "owner_id": None,
        "symbol": "ACME",
        "timeframe": "1Day",
        "provider": "csv",
        "adjusted": True,
        "replace": False,
        "now": NOW,
    }
    return import_bars(file, **values | changes)


def stored() -> Bars:
    return load_bars(None, "ACME", "1Day")


def same(one: Bars, other: Bars) -> bool:
    return store.fingerprint_of(one) == store.fingerprint_of(other)


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
