"""The trading loop over the bars.

A decision at the close of a bar is executed in the same symbol's next bar, in this order: signal exits at the
open, entries at the open by strength, protective exits, mark at the close. A trailing stop is raised at the close
and acts from the next bar on, because a bar does not tell whether its high came before its low.

Most bars have no order, no signal to act on and touch no stop or target. The loop fast-forwards over them and
marks them together; in the other bars it visits only the symbols that are held or ordered.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.engine.kernel.fast_forward import (
    NO_LOT,
    add_value,
    round_all,
    rows_until_signal,
    rows_until_touched,
    rows_until_trailed,
)
from backtests.engine.kernel.lots import LOT, Lots, close_lot, open_lot, raise_stop
from backtests.engine.kernel.queues import insert, insert_by_strength, remove
from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit
from tradedesk.core.fills import (
    EXIT_SIGNAL,
    NO_EXIT,
    affordable,
    buy_price,
    protective_exit,
    sell_price,
    trailing_distance,
)
from tradedesk.core.money import round_money
from tradedesk.core.risk import EntryState, Refusal, entry_refusal, size_refusal
from tradedesk.core.sizing import order_quantity

FILLED, HELD, NO_CASH, NO_BAR = (
    int(code) for code in (Refusal.NONE, Refusal.HELD, Refusal.NO_CASH, Refusal.NO_BAR)
)
OUTCOMES = len(Refusal)
NO_LOSS = -1
# The cells of a Progress: the number of rows done, and whether to stop.
DONE, STOP = 0, 1
PROGRESS_ROWS = 4096  # the progress is updated at least once in this many rows
MARKED_ROWS = 64  # many lots are marked in so few rows at once that their prices stay in the cache
TRAILING_ROWS = 256  # a trailing stop is followed row by row, so the loop looks ahead less far


@njit(cache=True, nogil=True)
def trade(
    open_: Floats,
    high: Floats,
    low: Floats,
    mark: Floats,
    average_true_range: Floats,
    session: NDArray[np.int64],
    side: NDArray[np.int8],
    strength: Floats,
    capital: float,
    rules: Any,
    progress: NDArray[np.int64],
    equity: Floats,
) -> tuple[float, Lots, int, NDArray[np.int64]]:
    """The kernel. Arrays are (rows, symbols), session (rows,). A symbol without a bar in a row has NaN prices and
    side 0 there, and mark keeps its last close. average_true_range: (0, 0) without a trailing stop by ATR.
    strength: (1, symbols) where it is the same in all rows. progress: the cells of a Progress, which can stop the
    loop.

    Writes the equity at each close (rows,). Returns the cash at the end, all lots in the order they were bought
    (dtype LOT), the number of rows in which a lot was held at any time, and the number of BUY signals by outcome:
    of each Refusal code, with those that were filled as code NONE.
    """
    rows, symbols = mark.shape
    sides = side.reshape(-1)  # row after row
    signals = count_buys(sides)
    lots = np.empty(signals, LOT)
    outcomes = np.zeros(OUTCOMES, np.int64)
    held = np.empty(symbols, np.int64)  # held[:holding]: the symbols with a lot, ascending
    lot_of = np.full(symbols, NO_LOT)  # the number of each symbol's lot
    exiting = np.zeros(symbols, np.bool_)  # whether an exit waits for the symbol's next bar
    ordered = np.empty(symbols, np.int64)  # ordered[:entries]: the symbols whose entry waits, the strongest first
    shares = np.zeros(symbols)  # the shares of each waiting entry
    entry_strength = np.zeros(symbols)  # and its strength
    distance = np.full(symbols, np.inf)  # and the dollars between the highest price and its trailing stop by ATR
    by_true_range = rules.trailing_stop_atr < np.inf
    trailing = by_true_range or rules.trailing_stop_pct < np.inf
    ahead = TRAILING_ROWS if trailing else PROGRESS_ROWS
    buying = np.empty(symbols, np.int64)  # buying[:buys]: the symbols with a BUY in this bar, the strongest first
    bought = holding = exits = entries = exposed = 0
    cash = peak = equity_before_session = capital
    has_loss_limits = min(rules.daily_loss_limit, rules.max_drawdown_pct) < np.inf
    lowest = np.inf  # the lowest equity of the session so far
    counted = 0  # the number of rows that peak, lowest and equity_before_session include
    has_cooldown = rules.cooldown_bars < np.inf
    loss_row = np.full(symbols, NO_LOSS)  # of each symbol the row of its last sale at a loss

    t = 0
    while t < rows and not progress[STOP]:
        progress[DONE] = t
        in_market = holding > 0

        # 1. Signal exits at the open.
        place = 0
        while exits > 0 and place < holding:
            s = held[place]
            if exiting[s] and not np.isnan(open_[t, s]):
                price = sell_price(open_[t, s], rules.slippage_bps)
                cash = round_money(cash + close_lot(lots[lot_of[s]], t, price, EXIT_SIGNAL, rules))
                if has_cooldown and lots[lot_of[s]]["pnl"] < 0.0:
                    loss_row[s] = t
                lot_of[s] = NO_LOT
                holding = remove(held, holding, place)
                exiting[s] = False
                exits -= 1
            else:
                place += 1

        # 2. Entries at the open, the strongest first, cut to what the cash can pay for.
        place = 0
        while place < entries:
            s = ordered[place]
            if np.isnan(open_[t, s]):
                place += 1
                continue
            entries = remove(ordered, entries, place)
            price = buy_price(open_[t, s], rules.slippage_bps)
            quantity = affordable(
                shares[s],
                price,
                cash,
                rules.commission_per_order,
                rules.commission_per_share,
                rules.commission_bps,
                rules.fractional,
            )
            if quantity > 0.0:
                cash = round_money(cash - open_lot(lots[bought], s, t, quantity, price, distance[s], rules))
                lot_of[s] = bought
                bought += 1
                holding = insert(held, holding, s)
                in_market = True
            else:
                outcomes[NO_CASH] += 1

        # 3. Protective exits, also in the entry bar, then the trailing stops for the next bar. The NaN of a
        # missing bar touches neither stop nor target, and raises nothing.
        place = 0
        while place < holding:
            s = held[place]
            lot = lots[lot_of[s]]
            reason, price = protective_exit(
                open_[t, s], high[t, s], low[t, s], lot["stop_price"], lot["target_price"], rules.slippage_bps
            )
            if reason != NO_EXIT:
                cash = round_money(cash + close_lot(lot, t, price, reason, rules))
                if has_cooldown and lot["pnl"] < 0.0:
                    loss_row[s] = t
                lot_of[s] = NO_LOT
                holding = remove(held, holding, place)
            else:
                if trailing:
                    raise_stop(lot, high[t, s], rules)
                place += 1

        # 4. Mark at the close.
        value = cash
        for place in range(holding):
            s = held[place]
            value += lots[lot_of[s]]["quantity"] * mark[t, s]
        equity_now = equity[t] = round_money(value)
        exposed += in_market

        # Decide at the close for each symbol's next bar: an exit always, an entry where the rules allow it.
        strengths = strength[min(t, len(strength) - 1)]
        buys = 0
        for s in range(symbols):
            if side[t, s] < 0 and lot_of[s] != NO_LOT:
                exiting[s] = True
                exits += 1
            elif side[t, s] > 0 and lot_of[s] == NO_LOT:
                buys = insert_by_strength(buying, buys, s, strengths)
        while has_loss_limits and buys > 0 and counted <= t:  # only an entry needs the limits
            if counted > 0 and session[counted] != session[counted - 1]:
                equity_before_session = equity[counted - 1]
                lowest = np.inf
            peak = max(peak, equity[counted])
            lowest = min(lowest, equity[counted])
            counted += 1
        for place in range(buys):
            s = buying[place]
            if by_true_range:
                distance[s] = trailing_distance(average_true_range[t, s], rules.trailing_stop_atr)
            since_loss = np.inf
            if has_cooldown and loss_row[s] != NO_LOSS:
                since_loss = count_bars(open_[loss_row[s] + 1 : t + 1], s, rules.cooldown_bars)
            state = EntryState(
                strengths[s],
                holding - exits + entries,
                equity_before_session - lowest,
                equity_now,
                peak,
                distance[s],
                since_loss,
            )
            refusal = entry_refusal(state, rules)
            if refusal == FILLED:
                shares[s] = order_quantity(equity_now, mark[t, s], rules)
                refusal = size_refusal(shares[s])
            if refusal == FILLED:
                entry_strength[s] = strengths[s]
                entries = insert_by_strength(ordered, entries, s, entry_strength)
            else:
                outcomes[refusal] += 1
        t += 1

        # Fast-forward to the next bar with an event, and mark the bars before it.
        if exits + entries > 0:
            continue
        skipped = rows_until_signal(sides[t * symbols : min(t + ahead, rows) * symbols], lot_of)
        if skipped == 0:
            continue
        for place in range(holding):
            s = held[place]
            lot, lows, highs = lots[lot_of[s]], low[t : t + skipped], high[t : t + skipped]
            if trailing:
                skipped = rows_until_trailed(lows, highs, s, lot, rules)
            else:
                skipped = rows_until_touched(lows, highs, s, lot["stop_price"], lot["target_price"])
        for place in range(holding if trailing else 0):
            s = held[place]
            for row in range(t, t + skipped):
                raise_stop(lots[lot_of[s]], high[row, s], rules)
        marked = equity[t : t + skipped]
        marked[:] = cash
        together = MARKED_ROWS if holding > 1 else PROGRESS_ROWS
        for row in range(0, skipped, together):
            some, marks = marked[row : row + together], mark[t + row : t + min(row + together, skipped)]
            for place in range(holding):
                s = held[place]
                add_value(some, marks, s, lots[lot_of[s]]["quantity"])
        if holding > 0:
            round_all(marked)
            exposed += skipped
        t += skipped

    progress[DONE] = t
    outcomes[FILLED], outcomes[NO_BAR] = bought, entries
    outcomes[HELD] = signals - outcomes.sum()  # the loop skips these, so they are what is left
    return cash, lots[:bought], exposed, outcomes


@njit(cache=True)
def count_bars(open_: Floats, symbol: int, most: float) -> float:
    """The number of bars of the symbol in these rows, `most` at most."""
    count = 0.0
    for row in range(len(open_)):
        if count >= most:
            break
        if not np.isnan(open_[row, symbol]):
            count += 1.0
    return count


@njit(cache=True)
def count_buys(sides: NDArray[np.int8]) -> int:
    """The number of BUY signals, which is the largest possible number of lots."""
    count = 0
    for cell in range(len(sides)):
        count += sides[cell] > 0
    return count
