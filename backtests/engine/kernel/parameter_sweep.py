"""Parameter sweep: trades and measures many sets of signals over the same bars, one after the other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.engine.kernel.lots import order_of_sale
from backtests.engine.kernel.trading import trade
from backtests.engine.kernel.weekly_sums import write_weekly_sums
from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit
from tradedesk.core.money import round_money
from tradedesk.core.ratios import curve_ratios, session_equity, session_returns, trade_ratios
from tradedesk.core.years import periods_per_year


@njit(cache=True, nogil=True)
def write_figures(
    open_: Floats,
    high: Floats,
    low: Floats,
    mark: Floats,
    average_true_range: Floats,
    session: NDArray[np.int64],
    ends: NDArray[np.int64],
    side: NDArray[np.int8],
    strength: Floats,
    capital: float,
    rules: Any,
    week: NDArray[np.int64],
    key: NDArray[np.int64],
    out: NDArray[np.void],
    weekly: NDArray[np.float32],
    trials: NDArray[np.void],
) -> None:
    """Write the figures of c sets of signals into out (c,), dtype research.optimizer.figures.FIGURES, and what
    weekly_sums makes of their session returns into weekly (c, weeks) and trials (c,); not with 0 weeks.

    Prices, average_true_range and session are as in `trade`; ends: the last row of each session. side is
    (c, rows, symbols), and so is strength, or (1, rows, symbols) when it is the same for all sets. week, key: of
    each session, as in write_weekly_sums.
    """
    progress, equity = np.zeros(2, np.int64), np.empty(len(session))
    per_year = periods_per_year(session[ends])
    for place in range(len(out)):
        own_strength = strength[min(place, len(strength) - 1)]
        _, lots, exposed, _ = trade(
            open_,
            high,
            low,
            mark,
            average_true_range,
            session,
            side[place],
            own_strength,
            round_money(capital),
            rules,
            progress,
            equity,
        )
        curve = curve_ratios(session, ends, equity, capital, 0.0, per_year)
        closed = order_of_sale(lots)
        win_rate, profit_factor, _, _ = trade_ratios(lots["pnl"][closed], np.empty(0))
        row = out[place]
        row["total_return"] = curve.total_return
        row["cagr"] = curve.cagr
        row["sharpe"] = curve.sharpe
        row["sortino"] = curve.sortino
        row["calmar"] = curve.calmar
        row["max_drawdown"] = curve.max_drawdown
        row["win_rate"] = win_rate
        row["profit_factor"] = profit_factor
        row["exposure"] = exposed / len(equity) if len(equity) > 0 else 0.0
        row["final_equity"] = curve.final_equity
        row["trades"] = len(closed)
        if weekly.shape[1] > 0:
            returns = session_returns(session_equity(equity, ends), capital)
            write_weekly_sums(returns, week, key, weekly[place], trials[place : place + 1])


@njit(cache=True, nogil=True)
def write_returns(
    open_: Floats,
    high: Floats,
    low: Floats,
    mark: Floats,
    average_true_range: Floats,
    session: NDArray[np.int64],
    ends: NDArray[np.int64],
    side: NDArray[np.int8],
    strength: Floats,
    capital: float,
    rules: Any,
    out: Floats,
) -> None:
    """Write the session returns of c sets of signals into out (c, sessions), 0 after the account went to
    zero. The other arguments are those of write_figures."""
    progress, equity = np.zeros(2, np.int64), np.empty(len(session))
    for place in range(len(out)):
        own_strength = strength[min(place, len(strength) - 1)]
        trade(
            open_,
            high,
            low,
            mark,
            average_true_range,
            session,
            side[place],
            own_strength,
            round_money(capital),
            rules,
            progress,
            equity,
        )
        returns = session_returns(session_equity(equity, ends), capital)
        out[place, : len(returns)] = returns
        out[place, len(returns) :] = 0.0
