"""Measures the memory of the embedded desk while it trades: `python -m bench.desk_memory [MINUTES]`."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.pages import PAGES
from tests.desk.test_runner import Desk
from tests.flows.trader import Trader, demo_password

MINUTES = 10.0
EVERY = 10.0  # seconds
LINE = "{:<44}{:>14}\n"


def main(minutes: float) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="tradedesk-bench-") as folder,
        Desk(Path(folder) / "data") as desk,
    ):
        desk.wait_until_healthy()
        ready = megabytes(desk.child.pid)
        trader = Trader(desk.url, demo_password(desk.folder))
        trader.deploy_and_backtest_all()
        times, sizes = watch(desk, trader, minutes)
        (sessions,) = desk.query("SELECT session FROM marketdata_replaymarket")
        (orders,) = desk.query("SELECT count(*) FROM livetrading_order")
    sys.stdout.write(
        f"\nMemory of the embedded desk: five demo strategies deployed and backtested, a page opened every "
        f"{EVERY:g} s\n\n"
    )
    half = len(sizes) // 2
    table = {
        "ready to serve": f"{ready:,.0f} MB",
        "peak": f"{max(sizes):,.0f} MB",
        f"after {minutes:g} minutes": f"{sizes[-1]:,.0f} MB",
        "growth in the second half": f"{slope(times[half:], sizes[half:]):+,.2f} MB/min",
        "replay reached": str(sessions[0]),
        "orders placed": f"{orders[0]:,}",
    }
    for label, value in table.items():
        sys.stdout.write(LINE.format(label, value))


def watch(desk: Desk, trader: Trader, minutes: float) -> tuple[list[float], list[float]]:
    """Minutes since the start, and the megabytes at each of these times."""
    times: list[float] = []
    sizes: list[float] = []
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) <= minutes * 60:
        trader.get(PAGES[len(sizes) % len(PAGES)])
        times.append(elapsed / 60)
        sizes.append(megabytes(desk.child.pid))
        time.sleep(max(0.0, len(sizes) * EVERY - (time.monotonic() - start)))
    return times, sizes


def megabytes(pid: int) -> float:
    """Resident memory of the process."""
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ps and a number
    return int(done.stdout) / 1024


def slope(times: Sequence[float], sizes: Sequence[float]) -> float:
    """Megabytes a minute, by least squares."""
    return float(np.polyfit(times, sizes, 1)[0]) if len(times) > 1 else 0.0


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES)
