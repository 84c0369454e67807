"""Statistics of closed trades: figures of all of them and of each group, streaks, holding times, months, and the
curve of their profit. Arrays in, values out.

The formulas of a figure are in core.ratios; here they are applied to the trades of a group. A trade wins with a
profit after costs and loses with a loss; one of exactly zero does neither.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tradedesk.core import ratios
from tradedesk.core.bars import Floats, Times, session_dates
from tradedesk.core.metrics import defined

Key = TypeVar("Key", bound=Hashable)

HOUR, DAY = 3600.0, 86_400.0
# The ranges of holding times: a label and the seconds that are below it.
HOLDING_RANGES = (
    ("Under 1 hour", HOUR),
    ("1 hour to 1 day", DAY),
    ("1 to 7 days", 7 * DAY),
    ("7 to 28 days", 28 * DAY),
    ("28 days or longer", np.inf),
)


@dataclass(frozen=True, slots=True, eq=False)
class ClosedTrades:
    """n closed trades in the order of their exits, as columns (n,).

    entry, exit: UTC, datetime64[us]. pnl: dollars after costs. commission, cost: dollars; what the shares cost. r:
    R-multiples, NaN for a trade without one.
    """

    entry: Times
    exit: Times
    pnl: Floats
    r: Floats
    commission: Floats
    cost: Floats

    def __len__(self) -> int:
        return len(self.pnl)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "ClosedTrades":
        return ClosedTrades(*(getattr(self, name)[chosen] for name in self.__slots__))

    @property
    def seconds(self) -> Floats:
        """How long each trade was held."""
        return (self.exit - self.entry).astype("timedelta64[us]").astype(np.float64) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFigures:
    """Dollars, fractions (win_rate) and ratios; None where a figure is not defined. payoff: the average win over
    the average loss. with_r: the trades that have an R-multiple, which mean_r is of."""

    trades: int
    wins: int
    losses: int
    pnl: float
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    mean_r: float | None
    with_r: int
    average_win: float | None
    average_loss: float | None
    payoff: float | None
    largest_win: float | None
    largest_loss: float | None
    commission: float


@dataclass(frozen=True, slots=True)
class Group:
    """The trades that share a key."""

    key: Hashable
    figures: TradeFigures


@dataclass(frozen=True, slots=True)
class Streaks:
    """Trades in a row: the longest of wins and of losses, and the last one, negative for losses."""

    wins: int
    losses: int
    current: int


@dataclass(frozen=True, slots=True)
class MonthlyPnl:
    """Dollars of the trades that were closed in each month, None for a month without one."""

    year: int
    months: tuple[float | None, ...]
    total: float
    trades: int


@dataclass(frozen=True, slots=True, eq=False)
class PnlCurve:
    """By session with an exit (k,): its date (datetime64[D]), the profit since the first trade, and how far that
    is below its highest value so far, which is at least zero; dollars, drawdown 0 or below."""

    session: NDArray[np.datetime64]
    pnl: Floats
    drawdown: Floats


@dataclass(frozen=True, slots=True)
class DollarDrawdown:
    """The deepest fall of a PnlCurve. depth: positive dollars. peak: None when it began before the first trade.
    recovery: None when there is none yet."""

    depth: float
    peak: date | None
    bottom: date
    recovery: date | None


def figures_of(trades: ClosedTrades) -> TradeFigures:
    pnl = np.ascontiguousarray(trades.pnl)
    won, factor, expected, mean_r = ratios.trade_ratios(pnl, np.ascontiguousarray(trades.r))
    gains, losses = pnl[pnl > 0.0], pnl[pnl < 0.0]
    average_win, average_loss = (float(side.mean()) if len(side) else None for side in (gains, losses))
    return TradeFigures(
        trades=len(pnl),
        wins=len(gains),
        losses=len(losses),
        pnl=float(pnl.sum()),
        win_rate=defined(won),
        profit_factor=defined(factor),
        expectancy=defined(expected),
        mean_r=defined(mean_r),
        with_r=int(np.isfinite(trades.r).sum()),
        average_win=average_win,
        average_loss=average_loss,
        payoff=average_win / -average_loss if average_win is not None and average_loss is not None else None,
        largest_win=float(gains.max()) if len(gains) else None,
        largest_loss=float(losses.min()) if len(losses) else None,
        commission=float(trades.commission.sum()),
    )


def by_key(trades: ClosedTrades, keys: Sequence[Hashable], most: int) -> tuple[list[Group], int]:
    """The figures of the trades of each key (n,), for the `most` keys with the largest profits and losses, these
    first; and how many keys there are besides."""
    rows = rows_by_key(keys)
    largest = sorted(rows, key=lambda key: -abs(float(trades.pnl[rows[key]].sum())))[:most]
    return [Group(key, figures_of(trades.where(rows[key]))) for key in largest], len(rows) - len(largest)


def rows_by_key(keys: Sequence[Key]) -> dict[Key, NDArray[np.int64]]:
    """The rows (k,) of each key (n,), in the order in which the keys first appear."""
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(own, np.int64) for key, own in rows.items()}


def by_holding_time(trades: ClosedTrades) -> list[Group]:
    """The figures by HOLDING_RANGES, without empty ones, the shortest first."""
    ends = np.array([end for _, end in HOLDING_RANGES])
    places = np.searchsorted(ends, trades.seconds, side="right")
    rows = rows_by_key(places.tolist())
    return [Group(HOLDING_RANGES[place][0], figures_of(trades.where(rows[place]))) for place in sorted(rows)]


def streaks_of(pnl: Floats) -> Streaks:
    """pnl (n,): in the order of the exits. A trade of exactly zero ends a streak."""
    longest = {1: 0, -1: 0, 0: 0}
    side = length = 0
    for sign in np.sign(pnl).astype(int).tolist():
        length = length + 1 if sign == side else 1
        side = sign
        longest[side] = max(longest[side], length)
    return Streaks(longest[1], longest[-1], side * length)


def monthly_pnl(trades: ClosedTrades) -> list[MonthlyPnl]:
    """By the month of the exit in New York, the first year first."""
    months = session_dates(trades.exit).astype("datetime64[M]").astype(int)
    sums: dict[int, list[float | None]] = {}
    counts: dict[int, int] = {}
    for month, dollars in zip(months.tolist(), trades.pnl.tolist(), strict=True):
        year = 1970 + month // 12
        row = sums.setdefault(year, [None] * 12)
        row[month % 12] = (row[month % 12] or 0.0) + dollars
        counts[year] = counts.get(year, 0) + 1
    return [
        MonthlyPnl(year, tuple(row), sum(value for value in row if value is not None), counts[year])
        for year, row in sorted(sums.items())
    ]


def pnl_curve(trades: ClosedTrades) -> PnlCurve:
    sessions, places = np.unique(session_dates(trades.exit), return_inverse=True)
    sums = np.bincount(places, weights=trades.pnl, minlength=len(sessions))
    total: Floats = np.cumsum(sums).astype(np.float64)
    peaks: Floats = np.maximum(np.maximum.accumulate(total), 0.0)
    return PnlCurve(sessions, total, total - peaks)


def deepest_drawdown(curve: PnlCurve) -> DollarDrawdown | None:
    """The first of the deepest falls; None for a curve that never falls. In dollars, because trades alone do not
    say how much money was there."""
    if not len(curve.drawdown) or curve.drawdown.min() >= 0.0:
        return None
    bottom = int(curve.drawdown.argmin())
    days: list[date] = curve.session.tolist()
    level = np.flatnonzero(curve.drawdown[:bottom] == 0.0)
    recovered = np.flatnonzero(curve.drawdown[bottom:] == 0.0)
    return DollarDrawdown(
        float(-curve.drawdown[bottom]),
        days[int(level[-1])] if len(level) else None,
        days[bottom],
        days[bottom + int(recovered[0])] if len(recovered) else None,
    )
