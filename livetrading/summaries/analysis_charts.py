"""The charts of the analysis pages as columns (docs/frontend.md): "time" in days since 1970, no value is NaN."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtests.research.analysis import distribution
from livetrading.summaries.analysis import Analysis
from livetrading.summaries.analytics import Sessions
from livetrading.summaries.excursions import Excursions
from tradedesk.core.bars import Floats

Columns = dict[str, Any]
PLACES = 6


def equity_columns(of: Analysis) -> Columns:
    """The starting equity plus the P&L of the closed trades, and its drawdown in percent; without a starting
    equity the P&L alone."""
    start = of.starting or 0.0
    equity = start + of.curve.pnl
    columns: Columns = {
        "unit": "day",
        "name": "Equity of the closed trades" if of.starting else "P&L",
        "time": days(of.curve.session),
        "equity": equity.round(2).tolist(),
    }
    if of.starting:
        peaks = np.maximum(np.maximum.accumulate(equity), start) if len(equity) else equity
        columns["drawdown"] = (100 * (np.maximum(equity, 0.0) / peaks - 1.0)).round(4).tolist()
    return columns


def r_columns(of: Analysis) -> Columns:
    r = of.of.trades.r
    bins = distribution(r[np.isfinite(r)])
    return {"edges": bins.edges.round(PLACES).tolist(), "counts": bins.counts.tolist()}


def excursion_columns(of: Excursions) -> Columns:
    """tone: the sign of each trade's result."""
    return {
        "x": {"label": "MAE", "format": "percent", "values": of.adverse.round(PLACES).tolist()},
        "y": {"label": "MFE", "format": "percent", "values": of.favourable.round(PLACES).tolist()},
        "name": of.symbols,
        "tone": np.sign(of.pnl).astype(int).tolist(),
    }


def session_columns(of: Sessions) -> Columns:
    """The equity of the accounts at each session's close, and its drawdown in percent."""
    start = of.before[0] if len(of) else 0.0
    columns: Columns = {
        "unit": "day",
        "name": "Equity",
        "time": days(of.day),
        "equity": of.equity.round(2).tolist(),
    }
    if start > 0.0:
        peaks = np.maximum(np.maximum.accumulate(of.equity), start)
        columns["drawdown"] = (100 * (np.maximum(of.equity, 0.0) / peaks - 1.0)).round(4).tolist()
    return columns


def line_columns(name: str, sessions: NDArray[np.datetime64], values: Floats, places: int = 4) -> Columns:
    """One line; NaN is a gap."""
    column = [None if value != value else value for value in values.round(places).tolist()]
    return {"unit": "day", "lines": [{"name": name, "time": days(sessions), "values": column}]}


def days(sessions: NDArray[np.datetime64]) -> list[int]:
    return [int(day) for day in sessions.astype("datetime64[D]").astype(np.int64)]
