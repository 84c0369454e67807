"""Restart the replay market with empty paper accounts: the records must not contain trades of later bars."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from livetrading.models import (
    LiveStrategy,
    Order,
    PaperAccount,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    Reconciliation,
)
from tradedesk.accounts.models import Mode, Notification
from tradedesk.marketdata import replay


def reset_replay(wall_now: datetime) -> int:
    """Empty the paper accounts of all users and set the replay to its start. Returns the number of deleted
    deployments."""
    with transaction.atomic():
        PaperTrade.objects.all().delete()
        PaperPosition.objects.all().delete()
        Order.objects.filter(mode=Mode.PAPER).delete()
        PaperOrder.objects.all().delete()
        PaperAccount.objects.update(cash=F("starting_cash"))
        Reconciliation.objects.filter(mode=Mode.PAPER).delete()
        deployed = LiveStrategy.objects.filter(mode=Mode.PAPER)
        count = deployed.count()
        deployed.delete()
        Notification.objects.all().delete()
        replay.restart(wall_now)
    return count
