"""Momentum rotation: hold those symbols of a universe that have risen the most."""

from collections.abc import Mapping, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import TOLERANCE
from strategies.kinds.strength import graded
from tradedesk.core.bars import Bars, Floats, Times
from tradedesk.core.signals import Side, Signals

RETURN, RANK = "Return", "Rank"
UNRANKED = 0

# A symbol that misses bars stands in the ranking with its last return, for so many bars of the others; after that
# it is out. So far back, too, a check looks for what a symbol's bar before said.
PATIENCE = 10


class MomentumRotation(Kind):
    key = "momentum_rotation"
    name = "Momentum rotation"
    description = (
        "Buys the symbols that have risen most over the lookback, as long as they have; sells what leaves the top."
    )
    overlay = False
    across_symbols = True

    lookback = Param(
        126, low=PATIENCE, high=504, step=1, search=(20, 252, 8), label="Lookback", help="Bars in the return."
    )
    top = Param(3, low=1, high=20, step=1, search=(1, 5, 1), label="Top", help="Symbols to hold.")

    def warmup(self) -> int:
        """The bar looked back to, and the bars before the last that a symbol's bar before may lie among."""
        return self.lookback + 1 + PATIENCE

    def signals(self, bars: Bars) -> Signals:
        """A universe of one: in the top whenever its return is positive."""
        return self.signals_across({"": bars})[""]

    def signals_across(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
        """BUY on every bar in the top, so that what is not held yet, or was stopped out, is bought; SELL on the
        first bar after it.

        Bars are put side by side by their time. Equal returns rank by the symbol's name.
        """
        if not bars:
            return {}
        symbols = sorted(bars)
        times = _union([bars[symbol].time for symbol in symbols])
        rows = [np.searchsorted(times, bars[symbol].time) for symbol in symbols]
        returns = np.full((len(times), len(symbols)), np.nan)
        for column, symbol in enumerate(symbols):
            returns[rows[column], column] = self._returns(bars[symbol].close)
        ranks = _ranks(returns)
        return {
            symbol: self._signals(returns[rows[column], column], ranks[rows[column], column], rows[column])
            for column, symbol in enumerate(symbols)
        }

    def _returns(self, close: Floats) -> Floats:
        """close / close `lookback` bars before - 1 (n,), to the tolerance, so that equal ones tie; NaN before."""
        returns = np.full(len(close), np.nan)
        returns[self.lookback :] = close[self.lookback :] / close[: -self.lookback] - 1.0
        return np.asarray(np.rint(returns / TOLERANCE) * TOLERANCE)

    def _signals(self, returns: Floats, ranks: NDArray[np.int64], rows: NDArray[np.intp]) -> Signals:
        in_top = (ranks != UNRANKED) & (ranks <= self.top) & (returns > 0.0)
        left = np.zeros(len(rows), np.bool_)
        left[1:] = ~in_top[1:] & (in_top[:-1] | (np.diff(rows) > PATIENCE))
        strength = left.astype(np.float64)
        strength[in_top] = graded(1.0 - (ranks[in_top] - 1) / self.top)
        lines = {RETURN: 100.0 * returns, RANK: np.where(ranks == UNRANKED, np.nan, ranks)}
        return Signals(in_top.astype(np.int8) - left, strength, lines)

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._words(
            Side(signals.side[t]), signals.lines[RETURN][t], int(signals.lines[RANK][t])
        )

    def _words(self, side: Side, percent: float, rank: int) -> str:
        place = f"Rank {rank} with {percent:+.2f}% over {self.lookback} bars"
        if side == Side.BUY:
            return f"{place}, among the top {self.top}"
        why = "which is no gain" if rank <= self.top else f"not among the top {self.top}"
        return f"{place}, {'no longer held: ' if side == Side.SELL else ''}{why}"


def _union(times: Sequence[Times]) -> Times:
    """All times once, in order. A stable sort merges what is sorted already; np.unique would sort it all anew."""
    merged: Times = np.sort(np.concatenate(times), kind="stable")
    last = np.ones(len(merged), np.bool_)
    last[:-1] = merged[1:] != merged[:-1]
    return merged[last]


@njit(cache=True, nogil=True)
def _ranks(returns: Floats) -> NDArray[np.int64]:
    """The rank of each symbol at each time, 1 for the highest return, UNRANKED without one; (times, symbols).

    returns: NaN where a symbol has no bar or no full lookback yet; the columns in the order of the names.
    """
    times, symbols = returns.shape
    ranks = np.full((times, symbols), UNRANKED)
    latest, age = np.full(symbols, np.nan), np.zeros(symbols, np.int64)
    for t in range(times):
        for s in range(symbols):
            age[s] += 1
            if not np.isnan(returns[t, s]):
                latest[s], age[s] = returns[t, s], 0
            elif age[s] > PATIENCE:
                latest[s] = np.nan
        for s in range(symbols):
            if not np.isnan(latest[s]):
                ranks[t, s] = 1
                for other in range(symbols):
                    ahead = latest[other] > latest[s] or (latest[other] == latest[s] and other < s)
                    ranks[t, s] += ahead
    return ranks
