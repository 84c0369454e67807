"""The worst trouble that concerns a user, for the top bar: of the whole desk, or of the user's own accounts,
orders and strategies. An operator sees everything."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.models.account import FAILING, in_this_market
from livetrading.models.live_strategy import CHECKED
from livetrading.services.stuck import stuck_orders
from tradedesk.accounts.models import User
from tradedesk.monitoring.findings import State
from tradedesk.monitoring.stored import DeskTrouble, read_trouble

HEALTH_PAGE, LIVE_PAGE = "/dashboard/health", "/dashboard/live-trading"
# What a user may have, the worst first.
OWN = {
    "failing_account": "Your broker account cannot be reconciled: nothing new is decided.",
    "stuck_order": "An order of yours has been on its way to the broker for more than a minute.",
    "missed_checks": "A strategy of yours is not checked: its signals wait.",
    "error": "A strategy of yours has stopped with an error.",
    "failing_checks": "The checks of a strategy of yours fail again and again.",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """text: one sentence. url: where more is said. is_error: something does not trade."""

    text: str
    url: str
    is_error: bool = True


def trouble_of(user: User, wall_now: datetime) -> Trouble | None:
    """None when all is well. Two queries."""
    desk = read_trouble(wall_now)
    if desk is not None and desk.text:
        return _of_desk(desk, user)
    if (own := _own(user, wall_now)) is not None:
        return own
    return None if desk is None or not user.is_staff else _of_desk(desk, user)


def _of_desk(desk: DeskTrouble, user: User) -> Trouble:
    if user.is_staff:
        return Trouble(desk.for_operator, HEALTH_PAGE, desk.state == State.ERROR)
    return Trouble(desk.text, LIVE_PAGE)


def _own(user: User, wall_now: datetime) -> Trouble | None:
    of_user = {"user": OuterRef("pk")}
    checked = LiveStrategy.objects.filter(**of_user, status__in=CHECKED)
    ended = LiveStrategy.objects.filter(**of_user, status=LiveStrategy.Status.ERROR)
    conditions = {
        "failing_account": Exists(
            BrokerAccount.objects.filter(in_this_market(), **of_user, failures__gte=FAILING, revoked_at=None)
        ),
        "stuck_order": Exists(Order.objects.filter(stuck_orders(wall_now), **of_user)),
        "missed_checks": Exists(checked.filter(missed_checks_at__isnull=False)),
        "error": Exists(ended),
        "failing_checks": Exists(checked.filter(failures__gte=FAILING)),
    }
    found = User.objects.filter(pk=user.pk).values(**conditions).first() or {}
    return next((Trouble(text, LIVE_PAGE) for name, text in OWN.items() if found.get(name)), None)
