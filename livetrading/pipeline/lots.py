"""Booking of fills to trades (lots), positions, cash and totals. Called only by fills and corrections, inside
their transactions."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import BrokerAccount, Fill, Order, OrderState
from livetrading.models.order import STOPS, WITH_RULE
from livetrading.models.position import position_model
from livetrading.models.signal import OrderSide
from livetrading.models.trade import Trade, trade_model, trades_of
from livetrading.pipeline.protection import exit_price, is_trailing, prices_of
from livetrading.services.failed_exits import all_clear
from livetrading.services.trade_totals import Totals, count
from tradedesk.core.fills import ExitReason
from tradedesk.core.money import DUST, MICRO

Purpose = Order.Purpose
_PROTECTIVE = {
    Purpose.STOP_LOSS: ExitReason.STOP_LOSS,
    Purpose.TRAILING_STOP: ExitReason.TRAILING_STOP,
    Purpose.TAKE_PROFIT: ExitReason.TAKE_PROFIT,
}


class NotBookable(Exception):
    """A fill that does not fit the desk's records; the message can be shown to a person."""


def book_fill(account: BrokerAccount, order: Order, fill: BrokerFill, now: datetime) -> Trade:
    """Open, increase, reduce or close the lot that the fill belongs to, and update position, cash and totals.
    The caller saves the BOOKED columns of the
    account. Raises NotBookable."""
    lot_id = order.pk if order.purpose == Purpose.ENTRY else order.opening_order_id
    trade = trades_of(account, account.mode).select_for_update().filter(opening_order_id=lot_id).first()
    before = Totals.of(trade)
    if order.purpose == Purpose.ENTRY:
        trade = _add_to_lot(trade or _new_lot(account, order, fill), order, fill)
    elif trade is None:
        raise NotBookable(
            f"{fill.quantity.normalize():f} {order.symbol} were sold from a lot that was never opened."
        )
    else:
        _sell_from_lot(trade, order, fill)
    trade.save()
    _all_clear_when_sold(account, trade, now)
    refresh_position(account, order.symbol, now)
    count(account, trade.live_strategy_id, Totals.of(trade) - before)
    signed = fill.quantity if order.side == OrderSide.BUY else -fill.quantity
    if account.booked_cash is not None:
        account.booked_cash -= (signed * fill.price).quantize(MICRO) + fill.commission
    return trade


def rebook_lot(account: BrokerAccount, order: Order, now: datetime) -> None:
    """Make the lot of this order, its position and its totals anew from the fills that count; a lot without any is
    deleted. Raises NotBookable."""
    lot_id = order.pk if order.purpose == Purpose.ENTRY else order.opening_order_id
    trade = trades_of(account, account.mode).select_for_update().filter(opening_order_id=lot_id).first()
    counting = account.fills.filter(undone_by="").select_related("order")
    entries = list(counting.filter(order=lot_id).order_by("time", "pk"))
    exits = list(counting.filter(order__opening_order=lot_id).order_by("time", "pk"))
    before = Totals.of(trade)
    if trade is None and entries:
        trade = _new_lot(account, entries[0].order, _reported(entries[0]))
    elif trade is not None:
        trade.quantity = trade.exit_quantity = trade.entry_price = trade.commission = trade.pnl = Decimal(0)
        trade.exit_time, trade.exit_price, trade.exit_reason = None, None, ""
    if trade is not None:
        for fill in entries:
            trade = _add_to_lot(trade, fill.order, _reported(fill))
        for fill in exits:
            _sell_from_lot(trade, fill.order, _reported(fill))
    after = Totals.of(trade if entries else None)
    if trade is not None and entries:
        trade.entry_time = entries[0].time
        trade.save()
        _all_clear_when_sold(account, trade, now)
    elif trade is not None:
        trade.delete()
    refresh_position(account, order.symbol, now)
    count(account, (trade or order).live_strategy_id, after - before)


def must_have_scale_of_fills(account: BrokerAccount, order: Order) -> None:
    """Raises NotBookable when the lot of this order was split: the fills that made it have other shares."""
    lot_id = order.pk if order.purpose == Purpose.ENTRY else order.opening_order_id
    trade = trades_of(account, account.mode).filter(opening_order_id=lot_id).first()
    entries = account.fills.filter(undone_by="", order=lot_id).values_list("quantity", flat=True)
    if trade is not None and abs(trade.quantity - sum(entries, Decimal(0))) >= DUST:
        raise NotBookable("The lot was split after this fill.")


def _all_clear_when_sold(account: BrokerAccount, trade: Trade, now: datetime) -> None:
    if trade.exit_time is not None:
        all_clear(account, trade.opening_order_id, now)


def _reported(fill: Fill) -> BrokerFill:
    return BrokerFill(
        activity_id=fill.activity_id,
        client_order_id=fill.order.client_order_id,
        quantity=fill.quantity,
        price=fill.price,
        commission=fill.commission,
        time=fill.time,
    )


def _new_lot(account: BrokerAccount, order: Order, fill: BrokerFill) -> Trade:
    return trade_model(account)(
        user_id=order.user_id,
        account=account,
        live_strategy_id=order.live_strategy_id,
        opening_order=order,
        symbol=order.symbol,
        timeframe=order.timeframe,
        quantity=Decimal(0),
        entry_time=fill.time,
        entry_price=Decimal(0),
    )


def _add_to_lot(trade: Trade, order: Order, fill: BrokerFill) -> Trade:
    cost = trade.quantity * trade.entry_price + fill.quantity * fill.price
    trade.quantity += fill.quantity
    average = (cost / trade.quantity).quantize(MICRO)
    # The new average applies to the shares that are already sold, too. A lot that was sold completely is open
    # again.
    trade.pnl -= (trade.exit_quantity * (average - trade.entry_price)).quantize(MICRO)
    trade.exit_time, trade.exit_reason = None, ""
    trade.entry_price = average
    trade.commission += fill.commission
    trade.pnl -= fill.commission
    _price_exits(trade, order)
    return trade


def _price_exits(trade: Trade, entry: Order) -> None:
    """Give the lot the exact prices of its protective exits, and the exits that wait for it their figures.

    An exit that was sent keeps what the broker has, also one that travels with its entry at a provisional price;
    `protect` brings the two together.
    """
    for leg in entry.exits.filter(WITH_RULE):
        price = exit_price(leg, float(trade.entry_price))
        if leg.purpose in STOPS:
            raised = trade.stop_price if trade.stop_price != trade.initial_stop_price else None
            trade.initial_stop_price = price
            trade.stop_price = max(price, raised or price)
        else:
            trade.target_price = price
        waiting = entry.exits.filter(purpose=leg.purpose, state=OrderState.WAITING, provisional=False)
        waiting.update(**prices_of(leg.purpose, price), quantity=trade.open_quantity)


def _sell_from_lot(trade: Trade, order: Order, fill: BrokerFill) -> None:
    if fill.quantity > trade.open_quantity + DUST:
        raise NotBookable(
            f"{fill.quantity.normalize():f} {order.symbol} were sold from a lot with "
            f"{trade.open_quantity.normalize():f} shares."
        )
    proceeds = trade.exit_quantity * (trade.exit_price or 0) + fill.quantity * fill.price
    trade.exit_quantity += fill.quantity
    trade.exit_price = (proceeds / trade.exit_quantity).quantize(MICRO)
    trade.commission += fill.commission
    trade.pnl += (fill.quantity * (fill.price - trade.entry_price)).quantize(MICRO) - fill.commission
    if order.purpose == Purpose.TRAILING_STOP and order.stop_price is not None and trade.stop_price is not None:
        trade.stop_price = max(trade.stop_price, order.stop_price)
    if trade.open_quantity < DUST:
        trade.exit_time = fill.time
        trade.exit_reason = _reason(trade, order)


def _reason(trade: Trade, order: Order) -> ExitReason:
    """Why this order sold the lot. A trailing stop that is still at the fixed price is a stop loss."""
    if order.purpose == Purpose.TRAILING_STOP and trade.stop_price is not None and order.opening_order is not None:
        rule = order.opening_order.exits.filter(WITH_RULE, purpose=Purpose.TRAILING_STOP).first() or order
        if not is_trailing(rule, float(trade.stop_price), float(trade.entry_price)):
            return ExitReason.STOP_LOSS
    without_trigger = ExitReason.SIGNAL if order.signal_id else ExitReason.MANUAL
    return _PROTECTIVE.get(Purpose(order.purpose), without_trigger)


def refresh_position(account: BrokerAccount, symbol: str, now: datetime) -> None:
    """Set the account's position in `symbol` to the sum of the open lots."""
    quantity, cost = Decimal(0), Decimal(0)
    for lot in trades_of(account, account.mode).filter(symbol=symbol, exit_time=None):
        quantity += lot.open_quantity
        cost += lot.open_quantity * lot.entry_price
    model = position_model(account)
    if quantity < DUST:
        model._default_manager.filter(account=account, symbol=symbol).delete()
        return
    average = (cost / quantity).quantize(MICRO)
    position = model(account=account, symbol=symbol, quantity=quantity, average_price=average, updated_at=now)
    # One query, where update_or_create takes six.
    positions: Any = model._default_manager
    positions.bulk_create(
        [position],
        update_conflicts=True,
        unique_fields=["account", "symbol"],
        update_fields=["quantity", "average_price", "updated_at"],
    )
