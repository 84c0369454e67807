"""Send one order: claim it, ask the gate again, call the broker outside any transaction."""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from livetrading.brokers.protocol import (
    AttachedExit,
    BarMatching,
    Broker,
    BrokerOrder,
    Capabilities,
    NotSent,
    OrderRefused,
    OrderRequest,
    OutcomeUnknown,
)
from livetrading.journal import ids_of
from livetrading.models import BrokerAccount, Incident, Order, OrderState
from livetrading.models.decision_code import DecisionCode
from livetrading.pipeline.absence import looked_before_refusal, refusal_counts
from livetrading.pipeline.allowance import rules_before_sending
from livetrading.pipeline.backoff import back_off, must_wait
from livetrading.pipeline.book import read_books
from livetrading.pipeline.codes import code_of
from livetrading.pipeline.fence import Fence
from livetrading.pipeline.gate import OPEN, ORDER_OVER, Held, Verdict, gate
from livetrading.pipeline.patience import Patience
from livetrading.pipeline.validity import valid_until
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.failed_exits import alarm
from livetrading.services.incidents import close, report
from livetrading.services.notifications import notify_not_sent
from livetrading.services.order_audit import move_and_record
from livetrading.services.restored import sells_nothing
from livetrading.services.signal_codes import note_end
from tradedesk.accounts.changes import bump_version
from tradedesk.core.bars import Timeframe

log = logging.getLogger(__name__)

# From this attempt on, an order that cannot be sent is an incident.
MANY_ATTEMPTS = 3


class _LostClaim(Exception):
    """Another worker has taken the order over, or is about to."""


def execute_order(
    order_id: uuid.UUID, now: datetime, wall_now: datetime, clock: Callable[[], datetime] | None = None
) -> None:
    """Send a PENDING order to its broker; does nothing when another worker has claimed it. An entry stays PENDING
    while its account backs off or the desk's limit of requests is reached, an exit while its account is restored
    and not lifted. clock: the wall time, read
    again right before the broker is called; None when it does not pass.

    The order becomes ACCEPTED, BLOCKED or REJECTED with the reason, or UNKNOWN when the broker does not respond.
    """
    sender = uuid.uuid4().hex
    if must_wait(order_id, wall_now) or not Order.claim(order_id, sender, wall_now):
        return
    related = (
        "user",
        "account__paper_account",
        "account__user",
        "live_strategy",
        "opening_order",
        "replaces",
        "signal",
    )
    order = Order.objects.select_related(*related).get(pk=order_id)
    try:
        accepted = _send(order, broker_for(order.account, now), Fence.from_claim(wall_now, clock), now)
    except _LostClaim:
        log.warning("Order %s was not sent: its sender took too long.", order.client_order_id, extra=ids_of(order))
        return
    except NotSent as limit:
        Order.give_back(order.pk, sender, wall_now)
        log.info("Order %s waits: %s", order.client_order_id, limit, extra=ids_of(order))
        return
    except _HeldBack as held:
        _end(order, OrderState.BLOCKED, held.verdict.reason, now, wall_now, code_of(held.verdict.held))
    except NoBroker as error:
        if order.attempts > 1:  # the broker may have it
            _move(order, OrderState.UNKNOWN, wall_now, reason=str(error)[:300])
        else:
            _end(order, OrderState.BLOCKED, str(error), now, wall_now, DecisionCode.NO_BROKER)
    except OrderRefused as refusal:
        if refusal_counts(order):
            _end(order, OrderState.REJECTED, str(refusal), now, wall_now)
        else:
            reason = str(refusal)[:300]
            _move(order, OrderState.UNKNOWN, wall_now, reason=reason, **looked_before_refusal(wall_now))
    except Exception as error:
        # Whatever else went wrong, the broker may have the order: it is asked before anything is sent again.
        log.warning(
            "The outcome of order %s is unknown.", order.client_order_id, exc_info=True, extra=ids_of(order)
        )
        reason = str(error) if isinstance(error, OutcomeUnknown) else "The broker's response was not readable."
        _move(order, OrderState.UNKNOWN, wall_now, reason=reason[:300])
        back_off(order.account_id, error, wall_now)
        if order.attempts >= MANY_ATTEMPTS:
            text = f"The order to {order} could not be sent {order.attempts} times and is tried again: {reason}"
            report(order.account, Incident.Kind.UNSENT_ORDER, order.client_order_id, text, now, order=order)
    else:
        _move(order, OrderState.ACCEPTED, wall_now, broker_order_id=accepted.broker_order_id[:64], reason="")
        if order.attempts >= MANY_ATTEMPTS:
            close(order.account, Incident.Kind.UNSENT_ORDER, order.client_order_id, now)
    bump_version(order.user_id)


class _HeldBack(Exception):
    """The gate holds the order back."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


def _send(order: Order, broker: Broker, fence: Fence, now: datetime) -> BrokerOrder:
    # An order that was claimed before may be at the broker: it is neither sent nor blocked before the broker was
    # asked.
    if order.attempts > 1:
        if (known := broker.order_by_client_id(order.client_order_id)) is not None:
            return known
        # The answer may have taken long: the gate decides by what is stored now.
        if Order.renew_claim(order.pk, order.sender, fence.clock()):
            fence.renewed()
        for gated in (order.account, order.user, order.live_strategy):
            if gated is not None:
                gated.refresh_from_db()
    verdict = gate_before_sending(order, now)
    if not verdict.open:
        raise _HeldBack(verdict)
    request = order_request(order, broker.capabilities)
    # The last look before the broker: a sender that stalled has lost its claim, or is about to lose it.
    if not Order.is_claimed_by(order.pk, order.sender) or not fence.allows_call():
        raise _LostClaim
    if order.replaces is not None:
        return broker.replace(order.replaces.client_order_id, request)
    return broker.submit(request)


def gate_before_sending(order: Order, now: datetime) -> Verdict:
    """The gate's answer for this order at the market time `now`."""
    if order.purpose != Order.Purpose.ENTRY:
        over = order.rests and order.valid_until is not None and now > order.valid_until
        return Verdict(Held.EXPIRED, ORDER_OVER) if over else OPEN
    live = order.live_strategy
    open_positions = None
    if live is not None:
        open_positions = read_books(order.account, [live], without=order)[live.pk].open_positions()
    until = valid_until(order)
    expired = until is not None and now > until
    verdict = gate(order.purpose, order.account, order.user, live, open_positions=open_positions, expired=expired)
    return rules_before_sending(order, now) if verdict.open else verdict


def order_request(order: Order, capabilities: Capabilities) -> OrderRequest:
    """The request for this order. One query for an entry."""
    is_entry = order.purpose == Order.Purpose.ENTRY
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        type=order.type,
        time_in_force=order.time_in_force,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        fractional=order.fractional,
        closes=order.opening_order.client_order_id if order.opening_order else "",
        exits=_attached_exits(order, capabilities) if is_entry else (),
        valid_until=valid_until(order) if is_entry else order.valid_until,
        matching=BarMatching(bar_minutes=Timeframe(order.timeframe).minutes, priority=order.priority),
    )


def _attached_exits(entry: Order, capabilities: Capabilities) -> tuple[AttachedExit, ...]:
    legs = entry.exits.filter(state=OrderState.WAITING, holder=Order.Holder.ATTACHED).order_by("purpose")
    relative = capabilities.attached_exits_at_fill
    return tuple(
        AttachedExit(
            client_order_id=leg.client_order_id,
            type=leg.type,
            distance=leg.distance if relative else None,
            trailing_fraction=leg.trailing_fraction if relative else None,
            trailing_dollars=leg.trailing_dollars if relative else None,
            price=None if relative else leg.trigger_price,
        )
        for leg in legs
    )


def _end(
    order: Order,
    state: OrderState,
    reason: str,
    now: datetime,
    wall_now: datetime,
    code: DecisionCode | None = None,
) -> None:
    refused = state == OrderState.REJECTED
    if _move(order, state, wall_now, reason=reason[:300], ended_by_broker=refused):
        note_end(order, state, code)
        if not alarm(order, state, reason, now):
            notify_not_sent(order, state, reason, now)


def _move(order: Order, state: OrderState, wall_now: datetime, **changes: Any) -> bool:
    """Change the state, unless another sender has taken the order over: then its outcome counts."""
    return move_and_record(order, state, wall_now=wall_now, claimed_by=order.sender, **changes)


def request_cancels(account: BrokerAccount, broker: Broker, fence: Fence | None = None) -> None:
    """Ask the broker to cancel the orders of the account that wait for it. Their later states show whether it was
    in time; a request that fails is repeated at the next tick, and so is what the fence stops. fence: None for a
    caller without a claim."""
    waiting = account.orders.filter(state=OrderState.CANCEL_PENDING).order_by("state_changed_at")
    if sells_nothing(account):  # the exits at the broker stay
        waiting = waiting.filter(purpose=Order.Purpose.ENTRY)
    patience = Patience()
    for client_order_id in waiting.values_list("client_order_id", flat=True):
        if patience.is_over:
            return
        if fence is not None and not fence.allows_call():
            log.warning("The cancellations of account %s are left to the next tick.", account.pk)
            return
        if not waiting.filter(client_order_id=client_order_id).exists():
            continue  # another worker has seen its end meanwhile
        try:
            broker.cancel(client_order_id)
        except Exception:
            log.warning("The cancellation of order %s was not answered.", client_order_id, exc_info=True)
