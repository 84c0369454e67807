"""Trading: the loop over the bars.

A decision at the close of a bar acts in the same symbol's next bar, in this order: signal exits at the open,
entries at the open by strength, protective exits, mark at the close.

Most bars only move the prices: nothing is ordered, no signal asks for anything, no stop is touched. Those are
marked in one go, and the other bars walk over short lists of the symbols that are held or ordered.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backtests.engine.kernel.fast_forward import (
    NO_LOT,
    add_worth,
    round_each,
    rows_until_signal,
    rows_until_touched,
)
from backtests.engine.kernel.lots import LOT, Lots, close_lot, open_lot
from backtests.engine.kernel.queues import enqueue, insert, remove
from tradedesk.core.bars import Floats
from tradedesk.core.fills import EXIT_SIGNAL, NO_EXIT, affordable, buy_price, protective_exit, sell_price
from tradedesk.core.money import round_money
from tradedesk.core.risk import Refusal, entry_refusal
from tradedesk.core.sizing import order_quantity

ALLOWED = int(Refusal.NONE)
# The cells of a progress: the rows done, and whether to stop. They are looked at every so many rows at least.
DONE, STOP = 0, 1
EVERY = 4096


@njit(cache=True, nogil=True)
def trade(
    open_: Floats,
    high: Floats,
    low: Floats,
    mark: Floats,
    session: NDArray[np.int64],
    side: NDArray[np.int8],
    strength: Floats,
    capital: float,
    rules: Any,
    progress: NDArray[np.int64],
    equity: Floats,
) -> tuple[float, Lots, int]:
    """The kernel. Arrays are (rows, symbols), session (rows,). A symbol without a bar in a row has NaN there for
    its prices and 0 for its side; mark goes on with its last close. progress: of a Progress, which may end the loop.

    Writes the equity at each close (rows,). Responses the cash at the end, all lots in the order they were bought
    (dtype LOT) and the number of rows in which a lot was held at any moment.
    """
    rows, symbols = mark.shape
    said = side.reshape(-1)  # what each symbol says in a row, one row after the other
    lots = np.empty(count_buys(said), LOT)
    held = np.empty(symbols, np.int64)  # held[:holding]: the symbols with a lot, in their order
    lot_of = np.full(symbols, NO_LOT)  # and which of the lots that is
    leaving = np.zeros(symbols, np.bool_)  # a SELL waits for the symbol's next bar
    waiting = np.empty(symbols, np.int64)  # waiting[:orders]: those whose BUY waits for it, the strongest first
    wanted = np.zeros(symbols)  # the shares which that BUY asks for
    conviction = np.zeros(symbols)  # and its strength
    wishes = np.empty(symbols, np.int64)  # wishes[:wishing]: those that say BUY in this bar, the strongest first
    bought = holding = leavers = orders = exposed = 0
    cash = peak = equity_before_session = capital
    limited = min(rules.daily_loss_limit, rules.max_drawdown_pct) < np.inf
    seen = 0  # the rows that peak and equity_before_session know of

    t = 0
    while t < rows and not progress[STOP]:
        progress[DONE] = t
        in_market = holding > 0

        # 1. Signal exits at the open.
        place = 0
        while leavers > 0 and place < holding:
            s = held[place]
            if leaving[s] and not np.isnan(open_[t, s]):
                price = sell_price(open_[t, s], rules.slippage_bps)
                cash = round_money(cash + close_lot(lots[lot_of[s]], t, price, EXIT_SIGNAL, rules))
                lot_of[s] = NO_LOT
                holding = remove(held, holding, place)
                leaving[s] = False
                leavers -= 1
            else:
                place += 1

        # 2. Entries at the open, the strongest first, cut to what cash affords.
        place = 0
        while place < orders:
            s = waiting[place]
            if np.isnan(open_[t, s]):
                place += 1
                continue
            orders = remove(waiting, orders, place)
            price = buy_price(open_[t, s], rules.slippage_bps)
            quantity = affordable(
                wanted[s],
                price,
                cash,
                rules.commission_per_order,
                rules.commission_per_share,
                rules.commission_bps,
                rules.fractional,
            )
            if quantity > 0.0:
                cash = round_money(cash - open_lot(lots[bought], s, t, quantity, price, rules))
                lot_of[s] = bought
                bought += 1
                holding = insert(held, holding, s)
                in_market = True

        # 3. Protective exits, in the entry bar too. The NaN of a missing bar touches neither stop nor target.
        place = 0
        while place < holding:
            s = held[place]
            lot = lots[lot_of[s]]
            reason, price = protective_exit(
                open_[t, s], high[t, s], low[t, s], lot["stop_price"], lot["target_price"], rules.slippage_bps
            )
            if reason != NO_EXIT:
                cash = round_money(cash + close_lot(lot, t, price, reason, rules))
                lot_of[s] = NO_LOT
                holding = remove(held, holding, place)
            else:
                place += 1

        # 4. Rating at the close.
        value = cash
        for place in range(holding):
            s = held[place]
            value += lots[lot_of[s]]["quantity"] * mark[t, s]
        worth = equity[t] = round_money(value)
        exposed += in_market

        # Decide at the close, for each symbol's next bar: exits always, entries as far as the rules allow.
        wishing = 0
        for s in range(symbols):
            if side[t, s] < 0 and lot_of[s] != NO_LOT:
                leaving[s] = True
                leavers += 1
            elif side[t, s] > 0 and lot_of[s] == NO_LOT:
                wishing = enqueue(wishes, wishing, s, strength[t])
        while limited and wishing > 0 and seen <= t:  # only now that the limits have to know
            if seen > 0 and session[seen] != session[seen - 1]:
                equity_before_session = equity[seen - 1]
            peak = max(peak, equity[seen])
            seen += 1
        for place in range(wishing):
            s = wishes[place]
            refusal = entry_refusal(
                strength[t, s], holding - leavers + orders, equity_before_session - worth, worth, peak, rules
            )
            if refusal == ALLOWED:
                wanted[s] = order_quantity(worth, mark[t, s], rules)
                if wanted[s] > 0.0:
                    conviction[s] = strength[t, s]
                    orders = enqueue(waiting, orders, s, conviction)
        t += 1

        # On to the next bar that does more than move the prices, marking at the close of those between.
        if leavers + orders > 0:
            continue
        quiet = rows_until_signal(said[t * symbols : min(t + EVERY, rows) * symbols], lot_of)
        if quiet == 0:
            continue
        for place in range(holding):
            s = held[place]
            stop, target = lots[lot_of[s]]["stop_price"], lots[lot_of[s]]["target_price"]
            quiet = rows_until_touched(low[t : t + quiet], high[t : t + quiet], s, stop, target)
        between = equity[t : t + quiet]
        between[:] = cash
        for place in range(holding):
            s = held[place]
            add_worth(between, mark[t : t + quiet], s, lots[lot_of[s]]["quantity"])
        if holding > 0:
            round_each(between)
            exposed += quiet
        t += quiet

    progress[DONE] = t
    return cash, lots[:bought], exposed


@njit(cache=True)
def count_buys(said: NDArray[np.int8]) -> int:
    """How many BUYs there are, and so how many lots at most."""
    count = 0
    for cell in range(len(said)):
        count += said[cell] > 0
    return count
