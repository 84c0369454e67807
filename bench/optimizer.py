"""Measures a search of 5,000 combinations from the request to its end: `python -m bench.optimizer`.

With Celery, PostgreSQL and Redis, and two worker processes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench.task import CAPITAL, SWEEP, SYMBOL, daily
from tests.services import start

REPEATS = 5
WORKER = ("-A", "tradedesk", "worker", "-Q", "celery,research", "--concurrency", "2", "--loglevel", "error")
GRID = {"fast": {"low": 2, "high": 51, "step": 1}, "slow": {"low": 52, "high": 151, "step": 1}}
ROW = "{:<52}{:>10}\n"


def main() -> None:
    start_servers()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with worker():
        seconds = [measure_search() for _ in range(REPEATS + 1)][1:]
    sys.stdout.write(f"\nA search of {len(SWEEP):,} combinations on {SYMBOL}, from POST to completed\n\n")
    sys.stdout.write(ROW.format("median of five after a warm-up", f"{median(seconds):,.2f} s"))
    sys.stdout.write(ROW.format("slowest", f"{max(seconds):,.2f} s"))
    plain, tested = measure_sweeps()
    sys.stdout.write(f"\nThe sweep of these combinations in one process, medians of {REPEATS}\n\n")
    sys.stdout.write(ROW.format("all figures", f"{plain:,.3f} s"))
    sys.stdout.write(ROW.format("with the test against chance", f"{tested:,.3f} s"))
    sys.stdout.write(ROW.format("ratio", f"{tested / plain:,.2f}"))


def measure_sweeps() -> tuple[float, float]:
    """Seconds of the sweep without and with what the trial registry keeps, measured in turn."""
    from backtests.engine.simulation import prepare_scenario
    from backtests.research.optimizer.sweep import sweep, sweep_trials
    from bench.desk import COSTS, RULES
    from strategies.kinds.sma_crossover import SmaCrossover

    scenario = prepare_scenario({SYMBOL: daily()}, capital=CAPITAL, rules=RULES, costs=COSTS)
    combinations = [{"fast": fast, "slow": slow} for fast, slow in SWEEP]
    times: dict[Any, list[float]] = {sweep: [], sweep_trials: []}
    for _ in range(REPEATS + 1):
        for run, own in times.items():
            before = time.perf_counter()
            run(scenario, SmaCrossover, combinations)
            own.append(time.perf_counter() - before)
    plain, tested = (median(own[1:]) for own in times.values())
    return plain, tested


def start_servers() -> None:
    """Start servers and set a data folder for this run, before Django reads its settings."""
    os.environ.update(start())
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    os.environ["REDIS_URL"] = os.environ["TEST_REDIS_URL"]
    os.environ["DESK_DATA_DIR"] = os.environ["TEST_DATA_DIR"] + "/desk"
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradedesk.settings.test"
    import django

    django.setup()


@contextmanager
def worker() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "celery", *WORKER])  # noqa: S603 - this interpreter
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def measure_search() -> float:
    client, strategy_id = client_and_strategy()
    body = {
        "strategy_id": strategy_id,
        "symbols": [SYMBOL],
        "start_date": "2000-03-01",
        "end_date": "2013-02-28",
        "initial_capital": 100_000,
        "commission_bps": 5.0,
        "grid": GRID,
        "holdout": 0.0,
    }
    before = time.perf_counter()
    url = f"/api/v1/optimizer/runs/{client.post('/api/v1/optimizer/runs', body).json['id']}"
    while (run := client.get(url).json)["status"] not in ("completed", "failed"):
        time.sleep(0.02)
    seconds = time.perf_counter() - before
    if run["status"] != "completed" or run["done"] != len(SWEEP):
        raise RuntimeError(f"The run has the status {run['status']}: {run['error']}")
    return seconds


def client_and_strategy() -> Any:
    """A client of the API, and the id of the strategy whose parameters are searched."""
    from django.utils import timezone

    from strategies.models import Strategy
    from tests.api.client import ApiClient
    from tradedesk.accounts.models import User
    from tradedesk.marketdata.services import load_samples

    load_samples(timezone.now())
    user = User.objects.filter(email="bench@example.com").first() or User.objects.create_user("bench@example.com")
    strategy, _ = Strategy.objects.get_or_create(
        user=user, name="Bench", kind="sma_crossover", defaults={"symbols": [SYMBOL]}
    )
    return ApiClient(user), strategy.pk


if __name__ == "__main__":
    main()
