"""The kernel: one compiled loop that trades signals over bars, long only, with shared cash.

A decision at the close of a bar acts in the same symbol's next bar, in this order: signal exits at the open,
entries at the open by strength, protective exits, mark at the close. Sizes, refusals, prices, costs and rounding
are those of tradedesk.core, the very functions that the paper and the live desk call.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.fills import (
    EXIT_SIGNAL,
    NO_EXIT,
    affordable,
    buy_price,
    commission,
    protective_exit,
    sell_price,
    stop_price,
    target_price,
)
from tradedesk.core.money import round_money
from tradedesk.core.risk import Refusal, entry_refusal
from tradedesk.core.sizing import order_quantity

NO_LOT = -1
STILL_OPEN = -1
ALLOWED = int(Refusal.NONE)
Lots = NDArray[np.void]

# One lot from its entry to its exit, as the kernel writes it. Rows count from the first bar of the equity curve;
# exit_row is STILL_OPEN until the lot is sold. paid: dollars with the entry's commission. target: inf for none.
LOT = np.dtype(
    [
        ("symbol", np.int64),
        ("quantity", np.float64),
        ("entry_row", np.int64),
        ("entry_price", np.float64),
        ("paid", np.float64),
        ("stop_price", np.float64),
        ("target_price", np.float64),
        ("exit_row", np.int64),
        ("exit_price", np.float64),
        ("exit_reason", np.int64),
        ("commission", np.float64),
        ("pnl", np.float64),
    ]
)


class Terms(NamedTuple):
    """RiskRules and Costs as the kernel reads them: numbers only, infinity for a limit that is off."""

    position_size_pct: float
    max_positions: int
    max_position_size: float
    stop_loss_pct: float
    take_profit_pct: float
    signal_threshold: float
    daily_loss_limit: float
    max_drawdown_pct: float
    fractional: bool
    per_order: float
    per_share: float
    bps: float
    slippage_bps: float


@njit(cache=True)
def trade(
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    session: NDArray[np.int64],
    side: NDArray[np.int8],
    strength: Floats,
    capital: float,
    terms: Terms,
) -> tuple[Floats, float, Lots, Floats, int]:
    """The kernel. Arrays are (rows, symbols), session (rows,); a symbol without a bar in a row has NaN there.

    Answers the equity at each close, the cash at the end, all lots in the order they were bought (dtype LOT),
    each symbol's last close and the number of rows in which a lot was held at any moment.
    """
    rows, symbols = close.shape
    equity = np.empty(rows)
    lots = np.empty(64, LOT)
    bought = 0
    lot_of = np.full(symbols, NO_LOT)  # which of the lots is held
    leaving = np.zeros(symbols, np.bool_)  # a SELL waits for the next bar
    wanted = np.zeros(symbols)  # the shares that a BUY waits to get, 0 for none
    conviction = np.zeros(symbols)  # the strength of that BUY
    mark = np.zeros(symbols)  # the last close
    queue = np.empty(symbols, np.int64)  # symbols by strength
    cash = peak = equity_before_session = capital
    holding = exposed = 0

    for t in range(rows):
        if t > 0 and session[t] != session[t - 1]:
            equity_before_session = equity[t - 1]
        in_market = holding > 0

        # 1. Signal exits at the open.
        for s in range(symbols):
            if leaving[s] and not np.isnan(open_[t, s]):
                price = sell_price(open_[t, s], terms.slippage_bps)
                cash = round_money(cash + close_lot(lots[lot_of[s]], t, price, EXIT_SIGNAL, terms))
                lot_of[s] = NO_LOT
                leaving[s] = False
                holding -= 1

        # 2. Entries at the open, the strongest first, cut to what cash affords.
        queued = 0
        for s in range(symbols):
            if wanted[s] > 0.0 and not np.isnan(open_[t, s]):
                queued = enqueue(queue, queued, s, conviction)
        for place in range(queued):
            s = queue[place]
            price = buy_price(open_[t, s], terms.slippage_bps)
            quantity = affordable(
                wanted[s], price, cash, terms.per_order, terms.per_share, terms.bps, terms.fractional
            )
            wanted[s] = 0.0
            if quantity > 0.0:
                if bought == len(lots):
                    lots = doubled(lots)
                cash = round_money(cash - open_lot(lots[bought], s, t, quantity, price, terms))
                lot_of[s] = bought
                bought += 1
                holding += 1
                in_market = True

        # 3. Protective exits, in the entry bar too.
        for s in range(symbols):
            if lot_of[s] != NO_LOT and not np.isnan(open_[t, s]):
                lot = lots[lot_of[s]]
                reason, price = protective_exit(
                    open_[t, s],
                    high[t, s],
                    low[t, s],
                    lot["stop_price"],
                    lot["target_price"],
                    terms.slippage_bps,
                )
                if reason != NO_EXIT:
                    cash = round_money(cash + close_lot(lot, t, price, reason, terms))
                    lot_of[s] = NO_LOT
                    holding -= 1

        # 4. Mark at the close.
        value = cash
        for s in range(symbols):
            if not np.isnan(close[t, s]):
                mark[s] = close[t, s]
            if lot_of[s] != NO_LOT:
                value += lots[lot_of[s]]["quantity"] * mark[s]
        equity[t] = round_money(value)
        peak = max(peak, equity[t])
        exposed += in_market

        # Decide at the close, for each symbol's next bar: exits always, entries as far as the rules allow.
        queued = 0
        open_positions = holding
        for s in range(symbols):
            if np.isnan(close[t, s]):
                open_positions += wanted[s] > 0.0
                open_positions -= leaving[s]
            elif side[t, s] < 0 and lot_of[s] != NO_LOT:
                leaving[s] = True
                open_positions -= 1
            elif side[t, s] > 0 and lot_of[s] == NO_LOT:
                queued = enqueue(queue, queued, s, strength[t])
        for place in range(queued):
            s = queue[place]
            refusal = entry_refusal(
                strength[t, s],
                terms.signal_threshold,
                open_positions,
                terms.max_positions,
                equity_before_session - equity[t],
                terms.daily_loss_limit,
                equity[t],
                peak,
                terms.max_drawdown_pct,
            )
            if refusal == ALLOWED:
                wanted[s] = order_quantity(
                    equity[t], close[t, s], terms.position_size_pct, terms.max_position_size, terms.fractional
                )
                conviction[s] = strength[t, s]
                open_positions += wanted[s] > 0.0

    return equity, cash, lots[:bought], mark, exposed


@njit(cache=True)
def open_lot(lot: Any, symbol: int, row: int, quantity: float, price: float, terms: Terms) -> float:
    """Write down the purchase of a lot; answers the dollars paid, commission included."""
    fee = commission(quantity, price, terms.per_order, terms.per_share, terms.bps)
    paid = -round_money(-quantity * price - fee)  # the movement of cash is what the books round
    lot["symbol"] = symbol
    lot["quantity"] = quantity
    lot["entry_row"] = row
    lot["entry_price"] = price
    lot["paid"] = paid
    lot["stop_price"] = stop_price(price, terms.stop_loss_pct)
    lot["target_price"] = target_price(price, terms.take_profit_pct)
    lot["exit_row"] = STILL_OPEN
    lot["exit_price"] = np.nan
    lot["exit_reason"] = NO_EXIT
    lot["commission"] = fee
    lot["pnl"] = np.nan
    return paid


@njit(cache=True)
def close_lot(lot: Any, row: int, price: float, reason: int, terms: Terms) -> float:
    """Write down the sale of a lot; answers the dollars received, commission deducted."""
    fee = commission(lot["quantity"], price, terms.per_order, terms.per_share, terms.bps)
    received = round_money(lot["quantity"] * price - fee)
    lot["exit_row"] = row
    lot["exit_price"] = price
    lot["exit_reason"] = reason
    lot["commission"] = round_money(lot["commission"] + fee)
    lot["pnl"] = round_money(received - lot["paid"])
    return received


@njit(cache=True)
def enqueue(queue: NDArray[np.int64], length: int, symbol: int, strength: Floats) -> int:
    """Put a symbol into queue[:length], the strongest first; of two equals the one that came first stays first."""
    place = length
    while place > 0 and strength[queue[place - 1]] < strength[symbol]:
        queue[place] = queue[place - 1]
        place -= 1
    queue[place] = symbol
    return length + 1


@njit(cache=True)
def doubled(lots: Lots) -> Lots:
    """The same lots with room for as many again."""
    room = np.empty(2 * len(lots), LOT)
    room[: len(lots)] = lots
    return room
