"""Measures the memory of the embedded desk around many searches: `python -m bench.search_memory [NUMBER]`."""

import sys
import tempfile
import time
from pathlib import Path

from bench.desk_memory import megabytes
from tests.desk.test_runner import Desk
from tests.flows.trader import PERIOD, Trader, demo_password

SEARCHES = 100
# Before these the desk has not loaded all that a search needs.
WARM_UP = 5
GRID = {"fast": {"low": 2, "high": 31, "step": 1}, "slow": {"low": 40, "high": 79, "step": 1}}
AFTERWARDS = 60.0  # seconds in which nothing is searched
LINE = "{:<44}{:>14}\n"


def main(searches: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="tradedesk-bench-") as folder,
        Desk(Path(folder) / "data") as desk,
    ):
        desk.wait_until_healthy()
        trader = Trader(desk.url, demo_password(desk.folder))
        ready = megabytes(desk.child.pid)
        for seed in range(WARM_UP):
            search(trader, seed)
        time.sleep(AFTERWARDS)
        before = megabytes(desk.child.pid)
        sizes = []
        for seed in range(searches):
            search(trader, seed)
            sizes.append(megabytes(desk.child.pid))
        time.sleep(AFTERWARDS)
        after = megabytes(desk.child.pid)
    combinations = 30 * 40
    sys.stdout.write(f"\nMemory of the embedded desk: {searches} searches of {combinations:,} combinations\n\n")
    table = {
        "ready to serve": f"{ready:,.0f} MB",
        f"after {WARM_UP} searches, before the others": f"{before:,.0f} MB",
        "peak": f"{max(sizes):,.0f} MB",
        f"after {searches} more": f"{after:,.0f} MB",
        "after : before": f"{after / before:.2f}",
    }
    for label, value in table.items():
        sys.stdout.write(LINE.format(label, value))


def search(trader: Trader, seed: int) -> None:
    """One search from its request to the end of its evidence."""
    kinds = ("sma_crossover", "ema_crossover")
    strategies = {each["kind"]: each["id"] for each in trader.items("/api/v1/strategies")}
    strategy = strategies[next(kind for kind in kinds if kind in strategies)]
    body = {"strategy_id": strategy, "symbols": ["AAPL"], "grid": GRID, "seed": seed, **PERIOD}
    run = trader.send("/api/v1/optimizer/runs", **body).json()["id"]
    while trader.get(f"/api/v1/optimizer/runs/{run}").json()["status"] not in ("completed", "failed"):
        time.sleep(0.1)
    trader.get(f"/dashboard/optimizer/{run}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEARCHES)
