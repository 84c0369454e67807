"""Sizing: the one function that decides how many shares an entry orders."""

import math
from typing import Any

from tradedesk.core.compiled import njit

# A quotient this close below a whole number counts as that number: 4000 / 50 must never become 79 shares.
WHOLE_SHARE_TOLERANCE = 1e-9
# From here on a number of shares with six decimals has more than the 15 digits that float64 and SQLite hold.
MAX_SHARES = 1e9


@njit(cache=True)
def whole_or_fraction(shares: float, fractional: bool) -> float:
    """`shares` rounded down to whole shares, or to a millionth of a share when fractional."""
    if fractional:
        return math.floor(shares * 1e6 + WHOLE_SHARE_TOLERANCE) / 1e6
    return float(math.floor(shares + WHOLE_SHARE_TOLERANCE))


@njit(cache=True)
def order_quantity(equity: float, close: float, rules: Any) -> float:
    """Shares to order at the close of a bar: min(position_size_pct x equity, max_position_size) / close.

    equity, close: dollars. rules: core.rules.KernelRules. 0 without positive equity.
    """
    if equity <= 0.0:
        return 0.0
    budget = min(rules.position_size_pct * equity, rules.max_position_size)
    return whole_or_fraction(budget / close, rules.fractional)
