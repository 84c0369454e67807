"""What trading has cost: commissions, and what entries paid above the price that they were decided at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livetrading.summaries.closed_trades import ReadTrades

MOST_ROWS = 30


@dataclass(frozen=True, slots=True)
class CostFigures:
    """Dollars. gross: the P&L before commissions. slippage: of the entries that a signal made, against its close;
    in basis points of their amount as slippage_bps; None without one."""

    trades: int
    commission: float
    gross: float
    slippage: float | None
    slippage_bps: float | None

    @property
    def commission_share(self) -> float | None:
        """The part of the gross profit that the commissions took; None without a gross profit."""
        return self.commission / self.gross if self.gross > 0.0 else None


@dataclass(frozen=True, slots=True)
class CostLine:
    """strategy: (id, name)."""

    strategy: tuple[int | None, str]
    costs: CostFigures


def costs_of(read: ReadTrades, chosen: NDArray[np.int64] | None = None) -> CostFigures:
    """Of all trades, or of the chosen rows."""
    rows = np.arange(len(read)) if chosen is None else chosen
    commission = float(read.trades.commission[rows].sum())
    decided = rows[np.isfinite(read.signal_price[rows])]
    quantity, close = read.quantity[decided], read.signal_price[decided]
    slippage = float((quantity * (read.entry_price[decided] - close)).sum()) if len(decided) else None
    bps = slippage / float((quantity * close).sum()) * 1e4 if slippage is not None else None
    gross = float(read.trades.pnl[rows].sum()) + commission
    return CostFigures(len(rows), commission, gross, slippage, bps)


def costs_by_strategy(read: ReadTrades) -> list[CostLine]:
    """The MOST_ROWS strategies with the highest costs, the highest first."""
    rows: dict[tuple[int | None, str], list[int]] = {}
    for row, key in enumerate(read.strategies):
        rows.setdefault(key, []).append(row)
    lines = [CostLine(key, costs_of(read, np.array(own, np.int64))) for key, own in rows.items()]
    return sorted(lines, key=lambda line: -(line.costs.commission + (line.costs.slippage or 0.0)))[:MOST_ROWS]
