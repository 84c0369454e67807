"""How far the price went against closed trades and in their favour (MAE and MFE), from the stored bars."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from livetrading.summaries.bounded_bars import load_within
from livetrading.summaries.closed_trades import TradeFilter, read_closed_trades
from tradedesk.accounts.models import User
from tradedesk.core.bars import Floats
from tradedesk.core.excursions import excursion, is_at_scale

NEWEST = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Excursions:
    """Columns, a row for each trade (n,). adverse, favourable, result: fractions of the entry price; result is how
    far the exit was from it. pnl: dollars. without: trades that are left out, because their bars are not there,
    have another scale or are too many. is_cut: whether older trades match, too."""

    adverse: Floats
    favourable: Floats
    result: Floats
    pnl: Floats
    symbols: list[str]
    without: int
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcursionRow:
    """Fractions of the entry price, of the winning, the losing or all trades. worst: 9 of 10 went less far against
    the trade. kept: the median of result / MFE, None unless all win."""

    label: str
    trades: int
    mae: float | None
    worst: float | None
    mfe: float | None
    kept: float | None


def read_excursions(user: User, mode: str, wanted: TradeFilter, now: datetime) -> Excursions:
    read = read_closed_trades(user, mode, wanted, NEWEST)
    bars = load_within(user.pk, read.series, now)
    rows: list[tuple[float, float, float, float]] = []
    symbols: list[str] = []
    trades = read.trades
    columns = zip(trades.entry, trades.exit, read.entry_price, read.exit_price, trades.pnl, strict=True)
    for series, (entry, exit_, paid, sold, pnl) in zip(read.series, columns, strict=True):
        own = bars.get(series)
        if own is None or not is_at_scale(own, entry, paid):
            continue
        if (found := excursion(own, entry, exit_, float(paid), float(sold))) is not None:
            rows.append((found.adverse / paid, found.favourable / paid, sold / paid - 1.0, pnl))
            symbols.append(series[0])
    adverse, favourable, result, profit = np.array(rows, np.float64).reshape(-1, 4).T
    return Excursions(adverse, favourable, result, profit, symbols, len(read) - len(rows), read.is_cut)


def excursion_rows(of: Excursions) -> list[ExcursionRow]:
    every = np.ones(len(of.result), np.bool_)
    sides = (("Wins", of.pnl > 0.0), ("Losses", of.pnl < 0.0), ("All", every))
    return [_row(label, of, chosen) for label, chosen in sides if chosen.any()]


def _row(label: str, of: Excursions, chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> ExcursionRow:
    adverse, favourable = of.adverse[chosen], of.favourable[chosen]
    won = bool((of.pnl[chosen] > 0.0).all())
    kept = of.result[chosen] / favourable if won and (favourable > 0.0).all() else np.empty(0)
    return ExcursionRow(
        label=label,
        trades=int(chosen.sum()),
        mae=float(np.median(adverse)),
        worst=float(np.percentile(adverse, 90)),
        mfe=float(np.median(favourable)),
        kept=float(np.median(kept)) if len(kept) else None,
    )
