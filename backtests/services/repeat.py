"""Running a backtest again, to see whether the same comes out to the last bit."""

from datetime import datetime

from django.db import transaction

from backtests.models import Backtest
from backtests.services.queue import enqueue
from backtests.services.result_hash import result_hash_of
from tradedesk.accounts.changes import bump_version

SNAPSHOT = (
    "user_id",
    "strategy_id",
    "candidate_id",
    "strategy_name",
    "kind",
    "parameters",
    "symbols",
    "timeframe",
    "start_date",
    "end_date",
    "initial_capital",
    "rules",
    "costs",
)


class NothingToCompare(Exception):
    """The backtest has no result; the message says so."""


def repeat_backtest(backtest: Backtest, wall_now: datetime) -> Backtest:
    """The same snapshot as a backtest of its own, enqueued when the transaction commits; it remembers the digest
    that its result is to be compared with. Raises NothingToCompare."""
    if backtest.status != Backtest.Status.COMPLETED:
        raise NothingToCompare("Only a completed backtest can be run again and compared.")
    repeats = {"backtest": backtest.pk, "result": _digest(backtest)}
    again = Backtest.objects.create(
        **{name: getattr(backtest, name) for name in SNAPSHOT},
        provenance={**backtest.provenance, "result": None, "repeats": repeats},
        created_at=wall_now,
        heartbeat_at=wall_now,
    )
    bump_version(backtest.user_id)
    # Robust, as for a new backtest: when the queue cannot be reached, the sweep enqueues it later.
    transaction.on_commit(lambda: enqueue(again.pk), robust=True)
    return again


def _digest(backtest: Backtest) -> str:
    """That of the run; of a backtest that was run before there were digests, that of its rows."""
    recorded: str | None = backtest.provenance.get("result")
    return recorded or result_hash_of(backtest.trades.order_by("id"), backtest.curve)
