"""The switch between paper and live mode. Nothing else changes a user's mode."""

from datetime import datetime, timedelta

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.functions import Coalesce

from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.models.account import REPLAY
from livetrading.models.order import SENT
from livetrading.services.broker_accounts import is_live_configured
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord
from tradedesk.audit.services import record
from tradedesk.marketdata.clock import market_clock
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.services import notify

# What a person types before the first switch to live mode.
LIVE_WORD = "LIVE"
# Switches to live mode of one user in a minute: each is a notification that cannot be muted.
MOST_SWITCHES = 10
# Who acts when the desk itself goes back to paper mode.
DESK = "the desk"
GO_ON = "Exits and the protection of live positions go on."


class NotSwitched(Exception):
    """The mode was not changed; the message can be shown to a person."""


class NotConfirmed(NotSwitched):
    """Nobody has said that real money may be used."""


class NoLiveKeys(NotSwitched):
    """There is no live account whose keys have passed their test."""


class TooOften(NotSwitched):
    """The user has switched to live mode too often within a minute."""


class WrongMarket(NotSwitched):
    """The desk plays prices of the past."""


class NoSecondFactor(NotSwitched):
    """This desk demands two-factor log-in for live mode."""


def problem_with_live(user: User) -> NotSwitched | None:
    """Why the user cannot switch to live mode; None when only the confirmation is left."""
    if not settings.TRADES_AT_BROKERS:
        return WrongMarket(REPLAY)
    if not is_live_configured(user):
        return NoLiveKeys("Connect a live broker account and test it first: there are no verified live keys.")
    if settings.LIVE_NEEDS_SECOND_FACTOR and not is_mfa_enabled(user):
        return NoSecondFactor("Live mode needs two-factor log-in on this desk: set it up in Settings, Security.")
    return None


def check_acknowledgement(user: User, *, understood: bool, word: str) -> None:
    """What the dialog asks for. Raises NotConfirmed."""
    if not understood:
        raise NotConfirmed("Tick the box to say that live strategies may use real money.")
    if user.first_live_at is None and word.strip() != LIVE_WORD:
        raise NotConfirmed(f"Type {LIVE_WORD} to confirm, this first time.")


def switch_mode(
    user: User,
    mode: str,
    *,
    confirmed: bool = False,
    by: User | str | None = None,
    now: datetime,
    wall_now: datetime,
) -> bool:
    """Put the user into this mode; returns whether that was a change. confirmed: whether a person has said that
    real money may be used; to go back to paper nothing is asked. by: who does it, when it is not the user.

    Nothing is sent to a broker: the gate holds back the entries of the other mode from now on, and exits and
    protection go on. Raises NotSwitched.
    """
    if mode == Mode.LIVE and not confirmed:
        raise NotConfirmed("Confirm that live strategies may use real money.")
    changes: dict[str, object] = {"mode": Mode(mode), "mode_changed_at": wall_now}
    if mode == Mode.LIVE:
        changes["first_live_at"] = Coalesce("first_live_at", Value(wall_now), output_field=DateTimeField())
    with transaction.atomic():
        # Who gives up the second factor at the same time is sent back to paper after this, or is refused here.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if mode == Mode.LIVE and (problem := problem_with_live(user)) is not None:
            raise problem
        if mode == Mode.LIVE and _switches(user, wall_now) >= MOST_SWITCHES:
            raise TooOften("You have switched too often. Try again in a minute.")
        changed = User.objects.filter(pk=user.pk, is_active=True).exclude(mode=mode).update(**changes) == 1
        if changed:
            priority = None if mode == Mode.LIVE else Priority.NORMAL
            text = mode_message(user, mode)
            notify(user, Event.MODE, text, "/dashboard/live-trading", now, priority=priority)
            bump_version(user.pk)
            record(by or user, f"mode_{mode}", user, {"before": _other(mode), "after": mode}, wall_now)
    user.refresh_from_db(fields=["mode", "mode_changed_at", "first_live_at"])
    return changed


def end_live_without_second_factor(user: User, now: datetime, wall_now: datetime) -> bool:
    """Back to paper when the user has no second factor and live mode needs one. Returns whether it was."""
    if not settings.LIVE_NEEDS_SECOND_FACTOR or is_mfa_enabled(user):
        return False
    return switch_mode(user, Mode.PAPER, by=DESK, now=now, wall_now=wall_now)


def end_all_live_without_second_factor(wall_now: datetime) -> int:
    """The same for all users, before the desk starts: it may demand now what it did not before. Returns how many
    went back."""
    now = market_clock().now()
    live = list(User.objects.filter(mode=Mode.LIVE).order_by("pk"))
    return sum(end_live_without_second_factor(user, now, wall_now) for user in live)


def mode_message(user: User, mode: str) -> str:
    """What the page and the notification say of the switch."""
    if mode == Mode.LIVE:
        may = counted(live_strategies_that_may_trade(user), "live strategy", "live strategies")
        return f"Live mode: orders use real money. {may} may trade."
    active = _active(user).count()
    strategies = counted(active, "live strategy", "live strategies")
    entries = f"Entries of {strategies} are held back. " if active else ""
    live_entries = user.orders.filter(account__mode=Mode.LIVE, purpose=Order.Purpose.ENTRY, state__in=SENT)
    if sent := live_entries.count():
        entries += f"{counted(sent, 'live entry order')} at the broker may still fill, unless you cancel first. "
    return f"Paper mode: new orders use paper money. {entries}{GO_ON}"


def live_strategies_that_may_trade(user: User) -> int:
    """Those whose entries nothing but paper mode holds back, as the gate decides it. One query."""
    free = (
        _active(user).filter(account__entries_stopped_at=None).exclude(account__state=BrokerAccount.State.BLOCKED)
    )
    return sum(not live.has_tripped for live in free)


def _active(user: User) -> QuerySet[LiveStrategy]:
    return user.live_strategies.filter(account__mode=Mode.LIVE, status=LiveStrategy.Status.ACTIVE)


def _switches(user: User, wall_now: datetime) -> int:
    recent = AuditRecord.objects.filter(user=user, time__gt=wall_now - timedelta(minutes=1))
    return recent.filter(action="mode_live").count()


def _other(mode: str) -> str:
    return Mode.PAPER if mode == Mode.LIVE else Mode.LIVE
