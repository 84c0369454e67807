"""Measures the live checks of many strategies through Celery: `python -m bench.live [STRATEGIES [USERS]]`.

PostgreSQL, Redis and two worker processes on the same cores. All strategies have a new bar at each session of the
replay, which goes on when nothing is due. A decision is one strategy, symbol and bar. The CPU time is that of the
workers and of PostgreSQL together, so that it also says something on a machine that does other work.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from bench.beside import Others
from bench.servers import connect

if TYPE_CHECKING:
    from tradedesk.core.bars import Bars

STRATEGIES, SYMBOLS, SYMBOLS_EACH, SESSIONS, WORKERS = 10_000, 200, 3, 6, 2
DISPATCH_EVERY, LOOK_EVERY = 0.5, 0.1
FIRST, LAST = date(2009, 1, 2), date(2013, 12, 31)
BEGIN = date(2011, 3, 1)
ROW = "{:<56}{:>14}\n"
TICKS = os.sysconf("SC_CLK_TCK")


def main(strategies: int, users: int) -> None:
    set_up()
    prepare(strategies, users)
    others = Others(symbol_of(0))
    with workers() as processes:
        rounds = [run_session(processes, day, others) for day in sessions()[:1]]
        others.forget()
        rounds += [run_session(processes, day, others) for day in sessions()[1:]]
    rounds = rounds[1:]  # the first one loads code and bars
    sys.stdout.write(
        f"\n{strategies:,} strategies of {users} users on {SYMBOLS_EACH} of {SYMBOLS} symbols each, "
        f"{WORKERS} workers, medians of {len(rounds)} sessions\n\n"
    )
    figures = {
        "decisions": median(r["decisions"] for r in rounds),
        "orders": median(r["orders"] for r in rounds),
        "decisions per second": median(r["decisions"] / r["seconds"] for r in rounds),
        "decisions per CPU second": median(r["decisions"] / r["cpu"] for r in rounds),
        "CPU of the workers, s": median(r["workers"] for r in rounds),
        "CPU of PostgreSQL, s": median(r["postgres"] for r in rounds),
        "memory of the workers after the first session, MB": rounds[0]["megabytes"],
        "memory of the workers at the end, MB": rounds[-1]["megabytes"],
    }
    for label, value in (figures | others.figures()).items():
        sys.stdout.write(ROW.format(label, f"{value:,.0f}"))


def set_up() -> None:
    """Start the servers, and store the bars."""
    connect()
    from tests.livetrading.pipeline.desk import put_bars

    put_bars({symbol_of(number): bars_of(number) for number in range(SYMBOLS)})


def symbol_of(number: int) -> str:
    return f"B{number:03}"


def bars_of(number: int) -> "Bars":
    """A random walk of daily bars."""
    from tradedesk.core.bars import Bars
    from tradedesk.marketdata.sessions import daily_times, sessions_between

    days = sessions_between(FIRST, LAST)
    generator = np.random.default_rng(number)
    close = np.round(50 * np.exp(np.cumsum(generator.normal(0, 0.012, len(days)))), 2)
    volume = generator.integers(100_000, 1_000_000, len(days)).astype(np.float64)
    return Bars(daily_times(days), close, close * 1.004, close * 0.996, close, volume)


def prepare(strategies: int, users: int) -> None:
    """Deployments with different parameters, so that few signals are shared."""
    from django.utils import timezone

    from livetrading.models import LiveStrategy
    from tests.livetrading.factories import account_of, at_day
    from tests.livetrading.pipeline.desk import open_account
    from tradedesk.accounts.models import User
    from tradedesk.core.money import to_decimal
    from tradedesk.marketdata.sessions import session_close

    at_day(BEGIN)
    now, wall_now = session_close(BEGIN), timezone.now()
    for each in range(users):
        user = User.objects.create_user(f"trader{each}@example.com", "secret")
        open_account(user, 100_000_000.0)
        account = account_of(user)
        LiveStrategy.objects.bulk_create(
            LiveStrategy(
                user=user,
                account=account,
                name=f"Average {number}",
                deploy_key=uuid.uuid4().hex,
                fingerprint=uuid.uuid4().hex,
                kind="sma_crossover",
                parameters={"fast": 5 + number % 40, "slow": 50 + number % 150},
                symbols=[symbol_of((number + 67 * place) % SYMBOLS) for place in range(SYMBOLS_EACH)],
                deployed_at=wall_now,
                next_check_at=now,
                starting_equity=to_decimal(100_000.0),
                position_size_pct=0.001,
            )
            for number in range(each, strategies, users)
        )


@contextmanager
def workers(queues: str = "urgent,celery", threads: int = 8) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "-m", "celery", "-A", "tradedesk", "worker", "-Q", queues]
    command += ["--pool", "threads", "--concurrency", str(threads), "--loglevel", "error"]
    processes = [subprocess.Popen([*command, "-n", f"bench{n}@%h"]) for n in range(WORKERS)]  # noqa: S603 - this interpreter
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def sessions() -> list[date]:
    """Those after the deployment."""
    from tradedesk.marketdata.sessions import sessions_between

    days: list[date] = sessions_between(BEGIN, LAST).tolist()[1 : SESSIONS + 1]
    return days


def run_session(processes: list[subprocess.Popen[bytes]], day: date, others: Others) -> dict[str, float]:
    """All checks at the close of this session, and the sending of their orders; others deploy meanwhile."""
    from django.db import connection

    from livetrading.models import BarDecision, Order
    from livetrading.tasks import dispatch_due_accounts
    from tests.livetrading.factories import at_day
    from tradedesk.marketdata.clock import market_clock

    at_day(day)
    now = market_clock().now()
    before = cpu_of(processes)
    decisions, orders = BarDecision.objects.count(), Order.objects.count()
    started = time.perf_counter()
    dispatched = 0.0
    others.begin()
    while waits(now):
        if time.perf_counter() - dispatched > DISPATCH_EVERY:
            dispatched = time.perf_counter()
            dispatch_due_accounts.delay()
        time.sleep(LOOK_EVERY)
        others.look(now)
    seconds = time.perf_counter() - started
    while others.wait():
        time.sleep(LOOK_EVERY)
        others.look(now)
    after = cpu_of(processes)
    connection.close()
    used = [new - old for old, new in zip(before, after, strict=True)]
    return {
        "seconds": seconds,
        "decisions": BarDecision.objects.count() - decisions,
        "orders": Order.objects.count() - orders,
        "workers": used[0],
        "postgres": used[1],
        "cpu": sum(used),
        "megabytes": sum(resident(process.pid) for process in processes) / 2**20,
    }


def waits(now: datetime) -> bool:
    """Whether a check is due, or an order is not sent yet."""
    from livetrading.models import LiveStrategy, Order

    due = LiveStrategy.objects.filter(status="active", next_check_at__lte=now)
    return due.exists() or Order.objects.filter(state__in=("pending", "submitting", "unknown")).exists()


def cpu_of(processes: list[subprocess.Popen[bytes]]) -> tuple[float, float]:
    """Seconds of CPU of the workers, and of the processes of PostgreSQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity")
        postgres = {pid for (pid,) in cursor.fetchall()}
    # A connection is a process that ends with it; the parent of all counts those that have ended.
    postgres |= {parent(pid) for pid in postgres}
    return sum(spent(process.pid) for process in processes), sum(map(spent, postgres))


def spent(pid: int) -> float:
    """Its own and that of its children that have ended."""
    return sum(map(int, fields_of(pid)[11:15])) / TICKS


def parent(pid: int) -> int:
    return int(fields_of(pid)[1])


def fields_of(pid: int) -> list[str]:
    """What Linux says of it, from its state on; zeros when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except OSError:
        return ["0"] * 15


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*given, *(STRATEGIES, 1)[len(given) :])
