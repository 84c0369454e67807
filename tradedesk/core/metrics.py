"""Metrics: the figures of an equity curve and its closed trades.

The formulas and their sources are in core.ratios, compiled. Here a figure that is not defined for its input is
None, never NaN or infinity.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tradedesk.core import ratios, years
from tradedesk.core.bars import Floats, Times, session_numbers
from tradedesk.core.ratios import NO_SPREAD as NO_SPREAD
from tradedesk.core.years import LEAST_YEARLY_DAYS as LEAST_YEARLY_DAYS
from tradedesk.core.years import SESSIONS_PER_YEAR as SESSIONS_PER_YEAR

EMPTY: Floats = np.empty(0)
# Figures per year, which a period below LEAST_YEARLY_DAYS does not have.
YEARLY = ("cagr", "sharpe", "sortino", "calmar", "alpha")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Fractions (0.12 is 12%) and ratios; dollars where a comment says so; None where a figure is not defined.

    days: from the first to the last session.
    """

    total_return: float
    cagr: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_days: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None  # dollars per closed trade
    mean_r_multiple: float | None
    exposure: float
    trades: int
    final_equity: float  # dollars
    buy_and_hold_return: float | None
    alpha: float | None
    beta: float | None
    days: int

    def as_dict(self) -> dict[str, float | int | None]:
        """The figures by name, in the units of the fields."""
        return asdict(self)


class Sessions(NamedTuple):
    """The sessions of m bars: the day number of each bar (m,) and the row of the last bar of each session (k,)."""

    number: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def from_numbers(cls, number: NDArray[np.int64]) -> Self:
        return cls(number, ratios.session_ends(number))


def measure(
    time: Times,
    equity: Floats,
    *,
    capital: float,
    pnl: Floats = EMPTY,
    r_multiples: Floats = EMPTY,
    exposure: float = 0.0,
    benchmark: Floats | None = None,
    risk_free_rate: float = 0.0,
    sessions: Sessions | None = None,
) -> Metrics:
    """All figures of an equity curve.

    time (m,), equity (m,): one row per bar, dollars. capital: E_0, dollars, positive. pnl (k,): dollars of each
    closed trade after costs. r_multiples (k,): NaN where a trade has none. benchmark (m,): the equity of buy and
    hold with the same capital over the same bars. risk_free_rate: a fraction per year. sessions: the sessions of
    `time`, if they are already known. The figures of YEARLY are None below LEAST_YEARLY_DAYS.
    """
    number, ends = sessions or Sessions.from_numbers(session_numbers(time))
    per_year = years.periods_per_year(number if len(ends) == len(number) else number[ends])
    risk_free = risk_free_rate / per_year
    curve = ratios.curve_ratios(number, ends, equity, float(capital), risk_free, per_year)
    won, factor, expected, mean_r = ratios.trade_ratios(pnl, r_multiples)
    alpha = beta = held_return = math.nan
    if benchmark is not None and len(benchmark):
        held_return = ratios.total_return(benchmark[-1], float(capital))
        alpha, beta = ratios.curve_alpha_beta(ends, equity, benchmark, float(capital), risk_free, per_year)
    measured = Metrics(
        total_return=curve.total_return,
        cagr=defined(curve.cagr),
        sharpe=defined(curve.sharpe),
        sortino=defined(curve.sortino),
        calmar=defined(curve.calmar),
        max_drawdown=curve.max_drawdown,
        max_drawdown_days=curve.max_drawdown_days,
        win_rate=defined(won),
        profit_factor=defined(factor),
        expectancy=defined(expected),
        mean_r_multiple=defined(mean_r),
        exposure=exposure,
        trades=len(pnl),
        final_equity=curve.final_equity,
        buy_and_hold_return=defined(held_return),
        alpha=defined(alpha),
        beta=defined(beta),
        days=int(number[-1] - number[0]) if len(number) else 0,
    )
    if years.is_yearly(number):
        return measured
    missing: dict[str, Any] = dict.fromkeys(YEARLY)
    return replace(measured, **missing)


def session_ends(time: Times) -> NDArray[np.int64]:
    """The rows (k,) of the last bar of each session."""
    return Sessions.from_numbers(session_numbers(time)).ends


def calendar_days(time: Times) -> int:
    """Days from the session of the first time to the session of the last one; 0 without times."""
    first_and_last = session_numbers(time[[0, -1]]) if len(time) else np.zeros(2, np.int64)
    return int(first_and_last[1] - first_and_last[0])


def session_returns(equity: Floats, capital: float) -> Floats:
    """ratios.session_returns of end-of-session equity (k,)."""
    return ratios.session_returns(equity, float(capital))


def total_return(final: float, capital: float) -> float:
    """ratios.total_return: E_T / E_0 - 1."""
    return float(ratios.total_return(final, capital))


def cagr(final: float, capital: float, days: int) -> float | None:
    """ratios.cagr; None for less than one day, or if the result exceeds the range of floats."""
    return defined(ratios.cagr(final, capital, days))


def periods_per_year(time: Times) -> float:
    """years.periods_per_year of the sessions of bars: the number of their sessions in a year."""
    return float(years.periods_per_year(session_numbers(time)))


def is_yearly(days: int) -> bool:
    """Whether this many calendar days are enough for figures per year."""
    return days >= LEAST_YEARLY_DAYS


def sharpe_ratio(returns: Floats, risk_free: float = 0.0, per_year: float = SESSIONS_PER_YEAR) -> float | None:
    """ratios.sharpe_ratio; None for constant returns."""
    return defined(ratios.sharpe_ratio(returns, risk_free, float(per_year)))


def sortino_ratio(returns: Floats, risk_free: float = 0.0, per_year: float = SESSIONS_PER_YEAR) -> float | None:
    """ratios.sortino_ratio; None without a session below `risk_free`."""
    return defined(ratios.sortino_ratio(returns, risk_free, float(per_year)))


def max_drawdown(time: Times, equity: Floats, capital: float) -> tuple[float, int]:
    """ratios.max_drawdown: the deepest fall as a positive fraction, and its length in calendar days."""
    deepest, days = ratios.max_drawdown(session_numbers(time), equity, float(capital))
    return deepest, days


def calmar_ratio(growth: float | None, deepest: float) -> float | None:
    """ratios.calmar_ratio; None without growth or without a drawdown."""
    return None if growth is None else defined(ratios.calmar_ratio(growth, deepest))


def win_rate(pnl: Floats) -> float | None:
    """ratios.win_rate; None without a trade."""
    return defined(ratios.win_rate(pnl))


def profit_factor(pnl: Floats) -> float | None:
    """ratios.profit_factor; None without a loss."""
    return defined(ratios.profit_factor(pnl))


def expectancy(pnl: Floats) -> float | None:
    """ratios.expectancy; None without a trade."""
    return defined(ratios.expectancy(pnl))


def r_multiple(pnl: Floats, quantity: Floats, entry_price: Floats, initial_stop: Floats) -> Floats:
    """pnl / (quantity x (entry - initial stop)) (k,): the dollars earned per dollar at risk down to the stop.

    NaN without a stop (-infinity) and where it is not below the entry. Source: V. K. Tharp, Trade Your Way to
    Financial Freedom.
    """
    risked = quantity * (entry_price - initial_stop)
    defined = (risked > 0.0) & (risked < np.inf)
    multiples: Floats = np.divide(pnl, risked, out=np.full(len(pnl), np.nan), where=defined)
    return multiples


def alpha_beta(
    returns: Floats, benchmark: Floats, risk_free: float = 0.0, per_year: float = SESSIONS_PER_YEAR
) -> tuple[float | None, float | None]:
    """ratios.alpha_beta; (None, None) for a constant benchmark."""
    alpha, beta = ratios.alpha_beta(returns, benchmark, risk_free, float(per_year))
    return defined(alpha), defined(beta)


def defined(figure: float) -> float | None:
    """None for the NaN of a figure that is not defined."""
    return None if math.isnan(figure) else float(figure)
