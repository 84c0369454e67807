"""What trading has cost: commissions, and what entries paid above the price that they were decided at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livetrading.summaries.closed_trades import ReadTrades
from tradedesk.core.trade_statistics import rows_by_key

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
    rows = rows_by_key(read.strategies)
    slippage = np.nan_to_num(read.quantity * (read.entry_price - read.signal_price))
    paid = read.trades.commission + slippage
    highest = sorted(rows, key=lambda key: -float(paid[rows[key]].sum()))[:MOST_ROWS]
    return [CostLine(key, costs_of(read, rows[key])) for key in highest]
