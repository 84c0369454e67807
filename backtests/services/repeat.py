"""Running a backtest again, to check that it gives exactly the same result."""

from datetime import datetime

from django.db import transaction

from backtests.models import Backtest
from backtests.services.queue import enqueue_backtest
from backtests.services.result_hash import result_hash_of
from backtests.services.room import room_for_backtest
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
    "compare_with",
)


class NothingToCompare(Exception):
    """The backtest has no result to compare with; the message says so."""


def repeat_backtest(backtest: Backtest, wall_now: datetime) -> Backtest:
    """A new backtest of the same snapshot, enqueued when the transaction commits. Its provenance has the result
    hash to compare with. Raises NothingToCompare and NoRoom."""
    if backtest.status != Backtest.Status.COMPLETED:
        raise NothingToCompare("Only a completed backtest can be run again and compared.")
    repeats = {"backtest": backtest.pk, "result": _result_hash(backtest)}
    with room_for_backtest(backtest.user_id):
        again = Backtest.objects.create(
            **{name: getattr(backtest, name) for name in SNAPSHOT},
            provenance={**backtest.provenance, "data": {}, "result": None, "repeats": repeats},
            created_at=wall_now,
            heartbeat_at=wall_now,
        )
        bump_version(backtest.user_id)
        # Robust: if the queue cannot be reached, recovery enqueues it later.
        transaction.on_commit(lambda: enqueue_backtest(again.pk), robust=True)
    return again


def _result_hash(backtest: Backtest) -> str:
    """The recorded result hash; for a backtest that has none, the hash of its stored rows."""
    recorded: str | None = backtest.provenance.get("result")
    return recorded or result_hash_of(backtest.trades.order_by("id"), backtest.curve)
