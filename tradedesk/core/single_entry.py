"""What one entry leads to: a single lot followed through the bars with the fills of a backtest. Pure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core import fills
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.fills import EXIT_REASONS, EXIT_STOP_LOSS, EXIT_TRAILING_STOP, ExitReason


@dataclass(frozen=True, slots=True)
class FollowedEntry:
    """Prices in dollars per share, after slippage. initial_stop: None without a stop. exit_row, reason: None while
    it is open after the last bar, whose close is then its exit_price."""

    entry_row: int
    entry_price: float
    initial_stop: float | None
    exit_row: int | None
    exit_price: float
    reason: ExitReason | None

    @property
    def return_fraction(self) -> float:
        return self.exit_price / self.entry_price - 1.0

    @property
    def r_multiple(self) -> float | None:
        """None without a stop below the entry."""
        if self.initial_stop is None or self.initial_stop >= self.entry_price:
            return None
        return (self.exit_price - self.entry_price) / (self.entry_price - self.initial_stop)


def follow_entry(
    bars: Bars, row: int, rules: Any, sells: NDArray[np.int64], true_range: float = np.nan
) -> FollowedEntry | None:
    """A BUY at the close of `row`: bought at the next open, sold by the stop, the trailing stop, the target or the
    first SELL, whichever comes first; None while no bar follows, or without the true range that a stop needs.

    rules: core.rules.KernelRules. sells (k,): the rows with a SELL at their close, ascending. true_range: dollars,
    of the bars up to `row`, for a trailing stop by ATR. In each bar a SELL acts at the open, before the stops, and
    a high raises the trailing stop for the bars after it, as in a backtest.
    """
    first = row + 1
    distance = float(fills.trailing_distance(true_range, rules.trailing_stop_atr))
    if first >= len(bars) or not distance > 0.0:
        return None
    price = float(fills.buy_price(bars.open[first], rules.slippage_bps))
    fixed = float(fills.stop_price(price, rules.stop_loss_pct))
    target = float(fills.target_price(price, rules.take_profit_pct))
    place = int(np.searchsorted(sells, first))
    sale = int(sells[place]) + 1 if place < len(sells) else len(bars)
    held = slice(first, min(sale, len(bars)))
    stops = _stops(bars.high[held], price, fixed, distance, rules)
    initial = float(stops[0])
    stop = initial if np.isfinite(initial) else None
    touched = (bars.low[held] <= stops) | (bars.high[held] >= target)
    if touched.any():
        at = int(touched.argmax())
        exit_row = first + at
        level = float(stops[at])
        prices = (bars.open[exit_row], bars.high[exit_row], bars.low[exit_row])
        number, sold = fills.protective_exit(*prices, level, target, rules.slippage_bps)
        if number == EXIT_STOP_LOSS and fills.is_trailing(level, price, rules.stop_loss_pct):
            number = EXIT_TRAILING_STOP
        return FollowedEntry(first, price, stop, exit_row, float(sold), EXIT_REASONS[number])
    if sale < len(bars):
        sold = float(fills.sell_price(bars.open[sale], rules.slippage_bps))
        return FollowedEntry(first, price, stop, sale, sold, ExitReason.SIGNAL)
    return FollowedEntry(first, price, stop, None, float(bars.close[-1]), None)


def move_after(bars: Bars, row: int, count: int) -> float | None:
    """From the open after `row` to the close of the `count`-th bar from there, a fraction; None before it."""
    last = row + count
    return float(bars.close[last] / bars.open[row + 1] - 1.0) if last < len(bars) else None


def _stops(high: Floats, price: float, fixed: float, distance: float, rules: Any) -> Floats:
    """The stop that acts in each bar (m,): the fixed one, or the trailing one of the highest price before the bar
    where that is higher."""
    if not (rules.trailing_stop_pct < np.inf or distance < np.inf):
        return np.full(len(high), fixed)
    highest = np.maximum.accumulate(np.concatenate(((price,), high[:-1])))
    rises = np.diff(highest, prepend=0.0) > 0.0
    levels = [fills.trailing_stop(each, rules.trailing_stop_pct, distance) for each in highest[rises].tolist()]
    stops: Floats = np.maximum(np.array(levels, np.float64)[np.cumsum(rises) - 1], fixed)
    return stops
