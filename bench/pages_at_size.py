"""Measures the pages of a large desk: `python -m bench.pages_at_size [DIVISOR]`. A divisor makes it smaller.

On PostgreSQL (that of the tests) and on SQLite: one user with the history of bench/large_desk.py, its pages and
its polled parts through uvicorn. It prints, for each: median and 95th percentile of the time to the last byte, CPU
of the server and the database for one request, the number of queries, and the size as it is sent.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.flows.trader import Trader
from tests.processes.process import Process, free_port, status_of

REPEATS = int(os.environ.get("REPEATS", "20"))
TICKS = os.sysconf("SC_CLK_TCK")
PASSWORD = "a-desk-of-this-size"  # noqa: S105 - of a desk that lasts minutes
# What refreshes itself every few seconds: only the changing part is asked for.
POLLED = (
    "/dashboard/status",
    "/dashboard",
    "/dashboard/live-trading",
    "/dashboard/live-trading?show=orders",
    "/dashboard/live-trading?show=signals",
    "/dashboard/live-trading?show=log",
    "/dashboard/live-trading/1",
    "/trades?mode=paper",
    "/trades?mode=paper&tab=positions",
    "/signals",
    "/dashboard/strategies",
    "/dashboard/strategies/1",
    "/dashboard/backtests",
    "/dashboard/optimizer",
    "/dashboard/risk-rules",
    "/dashboard/stop-trading",
    "/settings/brokers",
)
PAGES = (
    "/dashboard",
    "/dashboard/live-trading",
    "/dashboard/live-trading?page=300",
    "/dashboard/live-trading/1",
    "/dashboard/live-trading/1?show=trades",
    "/dashboard/live-trading/1?show=orders",
    "/dashboard/live-trading/new",
    "/dashboard/live-trading/1/edit",
    "/trades?mode=paper",
    "/trades?mode=paper&tab=positions",
    "/trades?mode=paper&tab=backtests",
    "/trades?mode=paper&symbol=AAPL&result=win",
    "/trades/order",
    "/trades/paper/1",
    "/signals",
    "/signals?symbol=AAPL",
    "/trades/analysis",
    "/analytics",
    "/analytics/blocked-signals",
    "/dashboard/strategies",
    "/dashboard/strategies/1",
    "/dashboard/backtests",
    "/dashboard/backtests/new",
    "/dashboard/backtests/{backtest}",
    "/dashboard/backtests/{backtest}?list=trades",
    "/dashboard/optimizer",
    "/dashboard/risk-rules",
    "/dashboard/stop-trading",
    "/dashboard/data",
    "/dashboard/notifications",
    "/dashboard/palette?q=strategy",
    "/dashboard/status",
    "/settings/brokers",
    "/settings/reset-paper",
    "/dashboard/mode/live",
    "/dashboard/equity.json",
    "/dashboard/live-trading/1/chart.json",
    "/trades/paper/1/chart.json",
    "/trades/analysis/equity.json",
    "/api/v1/live-trading/dashboard",
    "/api/v1/live-trading/strategies",
    "/api/v1/live-trading/strategies/1",
    "/api/v1/live-trading/positions",
    "/api/v1/live-trading/signals/recent",
    "/api/v1/live-trading/orders",
    "/api/paper/trades",
    "/api/paper/account",
    "/api/mode",
    "/api/v1/strategies",
    "/api/v1/backtests",
)
ROW = "{:<52}{:>9}{:>9}{:>9}{:>9}{:>9}"


def main() -> None:
    divisor = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    from tests.services import start

    services = start()
    os.environ["TEST_DATA_DIR"] = services["TEST_DATA_DIR"]
    for name in ("PostgreSQL", "SQLite"):
        with tempfile.TemporaryDirectory(prefix="tradedesk-bench-") as folder:
            url = services["TEST_DATABASE_URL"] if name == "PostgreSQL" else f"sqlite:///{folder}/desk.sqlite3"
            environment = {"DESK_DATA_DIR": folder, "DATABASE_URL": url, "HTTPS": "0", "DEMO_PASSWORD": PASSWORD}
            run(environment, "manage.py", "setup_desk")
            run(environment, "manage.py", "setup_desk", "--only-static")
            backtest = inside(environment, "fill", str(divisor))
            sys.stdout.write(f"\n{name}, 1/{divisor} of the size\n\n")
            measure(environment, Path(folder), backtest)


def run(environment: dict[str, str], *command: str) -> str:
    ours = os.environ | environment
    return subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *command], env=ours, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def inside(environment: dict[str, str], *command: str) -> Any:
    return json.loads(run(environment, "-m", "bench.inside_desk", *command))


def measure(environment: dict[str, str], folder: Path, backtest: int) -> None:
    port = str(free_port())
    command = [sys.executable, "manage.py", "web", "--port", port]
    with Process(command, folder / "web.log", environment) as web:
        url = f"http://127.0.0.1:{port}"
        web.wait_until(lambda: status_of(f"{url}/accounts/login/") == 200)
        trader = Trader(url, PASSWORD)
        processes = [web.child.pid, *database_processes()]
        sys.stdout.write(ROW.format("", "p50 ms", "p95 ms", "CPU ms", "queries", "kB sent") + "\n")
        for kind, paths in (("polled", POLLED), ("page", PAGES)):
            places = [path.format(backtest=backtest) for path in paths]
            queries = inside(environment, "queries", kind, *places)
            sys.stdout.write(f"{kind}\n")
            for path in places:
                line = timed(trader, path, kind == "polled", processes)
                sys.stdout.write(ROW.format(f"  {path}", *line[:3], queries[path], line[3]) + "\n")
                sys.stdout.flush()


def timed(trader: Trader, path: str, polled: bool, processes: list[int]) -> tuple[str, str, str, str]:
    headers = {"Accept-Encoding": "gzip"} | ({"HX-Request": "true"} if polled else {})
    seconds, size = [], 0
    trader.get(path, **headers)
    before = cpu_of(processes)
    for _ in range(REPEATS):
        start = time.perf_counter()
        response = trader.get(path, **headers)
        seconds.append(time.perf_counter() - start)
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {response.body[:300]!r}")
        size = len(response.body)
    cpu = (cpu_of(processes) - before) / REPEATS
    high = quantiles(seconds, n=20)[-1]
    return f"{median(seconds) * 1e3:,.0f}", f"{high * 1e3:,.0f}", f"{cpu * 1e3:,.0f}", f"{size / 1e3:,.1f}"


def cpu_of(processes: list[int]) -> float:
    """Seconds of CPU that these processes, their children and those that have ended have used."""
    children: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                fields = (each / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(each.name))
            used[int(each.name)] = sum(map(int, fields[11:15])) / TICKS
    todo, total = list(processes), 0.0
    while todo:
        pid = todo.pop()
        total += used.get(pid, 0.0)
        todo += children.get(pid, [])
    return total


def database_processes() -> list[int]:
    """The postmaster of the tests' server, whose children are its connections."""
    own = str(os.environ.get("TEST_DATA_DIR", "/nonexistent"))
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                words = (each / "cmdline").read_text()
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if "postgres\0-D" in words and own in words and parent:
                found.append(int(each.name))
    return found


if __name__ == "__main__":
    main()
