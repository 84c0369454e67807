"""Empty simulated accounts: one user's, or those of all with a restart of the replay market, because the records
must not contain trades of later bars."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

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
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.notifications.models import Notification

COMMAND = "manage.py reset_{}"
_SIMULATED = Q(broker=BrokerAccount.Broker.PAPER)


def reset_replay(wall_now: datetime) -> int:
    """Empty the simulated accounts of all users and set the replay to its start. Returns the number of deleted
    deployments."""
    with transaction.atomic():
        count = _empty(_SIMULATED)
        SummarizedSession.objects.all().delete()
        Notification.objects.all().delete()
        replay.restart(wall_now)
        market = ReplayMarket.objects.get()
        record(COMMAND.format("replay"), "replay_reset", market, {"deployments": count}, wall_now)
    return count


def reset_paper(user: User, wall_now: datetime) -> int:
    """Empty the simulated accounts of this user; the market goes on. Returns the number of deleted deployments."""
    with transaction.atomic():
        count = _empty(_SIMULATED & Q(user=user))
        record(COMMAND.format("paper"), "paper_reset", user, {"deployments": count}, wall_now)
        transaction.on_commit(lambda: bump_version(user.pk), robust=True)
    return count


def _empty(which: Q) -> int:
    """Delete the records and the deployments of these accounts, and give them their starting cash. Returns the
    number of deployments.

    The new epoch of the accounts refuses orders that a worker is just sending.
    """
    accounts = BrokerAccount.objects.filter(which)
    # The locks let running ticks and submits end first; later ones find the new epoch.
    ids = list(accounts.select_for_update().order_by("pk").values_list("pk", flat=True))
    books = PaperAccount.objects.filter(broker_account__in=ids)
    # The broker's matcher takes only this lock.
    list(books.select_for_update().order_by("pk").values_list("pk", flat=True))
    for records in (PaperTrade, PaperPosition, Incident, Order, DailySummary):
        records.objects.filter(account__in=ids).delete()
    PaperOrder.objects.filter(account__in=books).delete()
    books.update(cash=F("starting_cash"))
    for own in books:
        BrokerAccount.objects.filter(pk=own.broker_account_id).update(
            **empty_books(own.cash),
            epoch=F("epoch") + 1,
            state=BrokerAccount.State.CONNECTED,
            state_reason="",
            failures=0,
        )
    forget_history(ids)
    deployed = LiveStrategy.with_deleted.filter(account__in=ids)
    count = deployed.count()
    deployed.delete()
    return count
