"""Measures the response times of the embedded desk while it trades: `python -m bench.pages`."""

import re
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from tests.desk.test_runner import Desk
from tests.flows.trader import Response, Trader, demo_password

REPEATS = 20
# Seconds of replay, one session each, so that the pages have trades to show.
HISTORY = 60
PAGES = (
    "/dashboard",
    "/dashboard/strategies",
    "/dashboard/strategies/1",
    "/dashboard/strategies/1/checks",
    "/dashboard/strategies/new",
    "/dashboard/backtests",
    "/dashboard/backtests/new",
    "/dashboard/backtests/1",
    "/dashboard/backtests/1/equity.json",
    "/dashboard/backtests/1/price.json",
    "/dashboard/backtests/1/evidence",
    "/dashboard/optimizer",
    "/dashboard/live-trading",
    "/dashboard/live-trading/1",
    "/dashboard/live-trading/1?show=trades",
    "/trades?mode=paper",
    "/trades.csv?mode=paper",
    "/dashboard/data",
    "/dashboard/notifications",
    "/dashboard/status",
    "/api/docs",
    "/api/v1/strategies",
    "/api/v1/backtests/1",
    "/api/v1/live-trading/dashboard",
    "/api/paper/trades",
)
ROW = "{:<44}{:>10}{:>10}\n"


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="tradedesk-bench-") as folder,
        Desk(Path(folder) / "data", environment={"REPLAY_SECONDS_PER_BAR": "1"}) as desk,
    ):
        desk.wait_until_healthy()
        trader = Trader(desk.url, demo_password(desk.folder))
        trader.deploy_and_backtest_all()
        time.sleep(HISTORY)
        (trades,) = desk.query("SELECT count(*) FROM livetrading_papertrade")
        sys.stdout.write(
            f"\nResponse times of the embedded desk with five strategies and {trades[0]:,} trades\n\n"
        )
        sys.stdout.write(ROW.format("", "median", "slowest"))
        for path in PAGES:
            report(path, [time_request(partial(trader.get, path), 200) for _ in range(REPEATS + 1)])
        report("POST Deploy to Live", deployments(trader))
    sys.stdout.write(f"\nMedian of {REPEATS} after a warm-up, from the request to the last byte, on loopback.\n")


def deployments(trader: Trader) -> list[float]:
    """Seconds of each deployment of one strategy; it is stopped in between."""
    strategy = trader.items("/api/v1/strategies")[0]["id"]
    seconds = []
    for _ in range(REPEATS + 1):
        for live in active(trader, strategy):
            trader.post(f"/dashboard/live-trading/{live}/stop")
        seconds.append(time_request(partial(trader.deploy, strategy), 302))
    return seconds


def active(trader: Trader, strategy_id: int) -> list[int]:
    rows = trader.items("/api/v1/live-trading/strategies?status=active")
    return [row["id"] for row in rows if row["strategy_id"] == strategy_id]


def time_request(request: partial[Response], status: int) -> float:
    start = time.perf_counter()
    response = request()
    seconds = time.perf_counter() - start
    if response.status != status:
        raise RuntimeError(f"Expected status {status}: {response}")
    return seconds


def report(name: str, seconds: list[float]) -> None:
    measured = seconds[1:]
    label = re.sub(r"/\d+(?=/|\?|$)", "/…", name)
    sys.stdout.write(ROW.format(label, f"{median(measured) * 1e3:,.1f} ms", f"{max(measured) * 1e3:,.1f} ms"))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
