"""Momentum rotation: holds the symbols of a universe with the highest returns."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import TOLERANCE
from strategies.kinds.strength import graded_strength
from tradedesk.core.bars import Bars, Floats, Times
from tradedesk.core.compiled import njit
from tradedesk.core.signals import Side, Signals

RETURN, RANK = "Return", "Rank"
UNRANKED = 0

# A symbol with missing bars keeps its last return in the ranking for this many bars of the others, then leaves the
# ranking. A live check finds the symbol's previous bar within the same distance.
MAX_MISSING_BARS = 10


class MomentumRotation(Kind):
    key = "momentum_rotation"
    name = "Momentum rotation"
    description = (
        "Buys the symbols with the highest positive returns over the lookback; sells those that leave the top."
    )
    overlay = False
    across_symbols = True

    lookback = Param(
        126,
        low=MAX_MISSING_BARS,
        high=504,
        step=1,
        search=(20, 252, 8),
        label="Lookback",
        help="Bars in the return.",
    )
    top = Param(3, low=1, high=20, step=1, search=(1, 5, 1), label="Top", help="Number of symbols to hold.")

    def warmup(self) -> int:
        """The lookback and its first bar, and the bars that a symbol may have missed before the last."""
        return self.lookback + 1 + MAX_MISSING_BARS

    def signals(self, bars: Bars) -> Signals:
        """A universe of one symbol: in the top whenever its return is positive."""
        return self.signals_across({"": bars})[""]

    def signals_across(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
        """BUY on every bar in the top, so that a symbol is bought again after a stop; SELL on the first bar out of
        the top.

        Bars are aligned by time. Equal returns rank by symbol name.
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
        """close / close `lookback` bars earlier - 1 (n,), rounded so that equal returns tie; NaN at the start."""
        returns = np.full(len(close), np.nan)
        returns[self.lookback :] = close[self.lookback :] / close[: -self.lookback] - 1.0
        return np.asarray(np.rint(returns / TOLERANCE) * TOLERANCE)

    def _signals(self, returns: Floats, ranks: NDArray[np.int64], rows: NDArray[np.intp]) -> Signals:
        in_top = (ranks != UNRANKED) & (ranks <= self.top) & (returns > 0.0)
        left = np.zeros(len(rows), np.bool_)
        left[1:] = ~in_top[1:] & (in_top[:-1] | (np.diff(rows) > MAX_MISSING_BARS))
        strength = left.astype(np.float64)
        strength[in_top] = graded_strength(1.0 - (ranks[in_top] - 1) / self.top)
        lines = {RETURN: 100.0 * returns, RANK: np.where(ranks == UNRANKED, np.nan, ranks)}
        return Signals(in_top.astype(np.int8) - left, strength, lines)

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(
            Side(signals.side[t]), signals.lines[RETURN][t], int(signals.lines[RANK][t])
        )

    def _reason(self, side: Side, percent: float, rank: int) -> str:
        ranked = f"Rank {rank} with {percent:+.2f}% over {self.lookback} bars"
        if side == Side.BUY:
            return f"{ranked}: in the top {self.top}"
        now = "no longer" if side == Side.SELL else "not"
        reason = f"the return is {now} positive" if rank <= self.top else f"{now} in the top {self.top}"
        return f"{ranked}: {reason}"


def _union(times: Sequence[Times]) -> Times:
    """All distinct times in order. A stable sort merges sorted parts quickly; np.unique would sort them again."""
    merged: Times = np.sort(np.concatenate(times), kind="stable")
    last = np.ones(len(merged), np.bool_)
    last[:-1] = merged[1:] != merged[:-1]
    return merged[last]


@njit(cache=True, nogil=True)
def _ranks(returns: Floats) -> NDArray[np.int64]:
    """The rank of each symbol at each time, 1 for the highest return, UNRANKED without one; (times, symbols).

    returns: NaN where a symbol has no bar or not yet a full lookback; columns in the order of the names.
    """
    times, symbols = returns.shape
    ranks = np.full((times, symbols), UNRANKED)
    latest, age = np.full(symbols, np.nan), np.zeros(symbols, np.int64)
    for t in range(times):
        for s in range(symbols):
            age[s] += 1
            if not np.isnan(returns[t, s]):
                latest[s], age[s] = returns[t, s], 0
            elif age[s] > MAX_MISSING_BARS:
                latest[s] = np.nan
        for s in range(symbols):
            if not np.isnan(latest[s]):
                ranks[t, s] = 1
                for other in range(symbols):
                    ahead = latest[other] > latest[s] or (latest[other] == latest[s] and other < s)
                    ranks[t, s] += ahead
    return ranks
