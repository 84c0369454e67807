"""Fills: the one place that decides the price, the quantity and the cost of a fill."""

from enum import StrEnum

from tradedesk.core.compiled import njit
from tradedesk.core.money import round_money
from tradedesk.core.sizing import whole_or_fraction


class ExitReason(StrEnum):
    """Why a lot was sold."""

    SIGNAL = "signal"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    TAKE_PROFIT = "take_profit"
    MANUAL = "manual"


# Reasons as the kernel's numbers. `protective_exit` returns EXIT_STOP_LOSS for either stop of a lot; `is_trailing`
# says whether it is the trailing one.
NO_EXIT, EXIT_SIGNAL, EXIT_STOP_LOSS, EXIT_TAKE_PROFIT, EXIT_TRAILING_STOP = 0, 1, 2, 3, 4
EXIT_REASONS = {
    EXIT_SIGNAL: ExitReason.SIGNAL,
    EXIT_STOP_LOSS: ExitReason.STOP_LOSS,
    EXIT_TAKE_PROFIT: ExitReason.TAKE_PROFIT,
    EXIT_TRAILING_STOP: ExitReason.TRAILING_STOP,
}
# A trailing stop is never further below the highest price than this fraction of it, so its price is above zero.
WIDEST_TRAIL = 0.99


@njit(cache=True)
def buy_price(price: float, slippage_bps: float) -> float:
    """The price per share that a buyer pays for a market order at `price`."""
    return round_money(price * (1.0 + slippage_bps / 1e4))


@njit(cache=True)
def sell_price(price: float, slippage_bps: float) -> float:
    """The price per share that a seller receives for a market order at `price`."""
    return round_money(price * (1.0 - slippage_bps / 1e4))


@njit(cache=True)
def stop_price(fill_price: float, stop_loss_pct: float) -> float:
    """The fixed stop price of a lot bought at `fill_price`; -infinity if stop_loss_pct is infinity (no stop)."""
    if stop_loss_pct == float("inf"):
        return -stop_loss_pct
    return round_money(fill_price * (1.0 - stop_loss_pct))


@njit(cache=True)
def trailing_distance(average_true_range: float, multiple: float) -> float:
    """Dollars between the highest price and a trailing stop by ATR, fixed when the entry is decided; infinity if
    multiple is infinity (no such stop)."""
    if multiple == float("inf"):
        return multiple
    return round_money(multiple * average_true_range)


@njit(cache=True)
def trailing_stop(highest: float, fraction: float, dollars: float) -> float:
    """The price of a trailing stop below `highest`: the fill price, or a higher price since.

    fraction: the distance as a part of `highest`; dollars: the distance in dollars; infinity for off. -infinity
    with both off. A higher `highest` never gives a lower price.
    """
    if fraction < float("inf"):
        return round_money(highest * (1.0 - fraction))
    if dollars < float("inf"):
        return round_money(max(highest - dollars, highest * (1.0 - WIDEST_TRAIL)))
    return -dollars


@njit(cache=True)
def is_trailing(stop: float, fill_price: float, stop_loss_pct: float) -> bool:
    """Whether `stop`, the higher of a lot's two stops, is the trailing one; the fixed one if they are equal."""
    return stop > stop_price(fill_price, stop_loss_pct)


@njit(cache=True)
def target_price(fill_price: float, take_profit_pct: float) -> float:
    """The target price of a lot bought at `fill_price`; infinity if take_profit_pct is infinity
    (no take profit)."""
    if take_profit_pct == float("inf"):
        return take_profit_pct
    return round_money(fill_price * (1.0 + take_profit_pct))


@njit(cache=True)
def commission(quantity: float, price: float, per_order: float, per_share: float, bps: float) -> float:
    """Dollars for filling one order of `quantity` shares at `price`."""
    return round_money(per_order + per_share * quantity + bps / 1e4 * quantity * price)


@njit(cache=True)
def affordable(
    quantity: float,
    price: float,
    cash: float,
    per_order: float,
    per_share: float,
    bps: float,
    fractional: bool,
) -> float:
    """`quantity` reduced to what `cash` pays for at `price`, commission included; 0 if not even one share."""
    cost_per_share = price * (1.0 + bps / 1e4) + per_share
    most = whole_or_fraction(max(0.0, cash - per_order) / cost_per_share, fractional)
    return min(quantity, most)


def waiting_buy(
    open_: float, high: float, low: float, limit: float | None, stop: float | None, slippage_bps: float
) -> tuple[float, bool] | None:
    """The price per share at which this bar fills a purchase that waits for a price, and whether it was reached
    inside the bar; None when it was not reached.

    A limit: min(open, limit) without slippage. A stop: max(open, stop) with slippage, as a market order.
    """
    if limit is not None:
        return (round_money(min(open_, limit)), open_ > limit) if low <= limit else None
    if stop is not None:
        return (buy_price(max(open_, stop), slippage_bps), open_ < stop) if high >= stop else None
    return buy_price(open_, slippage_bps), False


def waiting_sale(
    open_: float, high: float, low: float, limit: float | None, stop: float | None, slippage_bps: float
) -> float | None:
    """The same for a sale: the price, as of a target and of a stop loss; None when it was not reached."""
    if limit is not None:
        return round_money(max(open_, limit)) if high >= limit else None
    if stop is not None:
        return sell_price(min(open_, stop), slippage_bps) if low <= stop else None
    return sell_price(open_, slippage_bps)


@njit(cache=True)
def protective_exit(
    open_: float, high: float, low: float, stop: float, target: float, slippage_bps: float
) -> tuple[int, float]:
    """Whether the stop or the target closes a lot in this bar, and at what price per share.

    Stop (-infinity for none): min(open, stop) less slippage, so a gap fills at the open. Target (infinity for
    none): max(open, target) without slippage, because it is a resting limit order. If both are touched in one bar,
    the stop, the worse one, fills. Returns (NO_EXIT, 0.0) or (reason, price).
    """
    if low <= stop:
        return EXIT_STOP_LOSS, sell_price(min(open_, stop), slippage_bps)
    if high >= target:
        return EXIT_TAKE_PROFIT, round_money(max(open_, target))
    return NO_EXIT, 0.0
