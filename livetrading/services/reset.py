"""Restart the replay market with empty paper accounts: the records must not contain trades of later bars."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from livetrading.models import (
    BrokerAccount,
    DailySummary,
    Incident,
    LiveStrategy,
    Order,
    PaperAccount,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SummarizedSession,
)
from livetrading.services.account_rules import forget_history
from livetrading.services.accounts import empty_books
from tradedesk.marketdata import replay
from tradedesk.notifications.models import Notification

_SIMULATED = {"account__broker": BrokerAccount.Broker.PAPER}


def reset_replay(wall_now: datetime) -> int:
    """Empty the simulated accounts of all users and set the replay to its start. Returns the number of deleted
    deployments.

    The new epoch of the accounts refuses orders that a worker is just sending.
    """
    with transaction.atomic():
        accounts = BrokerAccount.objects.filter(broker=BrokerAccount.Broker.PAPER)
        # The locks let running ticks and submits end first; later ones find the new epoch.
        list(accounts.select_for_update().order_by("pk").values_list("pk", flat=True))
        # The broker's matcher takes only this lock.
        list(PaperAccount.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
        PaperTrade.objects.filter(**_SIMULATED).delete()
        PaperPosition.objects.filter(**_SIMULATED).delete()
        Incident.objects.filter(**_SIMULATED).delete()
        Order.objects.filter(**_SIMULATED).delete()
        PaperOrder.objects.all().delete()
        PaperAccount.objects.update(cash=F("starting_cash"))
        for books in PaperAccount.objects.all():
            accounts.filter(pk=books.broker_account_id).update(
                **empty_books(books.cash),
                epoch=F("epoch") + 1,
                state=BrokerAccount.State.CONNECTED,
                state_reason="",
                failures=0,
            )
        forget_history(accounts.values_list("pk", flat=True))
        deployed = LiveStrategy.with_deleted.filter(**_SIMULATED)
        count = deployed.count()
        deployed.delete()
        DailySummary.objects.filter(**_SIMULATED).delete()
        SummarizedSession.objects.all().delete()
        Notification.objects.all().delete()
        replay.restart(wall_now)
    return count
