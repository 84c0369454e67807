"""Booking of fills to trades (lots) and positions. Called only by reconcile, inside its transaction."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import LivePosition, Order, PaperPosition
from livetrading.models.trade import BaseTrade
from livetrading.pipeline.book import TRADES
from tradedesk.accounts.models import Mode
from tradedesk.core import fills
from tradedesk.core.fills import ExitReason
from tradedesk.core.money import MICRO, to_decimal

POSITIONS: dict[str, Any] = {Mode.PAPER: PaperPosition, Mode.LIVE: LivePosition}
_PROTECTIVE = {
    Order.Purpose.STOP_LOSS: ExitReason.STOP_LOSS,
    Order.Purpose.TAKE_PROFIT: ExitReason.TAKE_PROFIT,
}


def book_fill(order: Order, fill: BrokerFill) -> BaseTrade:
    """Open, increase, reduce or close the lot that the fill belongs to."""
    trades: Any = TRADES[order.mode]._default_manager
    lot_id = order.pk if order.purpose == Order.Purpose.ENTRY else order.opening_order_id
    trade: BaseTrade | None = trades.select_for_update().filter(opening_order_id=lot_id).first()
    if order.purpose == Order.Purpose.ENTRY:
        return _add_to_lot(trade or _new_lot(trades, order, fill), order, fill)
    if trade is None:
        raise RuntimeError(f"Order {order.pk} sold {fill.quantity} shares of a lot that was never opened.")
    return _sell_from_lot(trade, order, fill)


def _new_lot(trades: Any, order: Order, fill: BrokerFill) -> BaseTrade:
    lot: BaseTrade = trades.model(
        user_id=order.user_id,
        live_strategy_id=order.live_strategy_id,
        opening_order=order,
        symbol=order.symbol,
        timeframe=order.timeframe,
        quantity=Decimal(0),
        entry_time=fill.time,
        entry_price=Decimal(0),
    )
    return lot


def _add_to_lot(trade: BaseTrade, order: Order, fill: BrokerFill) -> BaseTrade:
    cost = trade.quantity * trade.entry_price + fill.quantity * fill.price
    trade.quantity += fill.quantity
    average = (cost / trade.quantity).quantize(MICRO)
    # The new average applies to the shares that are already sold, too. A lot that was sold completely is open
    # again.
    trade.pnl -= (trade.exit_quantity * (average - trade.entry_price)).quantize(MICRO)
    trade.exit_time, trade.exit_reason = None, ""
    trade.entry_price = average
    price = float(trade.entry_price)
    if order.stop_loss_pct is not None:
        trade.stop_price = to_decimal(fills.stop_price(price, order.stop_loss_pct))
    if order.take_profit_pct is not None:
        trade.target_price = to_decimal(fills.target_price(price, order.take_profit_pct))
    trade.commission += fill.commission
    trade.pnl -= fill.commission
    trade.save()
    return trade


def _sell_from_lot(trade: BaseTrade, order: Order, fill: BrokerFill) -> BaseTrade:
    proceeds = trade.exit_quantity * (trade.exit_price or 0) + fill.quantity * fill.price
    trade.exit_quantity += fill.quantity
    trade.exit_price = (proceeds / trade.exit_quantity).quantize(MICRO)
    trade.commission += fill.commission
    trade.pnl += (fill.quantity * (fill.price - trade.entry_price)).quantize(MICRO) - fill.commission
    if trade.exit_quantity == trade.quantity:
        without_trigger = ExitReason.SIGNAL if order.signal_id else ExitReason.MANUAL
        trade.exit_time = fill.time
        trade.exit_reason = _PROTECTIVE.get(Order.Purpose(order.purpose), without_trigger)
    trade.save()
    return trade


def refresh_position(user_id: int, mode: str, symbol: str, now: datetime) -> None:
    """Set the user's position in `symbol` to the sum of the open lots."""
    lots = TRADES[mode]._default_manager.filter(user_id=user_id, symbol=symbol, exit_time=None)
    quantity, cost = Decimal(0), Decimal(0)
    for lot in lots:
        quantity += lot.open_quantity
        cost += lot.open_quantity * lot.entry_price
    positions = POSITIONS[mode].objects
    if quantity == 0:
        positions.filter(user_id=user_id, symbol=symbol).delete()
        return
    positions.update_or_create(
        user_id=user_id,
        symbol=symbol,
        defaults={"quantity": quantity, "average_price": (cost / quantity).quantize(MICRO), "updated_at": now},
    )
