"""How late decisions are on more hosts than one has: a simulation, `python -m bench.scale`.

All strategies have a new bar at once, as at the close of a session. Accounts wait for a worker in the order in
which they became due; a message decides sets of an account for a while, and what is left goes to the end of the
queue (livetrading/pipeline/tick.py). Each piece of work takes CPU of its worker and then CPU of PostgreSQL, which
all workers share. What a piece costs are the constants below; docs/scale.md says how they were measured.
"""

import heapq
import sys
from collections import deque
from dataclasses import dataclass

import numpy as np

# CPU seconds of a worker, and of PostgreSQL, for: a message of an account, a decision, an order with its fill.
MESSAGE, DECISION, ORDER = (0.045, 0.006), (0.0006, 0.0001), (0.06, 0.02)
SYMBOLS, ORDERS = 3, 0.008  # of a strategy; orders of a decision
SET, SETS_SECONDS = 200, 0.6
REQUESTS_A_MINUTE = 200  # of an account at Alpaca
ROW = "{:>10,}{:>10,}{:>9}{:>9}{:>12.1f}{:>12.1f}{:>12.1f}{:>12.0%}{:>13.1f}\n"


@dataclass(frozen=True, slots=True)
class Case:
    """strategies: of each large account. Beside them are as many users with one strategy each. cores: of all
    workers together, and of PostgreSQL."""

    accounts: int
    strategies: int
    cores: int
    database: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds: until all are decided; until the users with one strategy are, the median and the 99th of 100. busy:
    the share of PostgreSQL's cores in use. sending: minutes until Alpaca has taken the orders of an account."""

    all_decided: float
    single_median: float
    single_p99: float
    busy: float
    sending: float


CASES = [
    Case(1, 10_000, 2, 2),
    Case(10, 10_000, 8, 4),
    Case(10, 10_000, 32, 8),
    Case(100, 1_000, 8, 4),
    Case(100, 1_000, 32, 8),
    Case(1_000, 100, 8, 4),
    Case(1_000, 100, 32, 8),
    Case(1_000, 100, 96, 16),
]


def simulate(case: Case) -> Outcome:
    """One bar of all strategies."""
    left = [case.strategies] * case.accounts + [1] * case.accounts
    order = np.random.default_rng(1).permutation(len(left))
    waiting = deque(int(each) for each in order)
    workers = [0.0] * case.cores
    database = [0.0] * case.database
    done, used = np.zeros(len(left)), 0.0
    heapq.heapify(workers)
    heapq.heapify(database)
    while waiting:
        account, begins = waiting.popleft(), heapq.heappop(workers)
        spent, borne = MESSAGE
        while left[account] and spent < SETS_SECONDS:
            some = min(SET, left[account])
            left[account] -= some
            for cost, number in ((DECISION, some * SYMBOLS), (ORDER, some * SYMBOLS * ORDERS)):
                spent, borne = spent + cost[0] * number, borne + cost[1] * number
        # The worker waits for PostgreSQL, which serves in the order of the requests.
        free = max(heapq.heappop(database), begins + spent)
        heapq.heappush(database, free + borne)
        heapq.heappush(workers, free + borne)
        done[account], used = free + borne, used + borne
        if left[account]:
            waiting.append(account)
    single = done[case.accounts :]
    orders = case.strategies * SYMBOLS * ORDERS
    return Outcome(
        all_decided=float(done.max()),
        single_median=float(np.median(single)),
        single_p99=float(np.quantile(single, 0.99)),
        busy=used / (done.max() * case.database),
        sending=orders / REQUESTS_A_MINUTE,
    )


def main() -> None:
    sys.stdout.write(
        "\n  accounts    each    cores database   all decided   one: median   one: p99  database  Alpaca, min\n\n"
    )
    for case in CASES:
        found = simulate(case)
        figures = (found.all_decided, found.single_median, found.single_p99, found.busy, found.sending)
        sys.stdout.write(ROW.format(case.accounts, case.strategies, case.cores, case.database, *figures))


if __name__ == "__main__":
    main()
