"""What the embedded desk costs, its process and its children, in CPU and memory: `python -m bench.embedded`.

CPU, not wall time, so that a busy machine measures the same.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.desk.test_runner import Desk
from tests.flows.trader import Trader, demo_password

SETTLE = 20.0  # seconds from healthy to idle, and from the deployments to trading
WATCH = 40.0
EVERY = 5.0  # seconds; an open page polls as often
OPEN_PAGES = ("/dashboard/live-trading", "/dashboard")
TICK = os.sysconf("SC_CLK_TCK")
LINE = "{:<52}{:>12}\n"


def main() -> None:
    sys.stdout.write("\nThe embedded desk: CPU and memory of its process and its children\n\n")
    with tempfile.TemporaryDirectory(prefix="tradedesk-bench-") as folder:
        with Desk(Path(folder) / "data") as desk:
            desk.wait_until_healthy()
            row("first start, compiled code on disk", f"{cpu(desk.child.pid):.2f} s")
            desk.stop()
        with Desk(Path(folder) / "data") as desk:
            desk.wait_until_healthy()
            row("warm start", f"{cpu(desk.child.pid):.2f} s")
            time.sleep(SETTLE)
            row("idle, share of a core", f"{share(desk, None):.2%}")
            row("idle", f"{megabytes(desk.child.pid):,.0f} MB")
            trader = Trader(desk.url, demo_password(desk.folder))
            for strategy in trader.items("/api/v1/strategies"):
                trader.deploy(strategy["id"])
            watch_page(trader, SETTLE)
            row("five strategies trading, page open, share of a core", f"{share(desk, trader):.2%}")
            row("five strategies trading, page open", f"{megabytes(desk.child.pid):,.0f} MB")
            trader.deploy_and_backtest_all()
            watch_page(trader, SETTLE)
            row("and after five backtests", f"{megabytes(desk.child.pid):,.0f} MB")


def row(label: str, value: str) -> None:
    sys.stdout.write(LINE.format(label, value))
    sys.stdout.flush()


def share(desk: Desk, trader: Trader | None) -> float:
    """Of one core, over WATCH seconds."""
    before, start = cpu(desk.child.pid), time.monotonic()
    watch_page(trader, WATCH)
    return (cpu(desk.child.pid) - before) / (time.monotonic() - start)


def watch_page(trader: Trader | None, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for page in OPEN_PAGES if trader else ():
            trader.get(page)  # type: ignore[union-attr]  # only with a trader
        time.sleep(min(EVERY, left))


def cpu(pid: int) -> float:
    """Seconds of the process, of its children, and of those that have ended."""
    return sum(sum(map(int, fields(each)[11:15])) for each in family(pid)) / TICK


def megabytes(pid: int) -> float:
    """Resident; what processes share counts in part for each."""
    lines = (Path(f"/proc/{each}/smaps_rollup").read_text().splitlines() for each in family(pid))
    return sum(int(line.split()[1]) for each in lines for line in each if line.startswith("Pss:")) / 1024


def family(pid: int) -> Iterator[int]:
    """The process and its children, of any generation."""
    yield pid
    with contextlib.suppress(FileNotFoundError):  # a thread or a child that has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                for child in (task / "children").read_text().split():
                    yield from family(int(child))


def fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


if __name__ == "__main__":
    main()
