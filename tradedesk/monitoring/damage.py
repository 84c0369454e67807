"""Damaged pages in a database that is a file of SQLite: a query meets them late, or gives a wrong answer."""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from tradedesk.monitoring.deadlines import Look, Looks

# Seconds between two looks at the whole file of a running desk.
EVERY = 600.0


def file_of(database: Mapping[str, Any]) -> Path | None:
    """The file of this database, as Django's settings describe it; None of a server, or before it exists."""
    file = Path(str(database["NAME"]))
    return file if "sqlite3" in database["ENGINE"] and file.is_file() else None


def find_damage(file: Path) -> str:
    """What SQLite finds, in a line; nothing of a whole file. It reads all of it, at hundreds of megabytes in a
    second. Raises sqlite3.OperationalError when it cannot be opened."""
    try:
        with closing(sqlite3.connect(file, timeout=20)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    return "" if found == ["ok"] else " ".join(" ".join(found).split())[:200]


class DamageWatch:
    """Looks at the file again and again in a thread of its own, and answers at once with what was found last."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._looks = Looks[str]()
        self._look: Look[str] | None = None
        self._found = ""

    def found(self, file: Path) -> str:
        look = self._look
        if look is not None and look.ended.is_set() and look.found is not None:
            self._found = look.found
        if look is None or (look.ended.is_set() and time.monotonic() - look.begun >= self._every):
            self._look = self._looks.start("the file of the database", partial(find_damage, file))
        return self._found


watch = DamageWatch()
