"""What the desk tells a trader about fills and refusals."""

from datetime import datetime

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import Order
from livetrading.models.trade import BaseTrade
from tradedesk.accounts.models import Notification
from tradedesk.accounts.services import notify

_Level = Notification.Level


def notify_fill(order: Order, fill: BrokerFill, trade: BaseTrade, now: datetime) -> None:
    """Say what was bought or sold, and what a sale earned."""
    who = f" · {order.live_strategy.name}" if order.live_strategy else ""
    what = f"{fill.quantity.normalize():f} {order.symbol} at ${fill.price:,.2f}"
    url = f"/trades?mode={order.mode}"
    if order.purpose == Order.Purpose.ENTRY:
        notify(order.user, _Level.INFO, f"Bought {what}{who}", url, now)
        return
    reason = trade.get_exit_reason_display() if trade.exit_reason else "partial exit"
    level = _Level.SUCCESS if trade.pnl >= 0 else _Level.WARNING
    sign = "+" if trade.pnl >= 0 else "-"
    text = f"Sold {what} · {reason.lower()} · {sign}${abs(trade.pnl):,.2f}{who}"
    notify(order.user, level, text, url, now)


def notify_not_sent(order: Order, reason: str, now: datetime) -> None:
    """Say that an order was blocked by the desk or refused by the broker, and why."""
    what = f"{order.get_side_display()} {order.quantity.normalize():f} {order.symbol}"
    text = f"{what} was not placed: {reason}"
    notify(order.user, _Level.ERROR, text, f"/trades?mode={order.mode}", now)
