"""Notifications about fills, about orders that were not placed, and about halts."""

from collections.abc import Sequence
from datetime import datetime

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState, SignalHistory
from livetrading.models.trade import Trade
from livetrading.services.wording import counted
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.services import notify


def notify_fill(order: Order, fill: BrokerFill, trade: Trade, now: datetime) -> None:
    """Report the shares that were bought or sold, and the profit or loss of a sale."""
    strategy = f" · {order.live_strategy.name}" if order.live_strategy else ""
    shares = f"{fill.quantity.normalize():f} {order.symbol} at ${fill.price:,.2f}"
    url = f"/trades?mode={order.mode}"
    if order.purpose == Order.Purpose.ENTRY:
        notify(order.user, Event.ORDER_FILLED, f"Bought {shares}{strategy}", url, now)
        return
    reason = trade.get_exit_reason_display() if trade.exit_reason else "partial exit"
    sign = "+" if trade.pnl >= 0 else "-"
    text = f"Sold {shares} · {reason.lower()} · {sign}${abs(trade.pnl):,.2f}{strategy}"
    notify(order.user, Event.ORDER_FILLED, text, url, now)


def notify_limit(live: LiveStrategy, text: str, now: datetime) -> None:
    """Report that a loss limit of the strategy has tripped."""
    notify(live.account.user, Event.LIMIT_TRIPPED, text, f"/dashboard/live-trading/{live.pk}", now)


def notify_late(account: BrokerAccount, signals: Sequence[SignalHistory], now: datetime) -> None:
    """Report the signals of one check that came too late for the open that they were meant for."""
    names = ", ".join(f"{signal.symbol} (“{signal.live_strategy.name}”)" for signal in signals)
    text = f"{counted(len(signals), 'buy signal')} came too late, so nothing was bought: {names}"
    notify(account.user, Event.MISSED_CHECKS, text, "/signals?code=late", now)


def notify_not_sent(order: Order, state: OrderState, reason: str, now: datetime) -> None:
    """Report that the desk blocked an order or that the broker refused or ended it, and why. state: the one that
    it has ended in. A replacement that was refused is not reported: the order that it should replace goes on."""
    if order.replaces_id is not None:
        return
    event = Event.ORDER_BLOCKED if state == OrderState.BLOCKED else Event.ORDER_REJECTED
    what = "has expired" if state == OrderState.EXPIRED and order.signal_id is None else "was not placed"
    text = f"{order.get_side_display()} {order.quantity.normalize():f} {order.symbol} {what}: {reason}"
    priority = None
    if order.is_protective and order.trigger_price is not None:
        text += " The desk guards this exit itself."
    elif order.purpose != Order.Purpose.ENTRY and not order.rests:
        priority = Priority.CRITICAL  # what should be sold is still held
    notify(order.user, event, text, f"/trades?mode={order.mode}", now, priority=priority)


def notify_cancelling(order: Order, reason: str, now: datetime) -> None:
    """Report that the desk cancels an entry at the broker by itself, and why."""
    what = f"{order.get_side_display()} {order.open_quantity.normalize():f} {order.symbol}"
    text = f"{what} is being cancelled: {reason}"
    notify(order.user, Event.ORDER_REJECTED, text, f"/trades?mode={order.mode}", now)


def notify_halt(account: BrokerAccount, text: str, now: datetime, *, done: bool = False) -> None:
    """Report that a halt of the account was requested, or that it is finished or lifted (done)."""
    priority = Priority.NORMAL if done else None
    notify(account.user, Event.HALT, f"{account.name}: {text}", "/dashboard/stop-trading", now, priority=priority)


def notify_waiting(account: BrokerAccount, signals: Sequence[SignalHistory], now: datetime) -> None:
    """Ask for an approval of these signals, once for all of them."""
    first = signals[0]
    what = f"{first.get_side_display()} {first.symbol} · {first.live_strategy.name}"
    more = f" and {len(signals) - 1} more" if len(signals) > 1 else ""
    wait = "waits" if len(signals) == 1 else "wait"
    text = f"{counted(len(signals), 'signal')} {wait} for your approval: {what}{more}."
    notify(account.user, Event.SIGNAL, text, "/dashboard/live-trading", now)
