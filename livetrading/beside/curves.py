"""The profit of a live strategy at the close of each session, from its fills. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradedesk.core.bars import Floats


class Flow(NamedTuple):
    """A fill. session, symbol: row and column of the closes. shares: negative for a sale. cash: dollars that came
    in, after the commission; negative for a purchase."""

    session: int
    symbol: int
    shares: float
    cash: float


def profit_curve(flows: Sequence[Flow], closes: Floats) -> Floats:
    """Dollars (k,). closes (k, s): of each session and symbol; NaN only where nothing is held."""
    shares, cash = np.zeros(closes.shape), np.zeros(len(closes))
    for flow in flows:
        shares[flow.session, flow.symbol] += flow.shares
        cash[flow.session] += flow.cash
    held = shares.cumsum(axis=0)
    held[np.abs(held) < 1e-6] = 0.0
    values = np.where(held == 0.0, 0.0, held * np.nan_to_num(closes))
    curve: Floats = cash.cumsum() + values.sum(axis=1)
    return curve
