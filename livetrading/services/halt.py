"""Stop the trading of an account: request a halt, follow it, lift it.

The request is a row; the ticks of the account carry it out (pipeline.flatten), so it survives every crash.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from livetrading.models import BrokerAccount, Halt, Incident, Order
from livetrading.models.halt import UNFINISHED
from livetrading.models.order import WORKING
from livetrading.models.trade import trades_of
from livetrading.services.accounts import active_account
from livetrading.services.notifications import notify_halt
from livetrading.services.queue import enqueue_tick_now
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.marketdata.clock import market_clock

# What a person types to lift a halt.
RESUME = "RESUME"
# Who asks with a command: somebody with a shell of the desk, so an operator.
COMMAND = "manage.py halt_trading"
RESTORE = "manage.py restore"
# Operators may halt and lift every account.
PERMISSION = "livetrading.add_halt"
Action = Halt.Action


class NotLifted(Exception):
    """The halt was not lifted; the message can be shown to a person."""


class OperatorsHalt(NotLifted):
    """An operator has set it, and the user may not lift it."""


def request(
    account: BrokerAccount,
    action: str,
    *,
    by: User | str,
    reason: str = "",
    now: datetime,
    wall_now: datetime,
    passed_on: bool = False,
) -> Halt:
    """Stop the entries of the account, and with a stronger action cancel its entry orders and sell its lots.

    The entries are stopped when this returns; the next ticks do the rest. A request that a halt at work includes
    returns that halt; when an operator asks for just the same, it is the operator's from then on. by: the
    user who asks, or the name of a command or of a part of the desk. passed_on: whether an operator has set it for
    another account of the user.
    """
    with transaction.atomic():
        # With the row lock, a check has either written its entries before the halt, or finds it.
        locked = BrokerAccount.locked(account.pk)
        by_operator = passed_on or _is_operator(by, locked)
        same = _including(locked, action)
        if (found := (same.filter(by_operator=True) if by_operator else same).first()) is not None:
            return found
        if by_operator and (users := same.filter(UNFINISHED, action=action).first()) is not None:
            return _taken_over(users, locked, by, reason, now, wall_now)
        halt = Halt(
            account=locked,
            action=Action(action),
            requested_by=_who(by, locked),
            by_operator=by_operator,
            reason=reason[:300],
            requested_at=now,
            requested_wall=wall_now,
        )
        if halt.cancels:
            halt.orders_to_cancel = working_entries(locked)
        if halt.sells:
            halt.lots_to_sell = open_lots(locked)
        # No tick reaches an account whose keys never passed a test; without orders, nothing is left to do there.
        if not halt.cancels or not (locked.usable or locked.orders.exists()):
            halt.started_at = halt.finished_at = wall_now
        halt.save()
        stopped = BrokerAccount.objects.filter(pk=locked.pk, entries_stopped_at=None).update(
            entries_stopped_at=now, entries_stopped_by=halt.requested_by, entries_stopped_reason=halt.reason
        )
        if by_operator and not stopped:
            _name_operator(locked, halt.requested_by, halt.reason)
        notify_halt(locked, _announcement(halt), now)
        bump_version(locked.user_id)
        record(by, f"halt_{halt.action}", locked, {"reason": halt.reason}, wall_now)
        if halt.is_unfinished:
            transaction.on_commit(lambda: enqueue_tick_now(locked.pk), robust=True)
    return halt


def lift(account: BrokerAccount, confirmation: str, *, by: User | str, now: datetime, wall_now: datetime) -> bool:
    """Let the account send entries again; what a halt at work has not done yet is not done any more, and orders on
    their way stay. Returns whether it was halted. Raises NotLifted unless `confirmation` is RESUME, and
    OperatorsHalt when a user lifts what an operator has set."""
    check_word(confirmation)
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        if not may_lift(by, locked) and (operators := operators_halt(locked)) is not None:
            raise OperatorsHalt(
                f"Trading was stopped by {operators.requested_by}. Only an operator can lift this."
            )
        stopped = BrokerAccount.objects.filter(pk=locked.pk, entries_stopped_at__isnull=False)
        lifted = stopped.update(entries_stopped_at=None, entries_stopped_by="", entries_stopped_reason="") == 1
        locked.halts.filter(lifted_at=None).update(lifted_at=wall_now, lifted_by=_who(by, locked))
        if lifted:
            notify_halt(locked, f"Trading goes on: {_who(by, locked)} lifted the halt.", now, done=True)
            bump_version(locked.user_id)
            record(by, "halt_lifted", locked, {}, wall_now)
    return lifted


def pass_on(account: BrokerAccount, wall_now: datetime) -> None:
    """Stop an account as well that could go round an operator's halt of another account of its user and mode: one
    that is added, or becomes the active one. One that an operator has stopped since, and so may have let trade
    again, is left alone."""
    others = Halt.objects.filter(account__user=account.user_id, account__mode=account.mode, by_operator=True)
    found = others.filter(lifted_at=None).exclude(account=account).order_by("requested_wall", "pk").last()
    if found is None or account.halts.filter(by_operator=True, requested_wall__gte=found.requested_wall).exists():
        return
    by, reason, now = found.requested_by, found.reason, market_clock().now()
    request(account, Action.ENTRIES, by=by, reason=reason, now=now, wall_now=wall_now, passed_on=True)


def request_all(
    user: User, mode: str, action: str, *, reason: str = "", now: datetime, wall_now: datetime
) -> list[Halt]:
    """Stop every account of the user in this mode: strategies trade in all of them, not in the active one alone.
    Opens the paper account when there is none. Raises NoBroker."""
    accounts = list(accounts_of(user, mode)) or [active_account(user.pk, mode, wall_now)]
    return [request(each, action, by=user, reason=reason, now=now, wall_now=wall_now) for each in accounts]


def lift_all(user: User, mode: str, confirmation: str, *, now: datetime, wall_now: datetime) -> None:
    """Lift the halts of every account of the user in this mode. Raises NotLifted unless `confirmation` is RESUME,
    and OperatorsHalt after the others are lifted, when the user may not lift one."""
    check_word(confirmation)
    refused = None
    for account in accounts_of(user, mode):
        try:
            lift(account, confirmation, by=user, now=now, wall_now=wall_now)
        except OperatorsHalt as refusal:
            refused = refusal
    if refused is not None:
        raise refused


def accounts_of(user: User, mode: str) -> QuerySet[BrokerAccount]:
    """Those that a user's halt stops: all of this mode that are not revoked."""
    return BrokerAccount.objects.filter(user=user, mode=mode, revoked_at=None).order_by("-active", "pk")


def may_lift(by: User | str, account: BrokerAccount) -> bool:
    """Whether `by` may lift what an operator has set for this account."""
    return _is_operator(by, account) if isinstance(by, User) and not by.has_perm(PERMISSION) else True


def operators_halt(account: BrokerAccount) -> Halt | None:
    """The last halt in force that an operator has set."""
    return account.halts.filter(lifted_at=None, by_operator=True).first()


def check_word(confirmation: str) -> None:
    """Raises NotLifted unless it is RESUME."""
    if confirmation.strip() != RESUME:
        raise NotLifted(f"Type {RESUME} to lift the halt.")


def advance(halt: Halt, orders_left: int, lots_left: int, error: str, now: datetime, wall_now: datetime) -> None:
    """Record how far a halt at work is, under the account's row lock; with nothing left it is finished."""
    changes: dict[str, object] = {"error": error[:300]}
    changes |= _progress(halt, "orders_to_cancel", "orders_cancelled", orders_left)
    if halt.sells:
        changes |= _progress(halt, "lots_to_sell", "lots_sold", lots_left)
    else:
        lots_left = 0
    if halt.started_at is None:
        changes["started_at"] = wall_now
    if not orders_left and not lots_left:
        changes |= {"finished_at": wall_now, "error": ""}
    changes = {name: value for name, value in changes.items() if getattr(halt, name) != value}
    if not changes or not Halt.objects.filter(UNFINISHED, pk=halt.pk).update(**changes):
        return
    for name, value in changes.items():
        setattr(halt, name, value)
    if halt.finished_at is not None:
        notify_halt(halt.account, _done(halt), now, done=True)
    bump_version(halt.account.user_id)


def working_entries(account: BrokerAccount) -> int:
    return account.orders.filter(purpose=Order.Purpose.ENTRY, state__in=WORKING).count()


def open_lots(account: BrokerAccount) -> int:
    """The lots to sell, with those that will be there once a fill that is set aside can be booked."""
    lots = list(trades_of(account, account.mode).filter(exit_time=None).values_list("opening_order_id", flat=True))
    unbooked = account.incidents.filter(
        kind=Incident.Kind.UNBOOKED_FILL, resolved_at=None, order__purpose=Order.Purpose.ENTRY
    )
    return len(lots) + len(set(unbooked.values_list("order_id", flat=True)) - set(lots))


def _who(by: User | str, account: BrokerAccount) -> str:
    """In words; an operator is told from the account's own user."""
    is_operator = isinstance(by, User) and by.pk != account.user_id
    return f"{'the operator ' if is_operator else ''}{by}"[:150]


def _is_operator(by: User | str, account: BrokerAccount) -> bool:
    return by.pk != account.user_id if isinstance(by, User) else by in (COMMAND, RESTORE)


def _taken_over(
    halt: Halt, account: BrokerAccount, by: User | str, reason: str, now: datetime, wall_now: datetime
) -> Halt:
    """The user's halt as that of an operator, who has asked for the same."""
    halt.by_operator, halt.requested_by = True, _who(by, account)
    halt.reason = reason[:300] or halt.reason
    halt.save(update_fields=["by_operator", "requested_by", "reason"])
    _name_operator(account, halt.requested_by, reason[:300])
    notify_halt(account, _announcement(halt), now)
    bump_version(account.user_id)
    record(by, f"halt_{halt.action}", account, {"reason": reason[:300]}, wall_now)
    return halt


def _name_operator(account: BrokerAccount, who: str, reason: str) -> None:
    """Say of a stopped account that it is the operator's; the reason stays until another one is given."""
    given = {"entries_stopped_reason": reason} if reason else {}
    BrokerAccount.objects.filter(pk=account.pk).update(entries_stopped_by=who, **given)


def _including(account: BrokerAccount, action: str) -> QuerySet[Halt]:
    """The halts that do all of this action already: those at work, or for stopped entries all in force."""
    halts = account.halts.filter(action__in=Halt.including(action), lifted_at=None)
    return halts if action == Action.ENTRIES else halts.filter(finished_at=None)


def _progress(halt: Halt, all_of: str, done: str, left: int) -> dict[str, int]:
    """The two counts with `left` still to do; both only grow, also when more to do appears."""
    before = getattr(halt, all_of) - getattr(halt, done)
    return {
        all_of: getattr(halt, all_of) + max(left - before, 0),
        done: getattr(halt, done) + max(before - left, 0),
    }


def _announcement(halt: Halt) -> str:
    what = {
        Action.ENTRIES: "Entries are stopped",
        Action.ORDERS: f"Entries are stopped and {counted(halt.orders_to_cancel, 'entry order')} cancelled",
        Action.FLATTEN: f"The account is flattened: {counted(halt.orders_to_cancel, 'entry order')} and "
        f"{counted(halt.lots_to_sell, 'lot')}",
    }[Action(halt.action)]
    return f"{what}, requested by {halt.requested_by}." + (f" Reason: {halt.reason}" if halt.reason else "")


def _done(halt: Halt) -> str:
    cancelled = counted(halt.orders_cancelled, "entry order")
    sold = f" and {counted(halt.lots_sold, 'lot')} sold" if halt.sells else ""
    return f"{halt.get_action_display()} is finished: {cancelled} cancelled{sold} in {halt.seconds or 0:,.1f} s."
