"""Measures what a tick of an account costs on PostgreSQL: `python -m bench.ticks`.

Queries and CPU of one tick, for sets of strategies with nothing held, and for one due strategy of an account that
holds many lots. The replay of the samples provides the bars; the simulation is the broker.
"""

import sys
import uuid
from datetime import date
from statistics import median
from time import process_time

from bench.servers import connect

STRATEGIES, LOTS, REPEATS = (1, 50, 200), (0, 100, 500), 7
ROW = "{:<44}{:>10}{:>12}{:>12}\n"
FIRST = date(2011, 3, 1)


def main() -> None:
    set_up()
    sys.stdout.write(f"\nOne tick of an account on PostgreSQL, median of {REPEATS}\n\n")
    sys.stdout.write(ROW.format("", "queries", "CPU ms", "ms each"))
    for strategies in STRATEGIES:
        report(f"{strategies} due strategies, no lots", *measure(strategies, 0), strategies)
    for lots in LOTS:
        report(f"1 due strategy, {lots} open lots", *measure(1, lots), 1)


def set_up() -> None:
    """Start a PostgreSQL of its own, and load the samples into it."""
    connect()
    from tests.livetrading.pipeline.desk import WALL
    from tradedesk.marketdata.services import load_samples

    load_samples(WALL)


def report(label: str, queries: int, milliseconds: float, strategies: int) -> None:
    figures = (f"{queries:,}", f"{milliseconds:,.1f}", f"{milliseconds / strategies:,.2f}")
    sys.stdout.write(ROW.format(label, *figures))
    sys.stdout.flush()


def measure(strategies: int, lots: int) -> tuple[int, float]:
    """Queries and CPU milliseconds of a tick; each tick is one session later than the one before, so that every
    strategy has a new bar."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from livetrading.pipeline.tick import tick
    from tests.livetrading.pipeline.desk import WALL, closes

    account_id, due = prepare(strategies, lots)
    counts, timings = [], []
    for now in closes(FIRST, date(2011, 4, 30))[1 : REPEATS + 2]:
        with CaptureQueriesContext(connection) as captured:
            started = process_time()
            tick(account_id, now, WALL, only=due)
            timings.append(process_time() - started)
        counts.append(len(captured))
    return int(median(counts[1:])), median(timings[1:]) * 1e3


def prepare(strategies: int, lots: int) -> tuple[int, tuple[int, ...]]:
    """An account of a new user with this many strategies to check and this many open lots with stops."""
    from livetrading.models import Order, PaperOrder
    from tests.livetrading.factories import make_paper_trade
    from tests.livetrading.pipeline.desk import deployed, open_account
    from tradedesk.accounts.models import User

    user = User.objects.create_user(f"{uuid.uuid4().hex}@example.com", "secret")
    books = open_account(user, 10_000_000.0)
    # Different parameters, so that no signal is shared; buy and hold keeps what it has bought.
    due = [
        deployed(
            user, "sma_crossover", ["AAPL", "MSFT", "IBM"], parameters={"fast": 5 + n % 40, "slow": 50 + n % 150}
        )
        for n in range(strategies)
    ]
    holder = deployed(user, "buy_and_hold", ["GOOG"], status="paused")
    for _ in range(lots):
        trade = make_paper_trade(user=user, live_strategy=holder, symbol="GOOG", stop_price=1)
        entry = trade.opening_order
        leg = Order.objects.create(
            user=user,
            account=entry.account,
            live_strategy=holder,
            symbol="GOOG",
            side="sell",
            purpose="stop_loss",
            type="stop",
            quantity=trade.quantity,
            stop_price=1,
            distance=0.9,
            holder="attached",
            opening_order=entry,
            state="accepted",
            client_order_id=f"{entry.client_order_id}-stop",
            created_at=entry.created_at,
            state_changed_at=entry.state_changed_at,
        )
        common = {"symbol": "GOOG", "timeframe": "1Day", "quantity": 10, "accepted_at": entry.created_at}
        books.orders.create(
            client_order_id=entry.client_order_id,
            side="buy",
            status="filled",
            open_quantity=10,
            filled_quantity=10,
            stop_loss_id=leg.client_order_id,
            **common,
        )
        books.orders.create(
            client_order_id=leg.client_order_id,
            kind=PaperOrder.Kind.STOP_LOSS,
            closes=entry.client_order_id,
            side="sell",
            trigger_price=1,
            **common,
        )
    return books.broker_account_id, tuple(live.pk for live in due)


if __name__ == "__main__":
    main()
