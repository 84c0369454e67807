"""Money: dollar amounts in kernels (float64) and in the database (Decimal), and the conversion between them.

Every price, commission and cash movement is rounded to a millionth of a dollar where it is computed, both in the
kernel and in the ledger. Six decimals are far below a cent, and an amount under a billion dollars then passes
through float64 and SQLite (15 significant digits) exactly. So both hold the same number.
"""

import math
from decimal import Decimal

from tradedesk.core.compiled import njit

PLACES = 6
MICRO = Decimal(1).scaleb(-PLACES)
# Brokers count shares with nine decimals. Less than a millionth of a share is dust: it leaves no order unfilled
# and no lot open.
SHARE_PLACES = 9
DUST = Decimal(1).scaleb(-PLACES)
CENT = Decimal("0.01")


@njit(cache=True)
def round_money(amount: float) -> float:
    """`amount` in dollars (or shares), rounded half up to a millionth."""
    return math.floor(amount * 1e6 + 0.5) / 1e6


def to_decimal(amount: float) -> Decimal:
    """An amount as a Decimal for the database, rounded to a millionth. Raises ValueError for NaN and infinity."""
    if not math.isfinite(amount):
        raise ValueError(f"{amount} is not an amount")
    return Decimal(repr(float(amount))).quantize(MICRO)
