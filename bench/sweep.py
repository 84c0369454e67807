"""Measures ten million combinations through Celery: `python -m bench.sweep [RUNS]`.

Searches of an RSI reversion on daily bars, one after the other, each of nearly the million combinations that
one run may have, through PostgreSQL, Redis and two worker processes. It prints what a combination costs,
whether the memory of the workers stays, and what a hundred million on ten such hosts would take.
"""

import subprocess
import sys
import time

from bench.live import WORKERS, cpu_of, resident, workers
from bench.optimizer import start_servers

RUNS, HOSTS = 11, 10
SYMBOLS = ("AAPL", "IBM", "MSFT")
GRID = {
    "period": {"low": 3, "high": 100, "step": 1},
    "oversold": {"low": 1.0, "high": 50.0, "step": 0.5},
    "overbought": {"low": 50.5, "high": 99.0, "step": 0.5},
}
COMBINATIONS = 98 * 99 * 98
ROW = "{:<56}{:>16}\n"
RUN = "{:>5}{:>10}{:>12.1f}{:>22,.0f}{:>16,.0f}\n"


def main(runs: int) -> None:
    start_servers()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    seconds, megabytes = [], []
    with workers("celery,research", threads=1) as processes:
        search(SYMBOLS[0], processes, small=True)  # loads code and bars
        before = cpu_of(processes)
        sys.stdout.write(
            f"\n{'run':>5}{'symbol':>10}{'seconds':>12}{'combinations/second':>22}{'workers, MB':>16}\n"
        )
        for number in range(runs):
            symbol = SYMBOLS[number % len(SYMBOLS)]
            seconds.append(search(symbol, processes))
            megabytes.append(sum(map(memory, processes)))
            sys.stdout.write(
                RUN.format(number + 1, symbol, seconds[-1], COMBINATIONS / seconds[-1], megabytes[-1])
            )
            sys.stdout.flush()
        used = [new - old for old, new in zip(before, cpu_of(processes), strict=True)]
    whole = runs * COMBINATIONS
    hours = 10**8 / whole * sum(seconds) / 3600
    sys.stdout.write(f"\n{whole:,} combinations, {WORKERS} workers on one host with the database\n\n")
    figures = {
        "combinations per second": f"{whole / sum(seconds):,.0f}",
        "CPU of the workers, microseconds a combination": f"{used[0] / whole * 1e6:,.1f}",
        "CPU of PostgreSQL, microseconds a combination": f"{used[1] / whole * 1e6:,.1f}",
        "memory of the workers, last run : first run": f"{megabytes[-1] / megabytes[0]:.2f}",
        "100,000,000 on this host, hours": f"{hours:,.1f}",
        f"100,000,000 on {HOSTS} such hosts, hours": f"{hours / HOSTS:,.2f}",
        f"PostgreSQL for the {HOSTS} hosts, cores in use": f"{HOSTS * used[1] / sum(seconds):,.2f}",
    }
    for label, value in figures.items():
        sys.stdout.write(ROW.format(label, value))


def memory(process: subprocess.Popen[bytes]) -> float:
    return resident(process.pid) / 2**20


def search(symbol: str, processes: list[subprocess.Popen[bytes]], *, small: bool = False) -> float:
    """Seconds of one run from its request to its end."""
    from django.utils import timezone

    from strategies.models import Strategy
    from tests.api.client import ApiClient
    from tradedesk.accounts.models import User
    from tradedesk.marketdata.services import load_samples

    load_samples(timezone.now())
    user = User.objects.filter(email="sweep@example.com").first() or User.objects.create_user("sweep@example.com")
    strategy, _ = Strategy.objects.get_or_create(
        user=user, name="Sweep", kind="rsi_mean_reversion", defaults={"symbols": [symbol]}
    )
    client = ApiClient(user)
    body = {
        "strategy_id": strategy.pk,
        "symbols": [symbol],
        "start_date": "2000-03-01",
        "end_date": "2013-02-28",
        "initial_capital": 100_000,
        "commission_bps": 5.0,
        "grid": GRID | ({"period": {"low": 14, "high": 14, "step": 1}} if small else {}),
        "holdout": 0.0,
    }
    began = time.perf_counter()
    url = f"/api/v1/optimizer/runs/{client.post('/api/v1/optimizer/runs', body).json['id']}"
    while (run := client.get(url).json)["status"] not in ("completed", "failed"):
        if any(process.poll() is not None for process in processes):
            raise RuntimeError("A worker has ended.")
        time.sleep(0.2)
    if run["status"] != "completed":
        raise RuntimeError(f"The run has the status {run['status']}: {run['error']}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
