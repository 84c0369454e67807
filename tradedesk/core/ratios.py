"""Ratios: the formulas of the metrics, compiled for one curve as for thousands; NaN is a figure not defined.

E_0 is the capital before the first bar, E_t the equity at a close; r are the returns from session to session,
252 sessions a year.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365.25
# So many closes at a time are asked whether there is anything new among them; mostly there is not.
BLOCK = 64
# Below this a spread is rounding noise of a constant series, and dividing by it is meaningless.
NO_SPREAD = 1e-12
LARGEST_EXPONENT = 700.0

# Division by zero gives infinity or NaN, as in numpy; asking before each division would cost more than dividing.
compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def session_returns(equity: Floats, capital: float) -> Floats:
    """r_t = E_t / E_{t-1} - 1 of end-of-session equity (k,), E_0 being the capital.

    An account that has lost everything has no returns any more: the series ends with the session of the ruin.
    """
    count = _until_ruin(equity)
    returns = np.empty(count)
    if count > 0:
        returns[0] = equity[0] / capital - 1.0
    for t in range(1, count):
        returns[t] = equity[t] / equity[t - 1] - 1.0
    return returns


@compiled
def _until_ruin(equity: Floats) -> int:
    """How many sessions there are, up to that of the ruin and with it."""
    ruined = False
    for t in range(len(equity)):  # to the end without a look in between, and so many at a time
        ruined |= equity[t] <= 0.0
    count = 0 if ruined else len(equity)
    while ruined:
        ruined = equity[count] > 0.0
        count += 1
    return count


@compiled
def total_return(final: float, capital: float) -> float:
    """E_T / E_0 - 1."""
    return final / capital - 1.0


@compiled
def cagr(final: float, capital: float, days: int) -> float:
    """Compound annual growth rate, (E_T / E_0)^(365.25 / days) - 1, over calendar days.

    -1 for an account that has lost everything; NaN within one day, and where a lucky day would compound beyond
    any number. Source: C. R. Bacon, Practical Portfolio Performance Measurement and Attribution, ch. 2.
    """
    return _compounded(total_return(final, capital), DAYS_PER_YEAR / days) if days > 0 else math.nan


@compiled
def sharpe_ratio(returns: Floats, free: float) -> float:
    """mean(r - rf) / std(r - rf, ddof=1) x sqrt(252); rf is the risk-free return of one session.

    NaN for fewer than two sessions or a standard deviation below 1e-12. Source: W. F. Sharpe, The Sharpe Ratio,
    Journal of Portfolio Management 21 (1994).
    """
    count = len(returns)
    if count < 2:
        return math.nan
    mean = _mean(returns)
    deviation = math.sqrt(_squares(returns, mean, np.inf) / (count - 1))
    return (mean - free) / deviation * math.sqrt(SESSIONS_PER_YEAR) if deviation >= NO_SPREAD else math.nan


@compiled
def sortino_ratio(returns: Floats, free: float) -> float:
    """mean(r - rf) / sqrt(mean(min(r - rf, 0)^2)) x sqrt(252), the downside taken over all n sessions.

    NaN without a session below rf. Source: F. A. Sortino and L. N. Price, Performance Measurement in a Downside
    Risk Framework, Journal of Investing 3 (1994).
    """
    count = len(returns)
    if count < 2:
        return math.nan
    downside = math.sqrt(_squares(returns, free, 0.0) / count)
    return (_mean(returns) - free) / downside * math.sqrt(SESSIONS_PER_YEAR) if downside >= NO_SPREAD else math.nan


@compiled
def max_drawdown(session: NDArray[np.int64], equity: Floats, capital: float) -> tuple[float, int]:
    """The deepest fall from a peak, max(1 - E_t / max(E_0..E_t)) as a positive fraction, and its length.

    session (m,): the day number of each row. The length is in calendar days, from the peak's session to that of
    the first close back at the peak, or to the last one when none is. E_0 stands in the first bar's session.
    (0, 0) for a curve that never falls. Source: M. Magdon-Ismail and A. Atiya, Maximum Drawdown, Risk 17 (2004).
    """
    deepest, days = 0.0, 0
    peak = lowest = capital  # of the fall that goes on
    began = 0
    for begin in range(0, len(equity), BLOCK):
        block = equity[begin : begin + BLOCK]
        if _between(block, lowest, peak):
            continue
        for place in range(len(block)):
            if block[place] < peak:
                lowest = min(lowest, block[place])
                continue
            t = begin + place
            if 1.0 - lowest / peak > deepest:
                deepest, days = 1.0 - lowest / peak, session[t] - session[began]
            peak = lowest = block[place]
            began = t
    if 1.0 - lowest / peak > deepest:
        deepest, days = 1.0 - lowest / peak, session[-1] - session[began]
    return deepest, days


@compiled
def _between(values: Floats, lowest: float, peak: float) -> bool:
    """Whether all of them leave a fall as it is: below its peak, and no lower than it went."""
    news = False
    for t in range(len(values)):
        news |= (values[t] >= peak) | (values[t] < lowest)
    return not news


@compiled
def calmar_ratio(growth: float, deepest: float) -> float:
    """CAGR / maximum drawdown over the whole curve; NaN without either. Source: T. Young, Futures 20 (1991)."""
    return growth / deepest if deepest >= NO_SPREAD else math.nan


@compiled
def win_rate(pnl: Floats) -> float:
    """The fraction of closed trades that earned money after their costs; NaN without a trade."""
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
    """The mean of a closed trade, in the unit given: dollars, or R for R-multiples; NaN without a trade."""
    return _mean(pnl) if len(pnl) else math.nan


@compiled
def alpha_beta(returns: Floats, benchmark: Floats, free: float) -> tuple[float, float]:
    """Jensen's alpha and beta against a benchmark's returns over the same sessions.

    beta = cov(r - rf, b - rf) / var(b - rf); alpha = (1 + mean(r - rf - beta (b - rf)))^252 - 1. (NaN, NaN) for
    fewer than two sessions or a benchmark that stands still. Source: M. C. Jensen, The Performance of Mutual
    Funds in the Period 1945-1964, Journal of Finance 23 (1968); annualised as empyrical does.
    """
    count = min(len(returns), len(benchmark))  # a ruined account's returns end early
    if count < 2:
        return math.nan, math.nan
    mean, market = _mean(returns[:count]), _mean(benchmark[:count])
    spread = _squares(benchmark[:count], market, np.inf)
    if math.sqrt(spread / (count - 1)) < NO_SPREAD:
        return math.nan, math.nan
    together = 0.0
    for t in range(count):
        together += (benchmark[t] - market) * (returns[t] - mean)
    beta = together / spread
    return _compounded(mean - free - beta * (market - free), SESSIONS_PER_YEAR), beta


@compiled
def _mean(values: Floats) -> float:
    """In four sums side by side: a single one would wait for each addition to end before it begins the next."""
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
def _squares(values: Floats, middle: float, most: float) -> float:
    """The sum of min(value - middle, most)^2, likewise."""
    first = second = third = fourth = 0.0
    whole = len(values) // 4 * 4
    for t in range(0, whole, 4):
        first += min(values[t] - middle, most) ** 2
        second += min(values[t + 1] - middle, most) ** 2
        third += min(values[t + 2] - middle, most) ** 2
        fourth += min(values[t + 3] - middle, most) ** 2
    for t in range(whole, len(values)):
        first += min(values[t] - middle, most) ** 2
    return first + second + third + fourth


@compiled
def _compounded(rate: float, times: float) -> float:
    """(1 + rate)^times - 1; -1 once everything is lost, NaN beyond the floating-point numbers."""
    if rate <= -1.0:
        return -1.0
    exponent = math.log1p(rate) * times
    return math.expm1(exponent) if exponent < LARGEST_EXPONENT else math.nan


class CurveRatios(NamedTuple):
    """What `of_curve` finds, as in metrics.Metrics; NaN where a figure is not defined."""

    total_return: float
    cagr: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    max_drawdown_days: int
    final_equity: float


@compiled
def of_curve(
    session: NDArray[np.int64], ends: NDArray[np.int64], equity: Floats, capital: float, free: float
) -> CurveRatios:
    """The ratios of an equity curve (m,). session (m,): the day number of each row; ends (k,): the last row of
    each session."""
    final = equity[-1] if len(equity) else capital
    days = session[-1] - session[0] if len(session) else 0
    returns = session_returns(at_ends(equity, ends), capital)
    growth = cagr(final, capital, days)
    deepest, length = max_drawdown(session, equity, capital)
    return CurveRatios(
        total_return(final, capital),
        growth,
        sharpe_ratio(returns, free),
        sortino_ratio(returns, free),
        calmar_ratio(growth, deepest),
        deepest,
        length,
        final,
    )


@compiled
def against(
    ends: NDArray[np.int64], equity: Floats, benchmark: Floats, capital: float, free: float
) -> tuple[float, float]:
    """alpha_beta of an equity curve (m,) against another one."""
    returns = session_returns(at_ends(equity, ends), capital)
    return alpha_beta(returns, session_returns(at_ends(benchmark, ends), capital), free)


@compiled
def at_ends(equity: Floats, ends: NDArray[np.int64]) -> Floats:
    """The equity at the end of each session; of daily bars that is the whole curve."""
    return equity if len(ends) == len(equity) else equity[ends]


@compiled
def of_trades(pnl: Floats, r_multiples: Floats) -> tuple[float, float, float, float]:
    """win_rate, profit_factor and expectancy of closed trades, and the expectancy of those R-multiples that are
    there (NaN where a trade has none)."""
    known = r_multiples[np.isfinite(r_multiples)]
    return win_rate(pnl), profit_factor(pnl), expectancy(pnl), expectancy(known)


@compiled
def session_ends(session: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows (k,) of the last bar of each session, given the day number of each bar (m,)."""
    ends = np.empty(len(session), np.int64)
    count = 0
    for t in range(len(session)):
        if t == len(session) - 1 or session[t + 1] != session[t]:
            ends[count] = t
            count += 1
    return ends[:count].copy()
