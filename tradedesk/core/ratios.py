"""Ratios: the formulas of the metrics as compiled functions. A figure that is not defined for its input is NaN.

E_0 is the capital before the first bar, E_t the equity at a close. r are the returns from session to session, and
per_year (P) is the number of sessions in a year. risk_free is the risk-free return of one session (rf).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit
from tradedesk.core.curves import session_ends as session_ends
from tradedesk.core.curves import session_equity as session_equity
from tradedesk.core.curves import session_returns as session_returns
from tradedesk.core.years import is_yearly

DAYS_PER_YEAR = 365.25
# The drawdown checks this many closes together: most blocks have neither a new peak nor a new low.
BLOCK = 64
# A standard deviation below this is the rounding noise of a constant series, and dividing by it is meaningless.
NO_SPREAD = 1e-12
LARGEST_EXPONENT = 700.0

# Division by zero gives infinity or NaN, as in numpy: a check before each division would cost more than the
# division.
compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def total_return(final: float, capital: float) -> float:
    """E_T / E_0 - 1; -1 for an account that is empty or owes money (costs can exceed what a sale brings)."""
    return max(final / capital, 0.0) - 1.0


@compiled
def cagr(final: float, capital: float, days: int) -> float:
    """Compound annual growth rate, (E_T / E_0)^(365.25 / days) - 1, over calendar days.

    -1 for an account that has lost everything; NaN for less than one day, or if the result exceeds the range of
    floats. Source: C. R. Bacon, Practical Portfolio Performance Measurement and Attribution, ch. 2.
    """
    return _compounded(total_return(final, capital), DAYS_PER_YEAR / days) if days > 0 else math.nan


@compiled
def sharpe_ratio(returns: Floats, risk_free: float, per_year: float) -> float:
    """mean(r - rf) / std(r - rf, ddof=1) x sqrt(P).

    NaN for fewer than two sessions or a standard deviation below 1e-12. Source: W. F. Sharpe, The Sharpe Ratio,
    Journal of Portfolio Management 21 (1994).
    """
    count = len(returns)
    if count < 2:
        return math.nan
    mean = _mean(returns)
    deviation = math.sqrt(_sum_of_squares(returns, mean, np.inf) / (count - 1))
    return (mean - risk_free) / deviation * math.sqrt(per_year) if deviation >= NO_SPREAD else math.nan


@compiled
def sortino_ratio(returns: Floats, risk_free: float, per_year: float) -> float:
    """mean(r - rf) / sqrt(mean(min(r - rf, 0)^2)) x sqrt(P), the downside taken over all n sessions.

    NaN without a session below rf. Source: F. A. Sortino and L. N. Price, Performance Measurement in a Downside
    Risk Framework, Journal of Investing 3 (1994).
    """
    count = len(returns)
    if count < 2:
        return math.nan
    downside = math.sqrt(_sum_of_squares(returns, risk_free, 0.0) / count)
    if downside < NO_SPREAD:
        return math.nan
    return (_mean(returns) - risk_free) / downside * math.sqrt(per_year)


@compiled
def max_drawdown(session: NDArray[np.int64], equity: Floats, capital: float) -> tuple[float, int]:
    """The deepest fall from a peak, max(1 - E_t / max(E_0..E_t)) as a fraction from 0 to 1, and its length.

    session (m,): the day number of each row. The length is in calendar days, from the session of the peak to that
    of the first close back at the peak, or to the last session if there is none. E_0 belongs to the session of the
    first bar. (0, 0) for a curve that never falls. Source: M. Magdon-Ismail and A. Atiya, Maximum Drawdown, Risk
    17 (2004).
    """
    deepest, days = 0.0, 0
    peak = lowest = capital  # of the current drawdown
    peak_row = 0
    for begin in range(0, len(equity), BLOCK):
        block = equity[begin : begin + BLOCK]
        if _has_no_new_extreme(block, lowest, peak):
            continue
        for row in range(len(block)):
            if block[row] < peak:
                lowest = min(lowest, block[row])
                continue
            t = begin + row
            if 1.0 - lowest / peak > deepest:
                deepest, days = 1.0 - lowest / peak, session[t] - session[peak_row]
            peak = lowest = block[row]
            peak_row = t
    if 1.0 - lowest / peak > deepest:
        deepest, days = 1.0 - lowest / peak, session[-1] - session[peak_row]
    return min(deepest, 1.0), days


@compiled
def _has_no_new_extreme(values: Floats, lowest: float, peak: float) -> bool:
    """Whether all values are below the peak and not below the lowest value of the current drawdown."""
    found = False
    for t in range(len(values)):
        found |= (values[t] >= peak) | (values[t] < lowest)
    return not found


@compiled
def calmar_ratio(growth: float, deepest: float) -> float:
    """CAGR / maximum drawdown over the whole curve; NaN without either. Source: T. Young, Futures 20 (1991)."""
    return growth / deepest if deepest >= NO_SPREAD else math.nan


@compiled
def win_rate(pnl: Floats) -> float:
    """The fraction of closed trades with a profit after costs; NaN without a trade."""
    won = 0
    for dollars in pnl:
        won += dollars > 0.0
    return won / len(pnl) if len(pnl) else math.nan


@compiled
def profit_factor(pnl: Floats) -> float:
    """Dollars won / dollars lost over closed trades; NaN without a loss."""
    won = lost = 0.0
    for dollars in pnl:
        if dollars > 0.0:
            won += dollars
        else:
            lost -= dollars
    return won / lost if lost > NO_SPREAD else math.nan


@compiled
def expectancy(pnl: Floats) -> float:
    """The mean result of a closed trade in the unit of `pnl`, dollars or R-multiples; NaN without a trade."""
    return _mean(pnl) if len(pnl) else math.nan


@compiled
def alpha_beta(returns: Floats, benchmark: Floats, risk_free: float, per_year: float) -> tuple[float, float]:
    """Jensen's alpha and beta against the returns of a benchmark over the same sessions.

    beta = cov(r - rf, b - rf) / var(b - rf); alpha = (1 + mean(r - rf - beta (b - rf)))^P - 1. (NaN, NaN) for
    fewer than two sessions or a constant benchmark. Source: M. C. Jensen, The Performance of Mutual
    Funds in the Period 1945-1964, Journal of Finance 23 (1968); annualized as empyrical does.
    """
    count = min(len(returns), len(benchmark))  # the returns of an account that reached zero end early
    if count < 2:
        return math.nan, math.nan
    mean, benchmark_mean = _mean(returns[:count]), _mean(benchmark[:count])
    spread = _sum_of_squares(benchmark[:count], benchmark_mean, np.inf)
    if math.sqrt(spread / (count - 1)) < NO_SPREAD:
        return math.nan, math.nan
    products = 0.0
    for t in range(count):
        products += (benchmark[t] - benchmark_mean) * (returns[t] - mean)
    beta = products / spread
    return _compounded(mean - risk_free - beta * (benchmark_mean - risk_free), per_year), beta


@compiled
def _mean(values: Floats) -> float:
    """The mean. Four sums in parallel: in a single sum each addition would wait for the one before it."""
    first = second = third = fourth = 0.0
    whole = len(values) // 4 * 4
    for t in range(0, whole, 4):
        first += values[t]
        second += values[t + 1]
        third += values[t + 2]
        fourth += values[t + 3]
    for t in range(whole, len(values)):
        first += values[t]
    return (first + second + third + fourth) / len(values)


@compiled
def _sum_of_squares(values: Floats, center: float, cap: float) -> float:
    """The sum of min(value - center, cap)^2, in four sums in parallel."""
    first = second = third = fourth = 0.0
    whole = len(values) // 4 * 4
    for t in range(0, whole, 4):
        first += min(values[t] - center, cap) ** 2
        second += min(values[t + 1] - center, cap) ** 2
        third += min(values[t + 2] - center, cap) ** 2
        fourth += min(values[t + 3] - center, cap) ** 2
    for t in range(whole, len(values)):
        first += min(values[t] - center, cap) ** 2
    return first + second + third + fourth


@compiled
def _compounded(rate: float, times: float) -> float:
    """(1 + rate)^times - 1; -1 if everything is lost, NaN if the result exceeds the range of floats."""
    if rate <= -1.0:
        return -1.0
    exponent = math.log1p(rate) * times
    return math.expm1(exponent) if exponent < LARGEST_EXPONENT else math.nan


class CurveRatios(NamedTuple):
    """The figures of an equity curve, as in metrics.Metrics; NaN where a figure is not defined."""

    total_return: float
    cagr: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    max_drawdown_days: int
    final_equity: float


@compiled
def curve_ratios(
    session: NDArray[np.int64],
    ends: NDArray[np.int64],
    equity: Floats,
    capital: float,
    risk_free: float,
    per_year: float,
) -> CurveRatios:
    """All ratios of an equity curve (m,). session (m,): the day number of each row. ends (k,): the last row of
    each session.

    Where the curve is not `is_yearly`, growth is over the whole curve and P is 1: curves over the same sessions
    can be ranked by these figures, which are not per year.
    """
    final = equity[-1] if len(equity) else capital
    days = session[-1] - session[0] if len(session) else 0
    returns = session_returns(session_equity(equity, ends), capital)
    growth = cagr(final, capital, days)
    if not is_yearly(session):
        growth, per_year = total_return(final, capital), 1.0
    deepest, length = max_drawdown(session, equity, capital)
    return CurveRatios(
        total_return(final, capital),
        growth,
        sharpe_ratio(returns, risk_free, per_year),
        sortino_ratio(returns, risk_free, per_year),
        calmar_ratio(growth, deepest),
        deepest,
        length,
        final,
    )


@compiled
def curve_alpha_beta(
    ends: NDArray[np.int64],
    equity: Floats,
    benchmark: Floats,
    capital: float,
    risk_free: float,
    per_year: float,
) -> tuple[float, float]:
    """alpha_beta of an equity curve (m,) against the equity curve of a benchmark (m,)."""
    returns = session_returns(session_equity(equity, ends), capital)
    return alpha_beta(returns, session_returns(session_equity(benchmark, ends), capital), risk_free, per_year)


@compiled
def trade_ratios(pnl: Floats, r_multiples: Floats) -> tuple[float, float, float, float]:
    """win_rate, profit_factor and expectancy of closed trades, and the expectancy of their finite R-multiples (a
    trade without one has NaN)."""
    known = r_multiples[np.isfinite(r_multiples)]
    return win_rate(pnl), profit_factor(pnl), expectancy(pnl), expectancy(known)
