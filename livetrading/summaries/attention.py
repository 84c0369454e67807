"""What needs attention, the worst first: each with one sentence, its reason, and where to act."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.models.live_strategy import CHECKED
from livetrading.services.wording import counted
from livetrading.summaries.account import AccountSummary
from livetrading.summaries.approvals import waiting_signals
from livetrading.summaries.open_risk import OpenRisk
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import daily_time

# Of each kind, and in the list.
OF_A_KIND, SHOWN = 3, 6
LIVE = "livetrading:dashboard"


@dataclass(frozen=True, slots=True)
class Item:
    """level: error, warning, info, or waiting for what only takes its time. verb: of the button."""

    level: str
    text: str
    reason: str
    url: str
    verb: str = "Open"


@dataclass(frozen=True, slots=True)
class Attention:
    items: list[Item]
    more: int = 0


def read_attention(user: User, account: AccountSummary, risk: OpenRisk, now: datetime) -> Attention:
    """Seven queries, however much is wrong."""
    order = {"error": 0, "warning": 1, "info": 2, "waiting": 3}
    found = sorted(_items(user, account, risk, now), key=lambda item: order[item.level])
    return Attention(found[:SHOWN], max(0, len(found) - SHOWN))


def _items(user: User, account: AccountSummary, risk: OpenRisk, now: datetime) -> Iterator[Item]:
    live_page = reverse(LIVE)
    if row := account.account:
        if row.entries_stopped:
            reason = row.entries_stopped_reason or f"By {row.entries_stopped_by}"
            yield Item("error", "Trading is stopped", reason, reverse("livetrading:stop_trading"), "Resume")
        if row.market_problem or row.state != row.State.CONNECTED:
            text = f"{row.name} is {row.get_state_display().lower()}"
            yield Item("error", text, row.market_problem or row.state_reason, reverse("livetrading:brokers"))
    yield from _strategies(user)
    for incident in [each for each in account.incidents if each.resolved_at is None][:OF_A_KIND]:
        yield Item("error", incident.get_kind_display(), incident.text, live_page)
    bare = sorted(
        {lot.trade.symbol for position in account.positions for lot in position.lots if lot.is_unprotected}
    )
    if bare:
        text = f"{_some(bare)} not protected now"
        yield Item("error", text, "A stop or a target has no working order", live_page, "Show")
    yield from _orders(user, account)
    for channel in user.channels.filter(failing_since__isnull=False)[:OF_A_KIND]:
        url = reverse("notifications:preferences")
        yield Item("warning", f"{channel.name} has failed", channel.last_error or "No answer", url, "Fix")
    if risk.without_stop:
        text = f"{_some(risk.without_stop)} held without a stop"
        yield Item("info", text, "Counted in full in the open risk", live_page, "Show")
    if waiting := waiting_signals(user, now).count():
        verb = "waits" if waiting == 1 else "wait"
        yield Item(
            "info", f"{counted(waiting, 'signal')} {verb} for you", "Not executed by itself", live_page, "Review"
        )


def _some(symbols: Sequence[str]) -> str:
    """The first of them, such as "AAPL, IBM and 2 more"."""
    more = len(symbols) - OF_A_KIND
    return ", ".join(symbols[:OF_A_KIND]) + (f" and {more} more" if more > 0 else "")


def _strategies(user: User) -> Iterator[Item]:
    wrong = Q(status=LiveStrategy.Status.ERROR) | Q(status__in=CHECKED) & (
        Q(failures__gt=0) | Q(missed_checks_at__isnull=False)
    )
    for live in user.live_strategies.filter(wrong).order_by("-status", "-failures", "-pk")[: 2 * OF_A_KIND]:
        url = reverse("livetrading:detail", args=[live.pk])
        if live.status == LiveStrategy.Status.ERROR:
            yield Item("error", f"{live.name} has stopped with an error", live.last_error, url)
        elif live.missed_checks_at is not None:
            yield Item("error", f"{live.name} missed its checks", "Its signals wait", url, "Log")
        else:
            yield Item("warning", f"{live.name} is degraded", live.last_error, url)
    tripped = user.live_strategies.filter(status__in=CHECKED).exclude(tripped_session=None).order_by("-pk")
    for live in [live for live in tripped[: 2 * OF_A_KIND] if live.has_tripped]:
        url = reverse("livetrading:detail", args=[live.pk])
        yield Item("warning", f"{live.name} makes no entries", live.tripped_reason, url)


def _orders(user: User, account: AccountSummary) -> Iterator[Item]:
    """Those of today that were not placed, and those that wait for a fill."""
    orders = Order.objects.filter(account=account.account, user=user).order_by("-created_at")
    refused = orders.filter(
        state__in=(OrderState.BLOCKED, OrderState.REJECTED), created_at__gte=daily_time(account.day)
    )
    if last := refused.first():
        number = refused.count()
        text = f"{counted(number, 'order')} of today {'was' if number == 1 else 'were'} not placed"
        yield Item("warning", text, last.reason, reverse("livetrading:signals"), "Signals")
    at_work = Order.at_work(
        Order.objects.filter(account=account.account, user=user), Order.Purpose.ENTRY, Order.Purpose.EXIT
    )
    waiting = list(orders.filter(pk__in=at_work[: OF_A_KIND + 1])) if at_work else []
    if waiting:
        some = " · ".join(
            f"{order.get_side_display()} {order.quantity.normalize():f} {order.symbol}"
            for order in waiting[:OF_A_KIND]
        )
        several = f"{OF_A_KIND} or more" if len(waiting) > OF_A_KIND else str(len(waiting))
        text = f"{several} order{'s' * (len(waiting) != 1)} wait{'s' * (len(waiting) == 1)} for a fill"
        yield Item("waiting", text, some, reverse(LIVE), "Orders")
