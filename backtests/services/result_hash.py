"""The digest of a result: two runs that gave the same have the same, to the last bit."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

import numpy as np

from backtests.models import BacktestCurve, BacktestTrade


def result_hash_of(trades: Iterable[BacktestTrade], curve: BacktestCurve) -> str:
    """SHA-256 over the trades, a line each in their order, then the curves' times and dollars as 64-bit numbers.

    From rows before they are stored and from rows read back it is the same, whatever the database.
    """
    digest = sha256()
    for trade in trades:
        digest.update((" ".join(_written(trade)) + "\n").encode())
    digest.update(np.array(curve.time, "<i8").tobytes())
    for values in (curve.equity, curve.buy_and_hold):
        digest.update(np.array(values, "<f8").tobytes())
    return digest.hexdigest()


def _written(trade: BacktestTrade) -> list[str]:
    amounts = (
        trade.quantity,
        trade.entry_price,
        trade.stop_price,
        trade.target_price,
        trade.exit_price,
        trade.commission,
        trade.pnl,
    )
    moments = (trade.entry_time, trade.exit_time)
    return [trade.symbol, trade.exit_reason or "-", *map(_moment, moments), *map(_amount, amounts)]


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone(UTC).isoformat()


def _amount(amount: Decimal | None) -> str:
    # A database knows no negative zero.
    return "-" if amount is None else f"{amount + 0:.6f}"
