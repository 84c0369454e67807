"""The same jobs as numba kernels written by hand, for these rules alone: what an engine can cost at least.

No stops, no refusals, no records of lots, no rounding to a millionth: signals, trades, equity and main figures.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from bench.task import (
    ACCOUNT,
    CAPITAL,
    COMMISSION,
    PAIR,
    PART,
    POSITION,
    SLOWER,
    Outcome,
    Pair,
    daily,
    many_symbols,
    minutes,
)
from tradedesk.core.bars import Bars, Floats

fast_math = njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
BLOCK = 32
YEAR = 252.0


def single() -> Outcome:
    return run(daily(), *PAIR)


def million() -> Outcome:
    return run(minutes(), *SLOWER)


def run(bars: Bars, fast: int, slow: int) -> Outcome:
    totals = running_totals(bars.close)
    side, equity = np.empty(len(bars), np.int8), np.empty(len(bars))
    cross(average(totals, fast), average(totals, slow), side)
    days = session_days(bars.time.view(np.int64))
    trades, _ = hold_in_turn(bars.open, bars.close, side, CAPITAL, equity)
    held = np.empty(len(bars))
    hold_from_second(bars.open, bars.close, CAPITAL, held)
    figures(equity, days, CAPITAL)
    figures(held, days, CAPITAL)
    return Outcome(int(trades), float(equity[-1]))


def sweep(pairs: Sequence[Pair]) -> Outcome:
    bars = daily()
    totals, windows = running_totals(bars.close), sorted({window for pair in pairs for window in pair})
    averages = {window: average(totals, window) for window in windows}
    lines = np.array([averages[window] for window in windows])
    places = np.searchsorted(windows, np.array(pairs))
    days = session_days(bars.time.view(np.int64))
    out = np.empty((len(pairs), 5))
    sweep_lines(bars.open, bars.close, lines, places, days, out)
    return Outcome(int(out[-1, 4]), float(out[-1, 0]))


def sweep_of_sides(bars: Bars, sides: Any, days: Any, out: Floats) -> None:
    """The sweep without its signals."""
    sweep_sides(bars.open, bars.close, sides, days, out)


def portfolio() -> Outcome:
    """Signals, one account and the figures; the matrices are made here from the symbols' bars."""
    every = list(many_symbols().values())
    open_, close = (np.column_stack([getattr(bars, name) for bars in every]) for name in ("open", "close"))
    side = np.empty(close.shape, np.int8)
    for place, bars in enumerate(every):
        totals, own = running_totals(bars.close), np.empty(len(bars), np.int8)
        cross(average(totals, PAIR[0]), average(totals, PAIR[1]), own)
        side[:, place] = own
    equity = np.empty(len(close))
    trades = share_cash(open_, close, side, ACCOUNT, POSITION, equity)
    figures(equity, session_days(every[0].time.view(np.int64)), ACCOUNT)
    return Outcome(int(trades), float(equity[-1]))


@njit(cache=True)
def running_totals(close: Floats) -> Floats:
    totals = np.empty(len(close) + 1)
    totals[0] = 0.0
    for t in range(len(close)):
        totals[t + 1] = totals[t] + close[t]
    return totals


@njit(cache=True, error_model="numpy")
def average(totals: Floats, window: int) -> Floats:
    mean = np.empty(len(totals) - 1)
    mean[: window - 1] = np.nan
    known, before, after, part = mean[window - 1 :], totals, totals[window:], 1.0 / window
    for t in range(len(known)):
        known[t] = (after[t] - before[t]) * part
    return mean


@njit(cache=True)
def session_days(microseconds: Any) -> Any:
    """The last row of each day."""
    ends = np.empty(len(microseconds), np.int64)
    count, after = 0, microseconds[0] // 86_400_000_000 * 86_400_000_000 + 86_400_000_000
    for t in range(1, len(microseconds)):
        if microseconds[t] >= after:
            ends[count] = t - 1
            count += 1
            after = microseconds[t] // 86_400_000_000 * 86_400_000_000 + 86_400_000_000
    ends[count] = len(microseconds) - 1
    return ends[: count + 1]


@njit(cache=True)
def cross(fast: Floats, slow: Floats, side: Any) -> None:
    side[0] = 0
    for t in range(1, len(side)):
        above, was = fast[t] - slow[t] > 1e-9 * slow[t], fast[t - 1] - slow[t - 1] > 1e-9 * slow[t - 1]
        below, had = slow[t] - fast[t] > 1e-9 * slow[t], slow[t - 1] - fast[t - 1] > 1e-9 * slow[t - 1]
        known = slow[t - 1] == slow[t - 1]
        side[t] = np.int8(above & known & (not was)) - np.int8(below & known & (not had))


@njit(cache=True)
def next_signal(side: Any, t: int, wanted: int) -> int:
    while t + BLOCK <= len(side):
        found = False
        for offset in range(BLOCK):
            found |= side[t + offset] == wanted
        if found:
            break
        t += BLOCK
    while t < len(side) and side[t] != wanted:
        t += 1
    return t


@fast_math
def hold_in_turn(open_: Floats, close: Floats, side: Any, capital: float, equity: Floats) -> Any:
    """Buy at the open after a +1, sell at the open after a -1."""
    rows, cash, trades, won, t = len(close), capital, 0, 0, 0
    while t < rows:
        signal = next_signal(side, t, 1)
        equity[t : min(signal + 1, rows)] = cash
        if signal + 1 >= rows:
            break
        price = open_[signal + 1]
        shares = min(math.floor(PART * cash / close[signal]), math.floor(cash / (price * (1.0 + COMMISSION))))
        paid = shares * price * (1.0 + COMMISSION)
        cash -= paid
        sale = next_signal(side, signal + 1, -1)
        for row in range(signal + 1, min(sale + 1, rows)):
            equity[row] = cash + shares * close[row]
        trades += 1
        if sale + 1 < rows:
            received = shares * open_[sale + 1] * (1.0 - COMMISSION)
            cash += received
            won += received > paid
        t = sale + 1
    return trades, won


@fast_math
def hold_from_second(open_: Floats, close: Floats, capital: float, equity: Floats) -> None:
    shares = math.floor(PART * capital / close[0])
    cash = capital - shares * open_[1] * (1.0 + COMMISSION)
    equity[0] = capital
    for row in range(1, len(close)):
        equity[row] = cash + shares * close[row]


@fast_math
def figures(equity: Floats, days: Any, capital: float) -> Any:
    """Final equity, Sharpe ratio, Sortino ratio and the deepest fall."""
    total = squares = falls = 0.0
    before = capital
    for place in range(len(days)):
        now = equity[days[place]]
        change = now / before - 1.0
        total += change
        squares += change * change
        falls += min(change, 0.0) ** 2
        before = now
    count = len(days)
    mean = total / count
    deviation = math.sqrt(max(squares / count - mean * mean, 0.0))
    peak, deepest = capital, 0.0
    for begin in range(0, len(equity), BLOCK):
        block = equity[begin : begin + BLOCK]
        highest, lowest = block[0], block[0]
        for t in range(len(block)):
            highest, lowest = max(highest, block[t]), min(lowest, block[t])
        if highest > peak:
            for t in range(len(block)):
                peak = max(peak, block[t])
                deepest = max(deepest, 1.0 - block[t] / peak)
        else:
            deepest = max(deepest, 1.0 - lowest / peak)
    root = math.sqrt(YEAR)
    return equity[-1], mean / deviation * root, mean / math.sqrt(falls / count) * root, deepest


@fast_math
def sweep_lines(open_: Floats, close: Floats, lines: Floats, places: Any, days: Any, out: Floats) -> None:
    equity, side = np.empty(len(close)), np.empty(len(close), np.int8)
    for index in range(len(places)):
        cross(lines[places[index, 0]], lines[places[index, 1]], side)
        trades, _ = hold_in_turn(open_, close, side, CAPITAL, equity)
        out[index, 0], out[index, 1], out[index, 2], out[index, 3] = figures(equity, days, CAPITAL)
        out[index, 4] = trades


@fast_math
def sweep_sides(open_: Floats, close: Floats, sides: Any, days: Any, out: Floats) -> None:
    equity = np.empty(len(close))
    for index in range(len(sides)):
        trades, _ = hold_in_turn(open_, close, sides[index], CAPITAL, equity)
        out[index, 0], out[index, 1], out[index, 2], out[index, 3] = figures(equity, days, CAPITAL)
        out[index, 4] = trades


@njit(cache=True)
def share_cash(open_: Floats, close: Floats, side: Any, capital: float, position: float, equity: Floats) -> int:
    """One account: sales before purchases at each open, each purchase `position` dollars at the close before."""
    rows, symbols = close.shape
    shares, cash, trades = np.zeros(symbols), capital, 0
    equity[0] = capital
    for t in range(1, rows):
        for s in range(symbols):
            if side[t - 1, s] < 0 and shares[s] > 0.0:
                cash += shares[s] * open_[t, s] * (1.0 - COMMISSION)
                shares[s] = 0.0
        for s in range(symbols):
            if side[t - 1, s] > 0 and shares[s] == 0.0:
                price = open_[t, s] * (1.0 + COMMISSION)
                shares[s] = min(math.floor(position / close[t - 1, s]), math.floor(cash / price))
                cash -= shares[s] * price
                trades += shares[s] > 0.0
        value = cash
        for s in range(symbols):
            value += shares[s] * close[t, s]
        equity[t] = value
    return trades
