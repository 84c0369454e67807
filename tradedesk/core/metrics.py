"""Metrics: what an equity curve and its closed trades are worth, one function a figure.

E_0 is the capital before the first bar, E_t the equity at a close; r are the returns from session to session,
252 sessions a year. A figure that is not defined for its input is None, never NaN or infinity.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats, Times, session_dates

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365.25
# Below this a spread is rounding noise of a constant series, and dividing by it is meaningless.
NO_SPREAD = 1e-12
LARGEST_EXPONENT = 700.0
NOTHING: Floats = np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Fractions (0.12 is 12%), ratios, and dollars where it says so; None where a figure is not defined."""

    total_return: float
    cagr: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_days: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None  # dollars a closed trade
    mean_r_multiple: float | None
    exposure: float
    trades: int
    final_equity: float  # dollars
    buy_and_hold_return: float | None
    alpha: float | None
    beta: float | None

    def as_json(self) -> dict[str, float | int | None]:
        """The figures under the API's names, fractions as percent."""
        return {
            "total_return_pct": _percent(self.total_return),
            "cagr_pct": _percent(self.cagr),
            "sharpe_ratio": self.sharpe,
            "sortino_ratio": self.sortino,
            "calmar_ratio": self.calmar,
            "max_drawdown_pct": _percent(self.max_drawdown),
            "max_drawdown_days": self.max_drawdown_days,
            "win_rate": _percent(self.win_rate),
            "profit_factor": self.profit_factor,
            "expectancy": self.expectancy,
            "mean_r_multiple": self.mean_r_multiple,
            "exposure_pct": _percent(self.exposure),
            "num_trades": self.trades,
            "final_equity": self.final_equity,
            "buy_and_hold_return_pct": _percent(self.buy_and_hold_return),
            "alpha_pct": _percent(self.alpha),
            "beta": self.beta,
        }


def measure(
    time: Times,
    equity: Floats,
    *,
    capital: float,
    pnl: Floats = NOTHING,
    r_multiples: Floats = NOTHING,
    exposure: float = 0.0,
    benchmark: Floats | None = None,
    risk_free_rate: float = 0.0,
) -> Metrics:
    """All figures of an equity curve.

    time (m,) and equity (m,): one entry a bar, in dollars. capital: E_0, dollars, positive. pnl (k,): dollars of
    each closed trade after its costs. r_multiples (k,): NaN where a trade has none. benchmark (m,): the equity of
    buying and holding with the same capital over the same bars. risk_free_rate: a fraction a year.
    """
    ends = session_ends(time)
    returns = session_returns(equity[ends], capital)
    free = risk_free_rate / SESSIONS_PER_YEAR
    final = float(equity[-1]) if len(equity) else float(capital)
    growth = cagr(final, capital, calendar_days(time))
    deepest, length = max_drawdown(time, equity, capital)
    alpha, beta, held_return = None, None, None
    if benchmark is not None and len(benchmark):
        held_return = total_return(float(benchmark[-1]), capital)
        alpha, beta = alpha_beta(returns, session_returns(benchmark[ends], capital), free)
    return Metrics(
        total_return=total_return(final, capital),
        cagr=growth,
        sharpe=sharpe_ratio(returns, free),
        sortino=sortino_ratio(returns, free),
        calmar=calmar_ratio(growth, deepest),
        max_drawdown=deepest,
        max_drawdown_days=length,
        win_rate=win_rate(pnl),
        profit_factor=profit_factor(pnl),
        expectancy=expectancy(pnl),
        mean_r_multiple=expectancy(r_multiples[np.isfinite(r_multiples)]),
        exposure=exposure,
        trades=len(pnl),
        final_equity=final,
        buy_and_hold_return=held_return,
        alpha=alpha,
        beta=beta,
    )


def session_ends(time: Times) -> NDArray[np.int64]:
    """The rows (k,) of the last bar of each session."""
    session = session_dates(time)
    last = np.ones(len(time), np.bool_)
    last[:-1] = session[1:] != session[:-1]
    return np.flatnonzero(last)


def calendar_days(time: Times) -> int:
    """Days from the session of the first of these times to that of the last; 0 for none."""
    first_and_last = session_dates(time[[0, -1]]) if len(time) else np.zeros(2, "datetime64[D]")
    return int((first_and_last[1] - first_and_last[0]).astype(np.int64))


def session_returns(equity: Floats, capital: float) -> Floats:
    """r_t = E_t / E_{t-1} - 1 of end-of-session equity (k,), E_0 being the capital.

    An account that has lost everything has no returns any more: the series ends with the session of the ruin.
    """
    curve = np.concatenate(((capital,), equity))
    ruin = np.flatnonzero(curve <= 0.0)
    if len(ruin):
        curve = curve[: ruin[0] + 1]
    returns: Floats = curve[1:] / curve[:-1] - 1.0
    return returns


def total_return(final: float, capital: float) -> float:
    """E_T / E_0 - 1."""
    return final / capital - 1.0


def cagr(final: float, capital: float, days: int) -> float | None:
    """Compound annual growth rate, (E_T / E_0)^(365.25 / days) - 1, over calendar days.

    -1 for an account that has lost everything; None within one day, and where a lucky day would compound beyond
    any number. Source: C. R. Bacon, Practical Portfolio Performance Measurement and Attribution, ch. 2.
    """
    if days <= 0:
        return None
    return _compounded(total_return(final, capital), DAYS_PER_YEAR / days)


def sharpe_ratio(returns: Floats, free: float = 0.0) -> float | None:
    """mean(r - rf) / std(r - rf, ddof=1) x sqrt(252); rf is the risk-free return of one session.

    None for fewer than two sessions or a standard deviation below 1e-12. Source: W. F. Sharpe, The Sharpe Ratio,
    Journal of Portfolio Management 21 (1994).
    """
    if len(returns) < 2:
        return None
    excess = returns - free
    mean = excess.mean()
    deviation = math.sqrt(np.square(excess - mean).sum() / (len(excess) - 1))
    return None if deviation < NO_SPREAD else float(mean / deviation * math.sqrt(SESSIONS_PER_YEAR))


def sortino_ratio(returns: Floats, free: float = 0.0) -> float | None:
    """mean(r - rf) / sqrt(mean(min(r - rf, 0)^2)) x sqrt(252), the downside taken over all n sessions.

    None without a session below rf. Source: F. A. Sortino and L. N. Price, Performance Measurement in a Downside
    Risk Framework, Journal of Investing 3 (1994).
    """
    if len(returns) < 2:
        return None
    excess = returns - free
    downside = math.sqrt(np.square(np.minimum(excess, 0.0)).mean())
    return None if downside < NO_SPREAD else float(excess.mean() / downside * math.sqrt(SESSIONS_PER_YEAR))


def max_drawdown(time: Times, equity: Floats, capital: float) -> tuple[float, int]:
    """The deepest fall from a peak, max(1 - E_t / max(E_0..E_t)) as a positive fraction, and its length.

    The length is in calendar days, from the peak's session to that of the first close back at the peak, or to the
    last one when none is. E_0 stands in the first bar's session. (0, 0) for a curve that never falls. Source:
    M. Magdon-Ismail and A. Atiya, Maximum Drawdown, Risk 17 (2004).
    """
    if not len(equity):
        return 0.0, 0
    peaks = np.maximum(np.maximum.accumulate(equity), capital)
    falls = 1.0 - equity / peaks
    bottom = int(falls.argmax())
    deepest = float(falls[bottom])
    if deepest <= 0.0:
        return 0.0, 0
    at_peak = np.flatnonzero(equity[:bottom] == peaks[bottom])
    started = int(at_peak[-1]) if len(at_peak) else 0
    back = np.flatnonzero(equity[bottom:] >= peaks[bottom])
    ended = bottom + int(back[0]) if len(back) else len(time) - 1
    return deepest, calendar_days(time[[started, ended]])


def calmar_ratio(growth: float | None, deepest: float) -> float | None:
    """CAGR / maximum drawdown over the whole curve; None without either. Source: T. Young, Futures 20 (1991)."""
    return None if growth is None or deepest < NO_SPREAD else growth / deepest


def win_rate(pnl: Floats) -> float | None:
    """The fraction of closed trades that earned money after their costs; None without a trade."""
    return float((pnl > 0.0).mean()) if len(pnl) else None


def profit_factor(pnl: Floats) -> float | None:
    """Dollars won / dollars lost over closed trades; None without a loss."""
    lost = -float(pnl[pnl < 0.0].sum())
    return float(pnl[pnl > 0.0].sum()) / lost if lost > NO_SPREAD else None


def expectancy(pnl: Floats) -> float | None:
    """The mean of a closed trade, in the unit given: dollars, or R for R-multiples; None without a trade."""
    return float(pnl.mean()) if len(pnl) else None


def r_multiple(pnl: Floats, quantity: Floats, entry_price: Floats, stop_price: Floats) -> Floats:
    """pnl / (quantity x (entry - initial stop)), what a trade earned per dollar that its stop put at risk (k,).

    NaN where the stop does not lie below the entry. Source: V. K. Tharp, Trade Your Way to Financial Freedom.
    """
    risked = quantity * (entry_price - stop_price)
    multiples: Floats = np.divide(pnl, risked, out=np.full(len(pnl), np.nan), where=risked > 0.0)
    return multiples


def alpha_beta(returns: Floats, benchmark: Floats, free: float = 0.0) -> tuple[float | None, float | None]:
    """Jensen's alpha and beta against a benchmark's returns over the same sessions.

    beta = cov(r - rf, b - rf) / var(b - rf); alpha = (1 + mean(r - rf - beta (b - rf)))^252 - 1. (None, None) for
    fewer than two sessions or a benchmark that stands still. Source: M. C. Jensen, The Performance of Mutual
    Funds in the Period 1945-1964, Journal of Finance 23 (1968); annualised as empyrical does.
    """
    sessions = min(len(returns), len(benchmark))  # a ruined account's returns end early
    if sessions < 2:
        return None, None
    excess, market = returns[:sessions] - free, benchmark[:sessions] - free
    moved = market - market.mean()
    variance = np.square(moved).sum()
    if math.sqrt(variance / (sessions - 1)) < NO_SPREAD:
        return None, None
    beta = float((moved * excess).sum() / variance)
    return _compounded(float((excess - beta * market).mean()), SESSIONS_PER_YEAR), beta


def _compounded(rate: float, times: float) -> float | None:
    """(1 + rate)^times - 1; -1 once everything is lost, None beyond the floating-point numbers."""
    if rate <= -1.0:
        return -1.0
    exponent = math.log1p(rate) * times
    return math.expm1(exponent) if exponent < LARGEST_EXPONENT else None


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100.0 * fraction
