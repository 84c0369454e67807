"""Sweeping: many sets of signals over the same bars, each traded and measured on its own before the next."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backtests.engine.kernel.lots import order_of_sale
from backtests.engine.kernel.trading import trade
from tradedesk.core.bars import Floats
from tradedesk.core.money import round_money
from tradedesk.core.ratios import curve_ratios, session_equity, session_returns, trade_ratios


@njit(cache=True, nogil=True)
def figures_of_each(
    open_: Floats,
    high: Floats,
    low: Floats,
    mark: Floats,
    session: NDArray[np.int64],
    ends: NDArray[np.int64],
    side: NDArray[np.int8],
    strength: Floats,
    capital: float,
    rules: Any,
    found: NDArray[np.void],
) -> None:
    """Write the figures of c sets of signals into found (c,), dtype optimizer.FIGURES.

    Prices are (rows, symbols) and session (rows,), as in `trade`; ends: the last row of each session. side is
    (c, rows, symbols), strength too, or (1, rows, symbols) where all have it in common.
    """
    progress, equity = np.zeros(2, np.int64), np.empty(len(session))
    for place in range(len(found)):
        own = strength[min(place, len(strength) - 1)]
        _, lots, exposed = trade(
            open_, high, low, mark, session, side[place], own, round_money(capital), rules, progress, equity
        )
        curve = curve_ratios(session, ends, equity, capital, 0.0)
        sold = order_of_sale(lots)
        won, factor, _, _ = trade_ratios(lots["pnl"][sold], np.empty(0))
        row = found[place]
        row["total_return"] = curve.total_return
        row["cagr"] = curve.cagr
        row["sharpe"] = curve.sharpe
        row["sortino"] = curve.sortino
        row["calmar"] = curve.calmar
        row["max_drawdown"] = curve.max_drawdown
        row["win_rate"] = won
        row["profit_factor"] = factor
        row["exposure"] = exposed / len(equity) if len(equity) > 0 else 0.0
        row["final_equity"] = curve.final_equity
        row["trades"] = len(sold)


@njit(cache=True, nogil=True)
def returns_of_each(
    open_: Floats,
    high: Floats,
    low: Floats,
    mark: Floats,
    session: NDArray[np.int64],
    ends: NDArray[np.int64],
    side: NDArray[np.int8],
    strength: Floats,
    capital: float,
    rules: Any,
    found: Floats,
) -> None:
    """Write the session returns of c sets of signals into found (c, sessions), 0 after a ruin; else as above."""
    progress, equity = np.zeros(2, np.int64), np.empty(len(session))
    for place in range(len(found)):
        own = strength[min(place, len(strength) - 1)]
        trade(open_, high, low, mark, session, side[place], own, round_money(capital), rules, progress, equity)
        returns = session_returns(session_equity(equity, ends), capital)
        found[place, : len(returns)] = returns
        found[place, len(returns) :] = 0.0
