"""The one-process desk on SQLite: its disk is full for a while, then a page of its database is damaged."""

import resource
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.desk.test_runner import Desk, run_with
from tests.flows.trader import Trader, demo_password
from tests.processes.prepared import copy_prepared_folder
from tests.processes.process import status_of

pytestmark = pytest.mark.processes
# Looks at the whole file each half a second.
OFTEN = """
    from tradedesk.monitoring import damage
    damage.watch = damage.DamageWatch(every=0.5)
"""
NEW = {
    "name": "Written later",
    "kind": "sma_crossover",
    "symbols": ["AAPL"],
    "parameters": {"fast": 5, "slow": 20},
}
PAGE_SIZE = 4096


def health(desk: Desk, trader: Trader) -> Any:
    begun = time.monotonic()
    found = trader.get("/api/health").json()
    assert time.monotonic() - begun < 10, "two seconds, on an idle machine"
    return found


def limit_files(desk: Desk, size: int) -> None:
    """The system refuses to write beyond this size, as it does on a full disk."""
    _, hard = resource.prlimit(desk.child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(desk.child.pid, resource.RLIMIT_FSIZE, (size, hard))


def damage_table(folder: Path, table: str) -> None:
    """Overwrite the first page of a table that the running desk does not use."""
    with sqlite3.connect(folder / "desk.sqlite3") as database:
        ((page,),) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
    with (folder / "desk.sqlite3").open("r+b") as file:
        file.seek((page - 1) * PAGE_SIZE)
        file.write(b"\xa5" * PAGE_SIZE)


def test_a_full_disk_and_a_damaged_page_are_said(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    with Desk(folder, run_with(OFTEN), {"DJANGO_SETTINGS_MODULE": "tests.faults.beat_settings"}) as desk:
        desk.wait_until_healthy()
        trader = Trader(desk.url, demo_password(folder))
        strategies = desk.query("SELECT id, name FROM strategies_strategy")
        [(strategy, _), *_] = strategies

        limit_files(desk, 16)
        answers = {
            "api": trader.send("/api/v1/strategies", **NEW),
            "page": trader.deploy(int(str(strategy))),
        }
        assert {name: answer.status for name, answer in answers.items()} == {"api": 503, "page": 503}
        assert "database" in answers["api"].json()["detail"]
        assert b"<h1>The database cannot be used</h1>" in answers["page"].body
        assert b"Traceback" not in answers["page"].body
        assert trader.get("/dashboard").status == 200, "what only reads goes on"
        desk.wait_until(lambda: health(desk, trader)["database"] != "ok")
        assert status_of(f"{desk.url}/api/health") == 503
        assert desk.query("SELECT id, name FROM strategies_strategy") == strategies
        assert desk.query("SELECT count(*) FROM livetrading_livestrategy") == [(0,)]

        limit_files(desk, resource.RLIM_INFINITY)
        desk.wait_until_healthy()
        assert trader.deploy(int(str(strategy))).status == 302
        assert desk.query("SELECT count(*) FROM livetrading_livestrategy") == [(1,)]

        damage_table(folder, "backtests_backtest")
        desk.wait_until(lambda: "damaged" in health(desk, trader)["database"])
        assert status_of(f"{desk.url}/api/health") == 503
