"""Splits and changes of symbols: the open lots, their exits and the positions follow the activity that says so.

Only what is certain is booked: the desk's shares before it and the broker's after it must fit. Else it waits, and
the position differs and says so; after some days it is kept without an effect.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from django.db.models import Q

from livetrading.brokers.protocol import Broker, BrokerActivity
from livetrading.models import BrokerAccount, Incident, Order, OrderState
from livetrading.models.order import WORKING
from livetrading.models.trade import Trade, trades_of
from livetrading.pipeline.exit_retries import has_failed
from livetrading.pipeline.lots import refresh_position
from livetrading.pipeline.splits import Change, change_of
from livetrading.services.failed_exits import all_clear
from livetrading.services.order_audit import move_and_record
from livetrading.services.signal_codes import note_end
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import Entry, record_all
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

ACTIONS = ("split", "symbol_change")
# How long one that does not fit is looked at again: a broker may report its parts one after the other.
PATIENCE = timedelta(days=3)
_PRICES = ("initial_stop_price", "stop_price", "target_price", "exit_price")
_AUDITED = ("symbol", "quantity", "exit_quantity", "entry_price", *_PRICES)
Positions = Mapping[str, Decimal]


class Waiting(Enum):
    """The activity is left to a later reconciliation."""

    WAITS = 1


WAITS = Waiting.WAITS


def positions_for(
    account: BrokerAccount, broker: Broker, activities: Iterable[BrokerActivity]
) -> Positions | None:
    """The broker's shares of each symbol, for those activities that change shares which the desk holds; None when
    there are none, and when the broker does not report them, which must not hold back the rest."""
    symbols = {activity.symbol for activity in activities if activity.kind in ACTIONS}
    if not symbols or not _open_lots(account, symbols).exists():
        return None
    try:
        return {position.symbol: position.quantity for position in broker.positions()}
    except Exception:
        return None


def change_for(
    account: BrokerAccount, activity: BrokerActivity, theirs: Positions | None, now: datetime
) -> Change | Waiting | None:
    """What the activity changes in the desk's records; None for nothing. account: under its row lock."""
    if activity.kind not in ACTIONS or account.activities.filter(activity_id=activity.activity_id).exists():
        return None
    ours: dict[str, Decimal] = {}
    for lot in _open_lots(account, (activity.symbol, activity.new_symbol)):
        ours[lot.symbol] = ours.get(lot.symbol, Decimal(0)) + lot.open_quantity
    if activity.symbol not in ours:
        return None  # shares from outside the desk
    if theirs is not None and not _in_flight(account, activity.symbol):
        change = change_of(activity, ours, theirs)
        if change is not None:
            return change
    return WAITS if now - activity.time < PATIENCE else None


def _open_lots(account: BrokerAccount, symbols: Iterable[str]) -> Any:
    return trades_of(account, account.mode).filter(symbol__in=list(symbols), exit_time=None)


def _in_flight(account: BrokerAccount, symbol: str) -> bool:
    """Whether an order is being sent, or a fill is not booked: nobody knows which shares they mean."""
    sending = Q(state__in=(OrderState.SUBMITTING, OrderState.UNKNOWN))
    sent_before = Q(state=OrderState.PENDING, attempts__gt=0)
    aside = Incident.objects.filter(account=account, kind=Incident.Kind.UNBOOKED_FILL, resolved_at=None)
    orders = account.orders.filter(sending | sent_before, symbol=symbol)
    return orders.exists() or aside.filter(order__symbol=symbol).exists()


def carry_out(account: BrokerAccount, change: Change, activity_id: str, now: datetime, wall_now: datetime) -> None:
    """Change the open lots and what belongs to them; under the row lock, in the transaction that stores the
    activity. What the broker has of their exits is brought in line by `protect`."""
    lots: list[Trade] = list(_open_lots(account, (change.symbol,)).select_for_update(of=("self",)))
    held = sum((lot.open_quantity for lot in lots), Decimal(0))
    entries = [lot.opening_order_id for lot in lots]
    text = change.sentence(held)
    records = []
    for lot in lots:
        before = _facts(lot)
        _change_lot(lot, change)
        all_clear(account, lot.opening_order_id, now)
        details = {"activity_id": activity_id, "lot": str(lot.opening_order_id)}
        action = "split" if change.symbol == change.new_symbol else "symbol_changed"
        records.append(Entry(DESK, action, account, details | {"before": before, "after": _facts(lot)}))
    for order in Order.objects.filter(Q(pk__in=entries) | Q(opening_order__in=entries)):
        _change_order(order, change)
    for symbol in {change.symbol, change.new_symbol}:
        refresh_position(account, symbol, now)
    _end_entries(account, change.symbol, text, wall_now)
    notify(account.user, Event.CORPORATE_ACTION, text, f"/trades?mode={account.mode}", now)
    record_all(records, wall_now)


def _facts(lot: Trade) -> dict[str, Any]:
    return {name: getattr(lot, name) for name in _AUDITED}


def _change_lot(lot: Trade, change: Change) -> None:
    """With what was sold of it, so that its profit stays."""
    sold, left = change.shares(lot.exit_quantity), change.shares(lot.open_quantity)
    lot.symbol, lot.exit_quantity, lot.quantity = change.new_symbol, sold, sold + left
    lot.entry_price = change.paid(lot.entry_price)
    for name in _PRICES:
        setattr(lot, name, change.price(getattr(lot, name)))
    lot.save(update_fields=_AUDITED)


def _end_entries(account: BrokerAccount, symbol: str, reason: str, wall_now: datetime) -> None:
    """Entries that were decided before mean other shares at other prices; a broker cancels them as well."""
    for order in account.orders.filter(symbol=symbol, purpose=Order.Purpose.ENTRY, state__in=WORKING):
        to = order.cancels_to
        if to is not None and move_and_record(
            order, to, wall_now=wall_now, only_from=order.state, reason=reason[:300]
        ):
            note_end(order, to)


def _change_order(order: Order, change: Change) -> None:
    """An order of a lot: its symbol, the dollars that its stop trails by, and of a sale that is not at the broker
    the shares. Protective exits get theirs from the plan, and filled quantities stay as they were reported."""
    fields: dict[str, Any] = {
        "symbol": change.new_symbol,
        "trailing_dollars": change.price(order.trailing_dollars),
    }
    unsent = order.state in (OrderState.WAITING, OrderState.PENDING)
    if order.purpose == Order.Purpose.EXIT and (unsent or has_failed(order)):
        fields["quantity"] = order.filled_quantity + change.shares(order.open_quantity)
    Order.objects.filter(pk=order.pk).update(**fields)
