"""A desk is backed up while it trades, is lost, and goes on from the backup: the same books, no order doubled."""

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.desk.test_runner import Desk
from tests.flows.test_killed_desk import IN_FLIGHT, VIOLATIONS, deploy, ids, start, wait_for_more_trades
from tests.flows.trader import Trader, demo_password
from tests.processes.prepared import copy_prepared_folder
from tests.processes.process import Process, free_port, status_of

pytestmark = pytest.mark.processes
SECONDS = 180
# What a desk may never lose or change: the fills, the cash behind them, and what was deployed.
BOOKS = {
    "fills": "SELECT id, account_id, order_id, activity_id, quantity, price, commission FROM livetrading_fill",
    "the broker's fills": "SELECT id, order_id, bar_time, quantity, price, cash_change FROM livetrading_paperfill",
    "closed trades": "SELECT id, symbol, quantity, exit_time, pnl FROM livetrading_papertrade "
    "WHERE exit_time IS NOT NULL",
    "deployments": "SELECT id, name, fingerprint FROM livetrading_livestrategy",
    "orders": "SELECT id, client_order_id, symbol, side FROM livetrading_order",
}


class BackgroundDesk(Desk):
    """`manage.py desk --background`, and desk-stop at the end."""

    def __enter__(self) -> Self:
        self.manage("desk", "--background")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.manage("desk-stop")

    def manage(self, *arguments: str, code: int = 0) -> str:
        command = [sys.executable, "manage.py", *arguments]
        log = self.folder.parent / f"{'-'.join(arguments[:1])}.log"
        with Process(command, log, self.environment) as process:
            assert process.child.wait(SECONDS) == code, process.output()
        return process.output()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, (self.folder / "logs" / "console.log").read_text()
            time.sleep(0.1)


def books(database: Path) -> dict[str, set[tuple[object, ...]]]:
    with closing(sqlite3.connect(database)) as opened:
        return {name: set(opened.execute(query)) for name, query in BOOKS.items()}


def test_a_restored_desk_goes_on_trading_with_the_same_books(tmp_path: Path) -> None:
    lost = copy_prepared_folder(tmp_path / "lost")
    fast = {"REPLAY_SECONDS_PER_BAR": "0.5", "PORT": str(free_port())}
    again = BackgroundDesk(tmp_path / "restored", environment=fast)
    with start(lost) as desk:
        desk.wait_until_healthy()
        deploy(desk)
        wait_for_more_trades(desk)
        BackgroundDesk(lost).manage("backup", "--to", str(tmp_path / "backups"), "--with-keys")
        wait_for_more_trades(desk)
        desk.kill()
    (backup,) = (tmp_path / "backups").glob("desk-*")
    copied = books(backup / "desk.sqlite3")
    assert copied["closed trades"]

    # A first try that was interrupted leaves no desk that can be started, and the next one starts over.
    again.folder.mkdir()
    folders = [f"{name} {again.folder / name}" for name in ("strategies", "media", "bars", "research")]
    into = [str(backup), f"sqlite {again.folder / 'desk.sqlite3'}", *folders]
    (again.folder / "restore.unfinished").write_text("\n".join(into))
    (again.folder / "desk.sqlite3").write_bytes(b"half of it")
    assert "did not end" in again.manage("desk", "--background", code=1)
    again.manage("restore", str(backup))
    assert books(again.folder / "desk.sqlite3") == copied

    with again:
        assert again.url in again.manage("desk-status")
        wait_for_more_trades(again)
        Trader(again.url, demo_password(again.folder)).stop_all()
        again.wait_until(lambda: not ids(again, IN_FLIGHT))
    assert status_of(again.url) == 0

    assert {name: rows for name, query in VIOLATIONS.items() if (rows := again.query(query))} == {}
    after = books(again.folder / "desk.sqlite3")
    assert {name: rows - after[name] for name, rows in copied.items() if rows - after[name]} == {}
