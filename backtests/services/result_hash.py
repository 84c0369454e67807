"""The result hash: equal for two results that are equal to the last bit."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

import numpy as np

from backtests.models import BacktestCurve, BacktestTrade


def result_hash_of(trades: Iterable[BacktestTrade], curve: BacktestCurve) -> str:
    """SHA-256 over the trades, one line each in their order, then the times and dollars of the curves as 64-bit
    numbers.

    It is the same for rows before they are stored and for rows read back from any database.
    """
    result_hash = sha256()
    for trade in trades:
        result_hash.update((" ".join(_fields(trade)) + "\n").encode())
    result_hash.update(np.array(curve.time, "<i8").tobytes())
    for values in (curve.equity, curve.buy_and_hold):
        result_hash.update(np.array(values, "<f8").tobytes())
    return result_hash.hexdigest()


def _fields(trade: BacktestTrade) -> list[str]:
    amounts = (
        trade.quantity,
        trade.entry_price,
        trade.stop_price,
        trade.target_price,
        trade.exit_price,
        trade.commission,
        trade.pnl,
    )
    times = (trade.entry_time, trade.exit_time)
    return [trade.symbol, trade.exit_reason or "-", *map(_time, times), *map(_amount, amounts)]


def _time(time: datetime | None) -> str:
    return "-" if time is None else time.astimezone(UTC).isoformat()


def _amount(amount: Decimal | None) -> str:
    # + 0 turns negative zero into zero, as databases do.
    return "-" if amount is None else f"{amount + 0:.6f}"
