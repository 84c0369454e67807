"""Send one order: claim it, check the limits again, call the broker outside any transaction."""

import logging
import uuid
from datetime import datetime

from livetrading.brokers.protocol import OrderRefused, OrderRequest, OutcomeUnknown
from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.pipeline.book import read_book
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.notifications import notify_not_sent
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.core.risk import Refusal

log = logging.getLogger(__name__)


def execute_order(order_id: uuid.UUID, now: datetime, wall_now: datetime) -> None:
    """Send a PENDING order to its broker; does nothing when another worker has claimed it.

    The order becomes ACCEPTED, BLOCKED or REJECTED with the reason, or UNKNOWN when the broker does not respond.
    """
    if not Order.move(order_id, OrderState.SUBMITTING, wall_now=wall_now):
        return
    order = Order.objects.select_related("user", "live_strategy", "opening_order").get(pk=order_id)
    try:
        broker = broker_for(order.user_id, order.mode, now)
        if reason := refusal_before_sending(order):
            _refuse(order, OrderState.BLOCKED, reason, now, wall_now)
            return
        accepted = broker.submit(_request(order))
    except (NoBroker, OrderRefused) as error:
        state = OrderState.REJECTED if isinstance(error, OrderRefused) else OrderState.BLOCKED
        _refuse(order, state, str(error), now, wall_now)
    except OutcomeUnknown as error:
        log.warning("The outcome of order %s is unknown: %s", order.client_order_id, error)
        Order.move(order_id, OrderState.UNKNOWN, wall_now=wall_now, reason=str(error)[:300])
    else:
        Order.move(
            order_id, OrderState.ACCEPTED, wall_now=wall_now, broker_order_id=accepted.broker_order_id, reason=""
        )
    bump_version(order.user_id)


def refusal_before_sending(order: Order) -> str:
    """Why this order must not be sent now; "" when it may be sent. Only the mode can block an exit."""
    user: User = order.user
    if order.mode != user.mode:
        return f"This is a {order.mode} order, but your account is in {user.mode} mode."
    if order.purpose != Order.Purpose.ENTRY:
        return ""
    if user.entries_stopped:
        return "Entries are stopped (kill switch)."
    live = order.live_strategy
    if live is None:
        return ""
    if live.status != LiveStrategy.Status.ACTIVE:
        return f"The strategy was {live.get_status_display().lower()} before the order was sent."
    rules = live.risk_rules()
    if read_book(live, without=order).open_positions() >= rules.max_positions:
        return Refusal.MAX_POSITIONS.message(rules=rules)
    return ""


def _refuse(order: Order, state: OrderState, reason: str, now: datetime, wall_now: datetime) -> None:
    if Order.move(order.pk, state, wall_now=wall_now, reason=reason[:300]):
        notify_not_sent(order, reason, now)


def _request(order: Order) -> OrderRequest:
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        timeframe=order.timeframe,
        side=order.side,
        quantity=order.quantity,
        fractional=order.fractional,
        strength=order.strength,
        stop_loss_pct=order.stop_loss_pct,
        take_profit_pct=order.take_profit_pct,
        closes=order.opening_order.client_order_id if order.opening_order else "",
    )
