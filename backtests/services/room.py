"""How much one user may have in the queue, so that nobody fills it for all others."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from backtests.models import Backtest, OptimizerRun
from tradedesk.accounts.models import User


class NoRoom(Exception):
    """The user has as much in the queue as is allowed; the message can be shown to a person."""


@contextmanager
def room_for_backtest(user_id: int) -> Iterator[None]:
    """A transaction in which one more backtest may be queued. Raises NoRoom."""
    with _locked(user_id):
        waiting = Backtest.objects.filter(
            user=user_id, status__in=(Backtest.Status.QUEUED, Backtest.Status.RUNNING)
        ).count()
        if waiting >= settings.MAX_QUEUED_BACKTESTS:
            raise NoRoom(
                f"You have {waiting} backtests in the queue, the maximum for one user. Wait until one ends, "
                "or cancel one."
            )
        yield


@contextmanager
def room_for_run(user_id: int, combinations: int) -> Iterator[None]:
    """A transaction in which one more optimizer run with so many combinations may be queued. Raises NoRoom.

    A paused run counts: it can be resumed at any time."""
    with _locked(user_id):
        open_runs = OptimizerRun.objects.filter(
            user=user_id,
            status__in=(OptimizerRun.Status.QUEUED, OptimizerRun.Status.RUNNING, OptimizerRun.Status.PAUSED),
        ).order_by()
        if (runs := open_runs.count()) >= settings.MAX_QUEUED_RUNS:
            raise NoRoom(
                f"You have {runs} optimizer runs in the queue or paused, the maximum for one user. Wait "
                "until one ends, or cancel one."
            )
        queued = open_runs.aggregate(total=Sum("combinations"))["total"] or 0
        if queued + combinations > settings.MAX_QUEUED_COMBINATIONS:
            raise NoRoom(
                f"This run has {combinations:,} combinations, and {queued:,} of yours are in the queue. A user "
                f"may have {settings.MAX_QUEUED_COMBINATIONS:,} there: use larger steps, or wait."
            )
        yield


@contextmanager
def _locked(user_id: int) -> Iterator[None]:
    """Two requests of one user at the same time are counted one after the other."""
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=user_id)
        yield
