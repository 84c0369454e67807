"""The data folder of a small desk on SQLite, with plain tables, for tests of backups."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pytest_django import Settings

BARS_COLUMNS = "provider TEXT, symbol TEXT, timeframe TEXT, owner_id INTEGER, part_rows TEXT"
TABLES = (
    "CREATE TABLE django_migrations (app TEXT, name TEXT)",
    f"CREATE TABLE marketdata_barseries ({BARS_COLUMNS})",
    f"CREATE TABLE marketdata_previousversion ({BARS_COLUMNS})",
    "CREATE TABLE money (cents INTEGER)",
    "INSERT INTO django_migrations VALUES ('accounts', '0001_initial')",
    "INSERT INTO money VALUES (42)",
)
KEYS = {"SECRET_KEY": "planted-signing-" + "k" * 50, "ENCRYPTION_KEY": "planted-encrypting-" + "k" * 50}


class MadeDesk:
    """42 cents, one series with one file of bars, one file of results, one plugin."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        folder.mkdir()
        with self.database() as database:
            database.execute("PRAGMA journal_mode=WAL")
            for statement in TABLES:
                database.execute(statement)
        self.name_bars("a")
        self.write("bars", bars_file("a"))
        self.write("research", "optimizer/1/results.parquet")
        self.write("strategies", "mine.py")
        database_settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "desk.sqlite3"}
        settings.DATABASES = {"default": database_settings}
        settings.DATA_DIR, settings.BARS_URL = folder, (folder / "bars").as_uri()
        settings.STRATEGY_DIR, settings.MEDIA_ROOT = folder / "strategies", folder / "media"
        research = {**settings.STORAGES["research"], "OPTIONS": {"location": str(folder / "research")}}
        settings.STORAGES = {**settings.STORAGES, "research": research}
        settings.SECRET_KEY, settings.ENCRYPTION_KEYS = KEYS["SECRET_KEY"], (KEYS["ENCRYPTION_KEY"],)

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.folder / "desk.sqlite3")) as opened, opened:
            yield opened

    def write(self, part: str, path: str, content: bytes = b"content") -> Path:
        file = self.folder / part / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def name_bars(self, letter: str) -> None:
        """Let the series name the file of these bars alone."""
        parts = json.dumps([["all", 1, letter * 64]])
        with self.database() as database:
            database.execute("DELETE FROM marketdata_barseries")
            database.execute("INSERT INTO marketdata_barseries VALUES ('csv', 'AAPL', '1Day', 7, ?)", [parts])


def bars_file(letter: str) -> str:
    return f"user-7/csv/AAPL/1Day.all.{letter * 16}.parquet"


def cents_in(database: Path) -> int:
    with closing(sqlite3.connect(database)) as opened:
        cents: int = opened.execute("SELECT cents FROM money").fetchone()[0]
        return cents
