"""The prices of a lot's protective exits now, and which of them were reached. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from livetrading.models import Order
from livetrading.models.trade import Trade
from livetrading.pipeline.lot_orders import LotOrders, Market
from livetrading.pipeline.trailing import follow, has_scale_of
from tradedesk.core.bars import Bars
from tradedesk.core.excursions import OTHER_SCALE
from tradedesk.core.money import to_decimal

Purpose, Holder = Order.Purpose, Order.Holder


@dataclass(frozen=True, slots=True)
class Exits:
    """bars: of the lot, None without any at its scale. prices: of its protective exits in dollars; the stop, the
    worse one, first. touched: those whose price was reached since the entry. fallen: whether the last close is not
    above a trailing stop: no broker takes a stop there, so the desk sells."""

    bars: Bars | None
    prices: dict[Order.Purpose, Decimal]
    touched: frozenset[Order.Purpose]
    fallen: bool


def exits_of(lot: LotOrders, trade: Trade, market: Market) -> Exits:
    bars = market.bars.get((lot.entry.symbol, lot.entry.timeframe))
    price = market.prices.get(trade.symbol)
    if bars is not None and not has_scale_of(trade, bars):
        bars = price = None
    prices = {Purpose.STOP_LOSS: trade.stop_price, Purpose.TAKE_PROFIT: trade.target_price}
    touched = set[Order.Purpose]()
    fallen = False
    if lot.trailing is not None:
        followed = follow(trade, lot.trailing, bars)
        by_desk = not market.capabilities.attached_exits_at_fill
        guarded = any(leg.holder == Holder.DESK and leg.purpose == Purpose.TRAILING_STOP for leg in lot.legs)
        level = followed.level
        if guarded and followed.touched is not None:
            level = max(followed.touched, trade.stop_price or followed.touched)  # where the desk sells
        prices = {Purpose.TRAILING_STOP: level, Purpose.TAKE_PROFIT: trade.target_price}
        fallen = followed.fallen and by_desk
        if followed.touched is not None or fallen:
            touched.add(Purpose.TRAILING_STOP)
    since = None if bars is None else bars.since(trade.entry_time)
    known = {purpose: level for purpose, level in prices.items() if level is not None}
    if price is not None:
        touched |= {purpose for purpose, level in known.items() if _is_reached(purpose, level, price)}
    if since is not None and len(since):
        if Purpose.STOP_LOSS in known and float(since.low.min()) <= float(known[Purpose.STOP_LOSS]):
            touched.add(Purpose.STOP_LOSS)
        if Purpose.TAKE_PROFIT in known and float(since.high.max()) >= float(known[Purpose.TAKE_PROFIT]):
            touched.add(Purpose.TAKE_PROFIT)
    return Exits(bars, known, frozenset(touched), fallen)


def _is_reached(purpose: Order.Purpose, level: Decimal, price: Decimal) -> bool:
    """Whether the broker's price has passed that of an exit. So far beyond it, it may be one after a split."""
    far = level * to_decimal(OTHER_SCALE)
    if purpose == Purpose.TAKE_PROFIT:
        return level <= price < level + far
    return level - far < price <= level
