"""What the replay market has to wait for: the work of this session in the simulated accounts; and whether anything
in them depends on every session."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from livetrading.models import BrokerAccount, Halt, LiveStrategy, Order, OrderState, PaperTrade
from livetrading.models.account import FAILING
from livetrading.models.halt import UNFINISHED
from livetrading.models.live_strategy import CHECKED
from livetrading.models.order import WORKING
from livetrading.services.wording import counted

_PAPER = BrokerAccount.Broker.PAPER
# Orders on their way to the broker: at a later session they would fill on a later bar. An exit waits in the
# simulation only for the cancellation of the sale of a part.
_ON_THE_WAY = Q(state__in=(OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN)) | Q(
    state=OrderState.WAITING, purpose=Order.Purpose.EXIT
)
# Orders that this session's bar may have filled, until the account is reconciled.
_AT_BROKER = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, OrderState.CANCEL_PENDING)


def unfinished_work(now: datetime) -> str:
    """What the simulated accounts still have to do at the market time `now`: "3 checks, 1 order"; "" for nothing.
    Four queries.

    A check that fails is no longer due, and an account that fails again and again does not count, so the trouble
    of one user does not hold the market of all."""
    works = {"account__broker": _PAPER, "account__failures__lt": FAILING, "account__revoked_at": None}
    due = LiveStrategy.objects.filter(**works, status__in=CHECKED, next_check_at__lte=now)
    sending = Order.objects.filter(_ON_THE_WAY, **works)
    working = Order.objects.filter(account=OuterRef("pk"), state__in=_AT_BROKER)
    # Every reconciliation at this close has seen the fills of its bar.
    before = Q(reconciled_at=None) | Q(reconciled_at__lt=now)
    unreconciled = BrokerAccount.objects.filter(before, Exists(working), broker=_PAPER, failures__lt=FAILING)
    halts = Halt.objects.filter(UNFINISHED, **works, started_at=None)
    found = (
        (halts.count(), "halt", ""),
        (due.count(), "check", ""),
        (sending.count(), "order", ""),
        (unreconciled.count(), "account with fills to book", "accounts with fills to book"),
    )
    return ", ".join(counted(number, one, several) for number, one, several in found if number)


def follows_sessions() -> bool:
    """Whether a simulated account has a strategy that is checked, an open lot, an order that can still be filled
    or a halt at work: then a session that the replay left out would be a check or an exit that is not made. One
    query."""
    paper = {"account__broker": _PAPER, "account__archived_at": None}
    parts = (
        LiveStrategy.objects.filter(**paper, status__in=CHECKED),
        PaperTrade.objects.filter(**paper, exit_time=None),
        Order.objects.filter(**paper, state__in=WORKING),
        Halt.objects.filter(UNFINISHED, **paper),
    )
    return BrokerAccount.objects.filter(Q(*(Exists(rows) for rows in parts), _connector=Q.OR)).exists()
