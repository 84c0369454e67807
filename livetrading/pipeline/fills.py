"""Take over a broker's fills: each is booked once, and one that cannot be booked is set aside."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction

from livetrading.brokers.protocol import BrokerFill, BrokerOrder
from livetrading.journal import fill_booked
from livetrading.models import BrokerAccount, Fill, Incident, Order, OrderState
from livetrading.models.account import BOOKED
from livetrading.models.order import FINAL
from livetrading.pipeline.corrections import reopen
from livetrading.pipeline.lots import book_fill
from livetrading.services.incidents import report, report_event, resolve
from livetrading.services.notifications import notify_fill
from livetrading.services.order_audit import filled
from tradedesk.accounts.changes import bump_version
from tradedesk.audit.services import record_all
from tradedesk.core.money import DUST, MICRO

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FillReport:
    """at_broker: the broker's report of the fill's order, None when it has none."""

    fill: BrokerFill
    at_broker: BrokerOrder | None


def take_over_fill(account: BrokerAccount, fill_report: FillReport, now: datetime, wall_now: datetime) -> bool:
    """Book the fill. Returns whether it was one of ours. A fill that cannot be booked becomes an open incident."""
    fill = fill_report.fill
    try:
        return _book(account, fill_report, now, wall_now, is_new=True)
    except Exception as error:
        ids = {"client_order_id": fill.client_order_id, "account_id": account.pk, "user_id": account.user_id}
        log.exception("Fill %s of account %s could not be booked", fill.activity_id, account.pk, extra=ids)
        with transaction.atomic():
            _set_aside(BrokerAccount.locked(account.pk), fill, error, now)
        return True


def retry_set_aside(
    account: BrokerAccount,
    incident: Incident,
    ask: Callable[[str], BrokerOrder | None],
    now: datetime,
    wall_now: datetime,
) -> bool:
    """Try again to book a fill that was set aside. ask: the broker's report of an order. Returns whether it is
    booked."""
    facts = incident.facts
    fill = BrokerFill(
        activity_id=facts["activity_id"],
        client_order_id=facts["client_order_id"],
        quantity=Decimal(facts["quantity"]),
        price=Decimal(facts["price"]),
        commission=Decimal(facts["commission"]),
        time=datetime.fromisoformat(facts["time"]),
    )
    try:
        _book(account, FillReport(fill, ask(fill.client_order_id)), now, wall_now, is_new=False)
    except Exception as error:
        with transaction.atomic():
            _set_aside(account, fill, error, now)
        return False
    resolve(incident, now)
    return True


def _set_aside(account: BrokerAccount, fill: BrokerFill, error: Exception, now: datetime) -> None:
    order = account.orders.filter(client_order_id=fill.client_order_id).first()
    what = order or f"order {fill.client_order_id}"
    text = (
        f"A fill of {fill.quantity.normalize():f} shares at ${fill.price:,.2f} ({what}) could not be booked and "
        f"is tried again: {str(error) or type(error).__name__}"
    )
    facts = {name: value if isinstance(value, str) else str(value) for name, value in asdict(fill).items()}
    report(account, Incident.Kind.UNBOOKED_FILL, fill.activity_id, text, now, order=order, facts=facts)


def _book(
    known: BrokerAccount, fill_report: FillReport, now: datetime, wall_now: datetime, *, is_new: bool
) -> bool:
    """is_new: whether it was not set aside before."""
    fill = fill_report.fill
    with transaction.atomic():
        # The row lock serializes the booking of one account's fills.
        account = BrokerAccount.locked(known.pk)
        if account.epoch != known.epoch:
            return False  # the records were emptied since this tick began
        orders = account.orders.select_for_update(of=("self",)).select_related("live_strategy", "user")
        order = orders.filter(client_order_id=fill.client_order_id).first()
        booked = False
        # The fill of an order from outside the desk is skipped; the position then differs and says so.
        if order is not None:
            _, booked = Fill.objects.get_or_create(
                account=account,
                activity_id=fill.activity_id,
                defaults={
                    "order": order,
                    "time": fill.time,
                    "quantity": fill.quantity,
                    "price": fill.price,
                    "commission": fill.commission,
                },
            )
        if order is not None and booked:
            order.account = account
            state = OrderState(order.state)
            _add_to_order(order, fill_report, wall_now)
            reopen(account, fill.activity_id)
            trade = book_fill(account, order, fill, now)
            # The rest of a fill, below a millionth of a share, may follow an order that is filled already.
            is_residue = state == OrderState.FILLED and order.open_quantity <= DUST
            # One that was set aside was reported already.
            if state in FINAL and is_new and not is_residue:
                text = f"The broker filled the order to {order}, which was {state.label.lower()}. It is booked."
                report_event(account, Incident.Kind.UNEXPECTED_FILL, fill.activity_id, text, now, order)
            notify_fill(order, fill, trade, now)
            fill_booked(order, fill)
            # The pages refresh now; the tick may go on for a while.
            transaction.on_commit(partial(bump_version, account.user_id), robust=True)
        account.save(update_fields=BOOKED)
        if order is not None and booked:
            record_all([filled(order, fill)], wall_now)
    return booked


def _add_to_order(order: Order, fill_report: FillReport, wall_now: datetime) -> None:
    """Add the fill to its order, whatever the order's state is."""
    fill, at_broker = fill_report.fill, fill_report.at_broker
    filled, quantity = order.filled_quantity + fill.quantity, order.quantity
    cost = order.filled_quantity * (order.filled_price or 0) + fill.quantity * fill.price
    changes: dict[str, Any] = {
        "filled_quantity": filled,
        "filled_price": (cost / filled).quantize(MICRO),
        "broker_order_id": at_broker.broker_order_id if at_broker else order.broker_order_id,
    }
    if order.is_protective and at_broker is not None and at_broker.quantity > quantity:
        # It grew with its lot at the broker, which our record follows only after the fills.
        changes["quantity"] = quantity = at_broker.quantity
    trails_there = order.purpose == Order.Purpose.TRAILING_STOP and order.holder == Order.Holder.ATTACHED
    if trails_there and not order.provisional and at_broker is not None and at_broker.stop_price is not None:
        # The broker raised it with the bars up to this fill, which our record follows only after the fills.
        changes["stop_price"] = order.stop_price = at_broker.stop_price
    # The broker may fill less than the ordered quantity, and the fills of an order arrive one by one.
    filled_at_broker = (
        at_broker is not None and at_broker.state == "filled" and filled >= at_broker.filled_quantity - DUST
    )
    stays = (OrderState.CANCEL_PENDING, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED)
    if filled_at_broker or filled >= quantity - DUST:
        changes["reason"] = at_broker.reason[:300] if at_broker else ""
        Order.move(order.pk, OrderState.FILLED, wall_now=wall_now, **changes)
    elif order.state in stays:
        Order.objects.filter(pk=order.pk).update(**changes)
    else:
        Order.move(order.pk, OrderState.PARTIALLY_FILLED, wall_now=wall_now, **changes)
