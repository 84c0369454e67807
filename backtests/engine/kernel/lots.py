"""Lots: each purchase from its entry to its exit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.compiled import njit
from tradedesk.core.fills import (
    EXIT_STOP_LOSS,
    EXIT_TRAILING_STOP,
    NO_EXIT,
    commission,
    is_trailing,
    stop_price,
    target_price,
    trailing_stop,
)
from tradedesk.core.money import round_money

STILL_OPEN = -1
Lots = NDArray[np.void]

# One lot as the kernel writes it. Rows count from the first bar of the equity curve; exit_row is STILL_OPEN until
# the lot is sold. paid: dollars, the entry's commission included. initial_stop: the stop price at the fill;
# stop_price: the last one, higher where a trailing stop was raised; both -infinity for none. trailing_distance: of
# a trailing stop by ATR in dollars, infinity without one. highest: the fill price or the highest price since, if a
# trailing stop follows it. target_price: infinity for none.
LOT = np.dtype(
    [
        ("symbol", np.int64),
        ("quantity", np.float64),
        ("entry_row", np.int64),
        ("entry_price", np.float64),
        ("paid", np.float64),
        ("initial_stop", np.float64),
        ("stop_price", np.float64),
        ("trailing_distance", np.float64),
        ("highest", np.float64),
        ("target_price", np.float64),
        ("exit_row", np.int64),
        ("exit_price", np.float64),
        ("exit_reason", np.int64),
        ("commission", np.float64),
        ("pnl", np.float64),
    ]
)


@njit(cache=True)
def open_lot(
    lot: Any, symbol: int, row: int, quantity: float, price: float, trailing_distance: float, rules: Any
) -> float:
    """Record the purchase of a lot. trailing_distance: dollars, of a trailing stop by ATR. Returns the dollars
    paid, commission included."""
    fee = commission(quantity, price, rules.commission_per_order, rules.commission_per_share, rules.commission_bps)
    paid = -round_money(-quantity * price - fee)  # rounded as a movement of cash, as the account does
    lot["symbol"] = symbol
    lot["quantity"] = quantity
    lot["entry_row"] = row
    lot["entry_price"] = price
    lot["paid"] = paid
    lot["trailing_distance"] = trailing_distance
    lot["highest"] = price
    lot["initial_stop"] = max(
        stop_price(price, rules.stop_loss_pct), trailing_stop(price, rules.trailing_stop_pct, trailing_distance)
    )
    lot["stop_price"] = lot["initial_stop"]
    lot["target_price"] = target_price(price, rules.take_profit_pct)
    lot["exit_row"] = STILL_OPEN
    lot["exit_price"] = np.nan
    lot["exit_reason"] = NO_EXIT
    lot["commission"] = fee
    lot["pnl"] = np.nan
    return paid


@njit(cache=True)
def raise_stop(lot: Any, high: float, rules: Any) -> None:
    """Let the trailing stop follow the high of a bar that has closed (NaN for no bar): it acts from the next bar
    on."""
    if high > lot["highest"]:
        lot["highest"] = high
        raised = trailing_stop(high, rules.trailing_stop_pct, lot["trailing_distance"])
        lot["stop_price"] = max(lot["stop_price"], raised)


@njit(cache=True)
def close_lot(lot: Any, row: int, price: float, reason: int, rules: Any) -> float:
    """Record the sale of a lot. reason: the sale by a stop becomes one by its trailing stop where that is the
    higher one. Returns the dollars received, commission deducted."""
    fee = commission(
        lot["quantity"], price, rules.commission_per_order, rules.commission_per_share, rules.commission_bps
    )
    received = round_money(lot["quantity"] * price - fee)
    lot["exit_row"] = row
    lot["exit_price"] = price
    if reason == EXIT_STOP_LOSS and is_trailing(lot["stop_price"], lot["entry_price"], rules.stop_loss_pct):
        reason = EXIT_TRAILING_STOP
    lot["exit_reason"] = reason
    lot["commission"] = round_money(lot["commission"] + fee)
    lot["pnl"] = round_money(received - lot["paid"])
    return received


@njit(cache=True, nogil=True)
def order_of_sale(lots: Lots) -> NDArray[np.int64]:
    """The numbers (k,) of the sold lots in the order of sale; of one row, in the order of purchase."""
    order = np.empty(len(lots), np.int64)
    sold = 0
    for number in range(len(lots)):
        row = lots[number]["exit_row"]
        if row != STILL_OPEN:
            place = sold
            while place > 0 and lots[order[place - 1]]["exit_row"] > row:
                order[place] = order[place - 1]
                place -= 1
            order[place] = number
            sold += 1
    return order[:sold].copy()
