"""The engine: trades signals over bars and returns the result. The loop itself is kernel.trading."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from backtests.engine.kernel import STILL_OPEN, order_of_sale, trade
from backtests.engine.price_matrix import PriceMatrix, make_price_matrix
from backtests.engine.progress import Progress, Stopped
from backtests.engine.results import Result
from tradedesk.core.bars import Bars, Floats, read_only
from tradedesk.core.money import round_money
from tradedesk.core.rules import Costs, RiskRules, kernel_rules
from tradedesk.core.signals import Signals


def run(
    bars: Mapping[str, Bars],
    signals: Mapping[str, Signals],
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    start: datetime | None = None,
) -> Result:
    """Trade `signals` over `bars` with `capital` dollars.

    bars: by symbol, valid (core.bars.validate). signals: by symbol, one for each bar. start: decisions and the
    equity curve begin here; earlier bars only warmed up the indicators. Raises ValueError for capital that is not
    positive and for signals that do not fit the bars.
    """
    return run_on(make_price_matrix(bars), signals, capital=capital, rules=rules, costs=costs, start=start)


def run_on(
    matrix: PriceMatrix,
    signals: Mapping[str, Signals],
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    start: datetime | None = None,
    progress: Progress | None = None,
) -> Result:
    """`run` on an existing matrix, for many runs over the same bars.

    progress: receives the number of finished rows. Raises Stopped when it was stopped before the last row.
    """
    first = matrix.row_of(start)
    side, strength = signal_matrices(matrix, signals, first)
    return run_matrices(
        matrix, side, strength, capital=capital, rules=rules, costs=costs, first=first, progress=progress
    )


def run_matrices(
    matrix: PriceMatrix,
    side: NDArray[np.int8],
    strength: Floats,
    *,
    capital: float,
    rules: RiskRules,
    costs: Costs,
    first: int = 0,
    progress: Progress | None = None,
) -> Result:
    """`run_on` with the sides and strengths of the rows from `first` on, as `signal_matrices` returns them."""
    if not 0.0 < capital < np.inf:
        raise ValueError(f"The capital must be a positive amount, not {capital}.")
    progress = progress or Progress()
    progress.rows = len(matrix.time) - first
    equity = np.empty(progress.rows)
    cash, lots, exposed, outcomes = trade(
        *matrix.prices(first, rules),
        matrix.session[first:],
        side,
        strength,
        round_money(capital),
        kernel_rules(rules, costs),
        progress.cells,
        equity,
    )
    if progress.done < progress.rows:
        raise Stopped(f"Stopped after {progress.done:,} of {progress.rows:,} rows.")
    return Result(
        time=matrix.time[first:],
        equity=equity,
        cash=cash,
        closed=lots.take(order_of_sale(lots)),
        held=lots[lots["exit_row"] == STILL_OPEN],
        exposure=exposed / len(equity) if len(equity) else 0.0,
        symbols=matrix.symbols,
        marks=matrix.mark[-1] if len(equity) else np.zeros(len(matrix.symbols)),
        outcomes=outcomes,
    )


def signal_matrices(
    matrix: PriceMatrix, signals: Mapping[str, Signals], first: int = 0
) -> tuple[NDArray[np.int8], Floats]:
    """side and strength (n, s) of the matrix rows from `first` on; strength is (1, s) when all signals are full.
    Raises ValueError for signals that do not fit the bars."""
    ordered = [signals[symbol] for symbol in matrix.symbols]
    full = all(given.is_full for given in ordered)
    for symbol, count, given in zip(matrix.symbols, matrix.counts, ordered, strict=True):
        strengths = len(given.side) if full else len(given.strength)
        if not len(given.side) == strengths == count:
            raise ValueError(f"{symbol} has {count} bars, but {len(given.side)} sides and {strengths} strengths.")
    side = matrix.align([given.side for given in ordered], 0)[first:]
    if full:
        return side, full_strengths(len(matrix.symbols))
    strength = matrix.align([given.strength for given in ordered], 0.0)
    if np.isnan(strength.min(initial=0.0)):  # one NaN makes the minimum NaN
        for symbol, given in zip(matrix.symbols, ordered, strict=True):
            if np.isnan(given.strength).any():
                row = int(np.isnan(given.strength).argmax())
                raise ValueError(f"{symbol}: the strength of row {row} is missing.")
    return side, strength[first:]


def full_strengths(symbols: int) -> Floats:
    """The strengths (1, s) of signals that all have a strength of 1.0, for any number of rows."""
    return read_only(np.ones((1, symbols)))
