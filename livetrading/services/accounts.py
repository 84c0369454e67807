"""The broker accounts of a user."""

from datetime import datetime

from django.conf import settings

from livetrading.brokers.protocol import Broker
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import PaperAccount
from tradedesk.accounts.models import Mode
from tradedesk.core.money import to_decimal


class NoBroker(Exception):
    """No broker account is connected in this mode; the message can be shown to a person."""


def paper_account(user_id: int) -> PaperAccount:
    """The user's paper account; the first call opens it with PAPER_STARTING_CASH."""
    cash = to_decimal(settings.PAPER_STARTING_CASH)
    defaults = {"starting_cash": cash, "cash": cash}
    return PaperAccount.objects.get_or_create(user_id=user_id, defaults=defaults)[0]


def broker_for(user_id: int, mode: str, now: datetime) -> Broker:
    """The broker for this user's orders of `mode`, at the market time `now`. Raises NoBroker."""
    if mode != Mode.PAPER:
        raise NoBroker("No live broker account is connected, so live orders cannot be sent.")
    return SimulatedBroker(paper_account(user_id), now)
