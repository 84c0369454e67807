"""Strategies on hand-made bars, and their stored signals."""

from typing import Any

from livetrading.models import LiveStrategy, Order, SignalHistory
from tests.livetrading.made_bars import TWO_BARS
from tests.livetrading.pipeline.desk import deployed
from tradedesk.accounts.models import User


def make_two_bar_strategy(user: User, *symbols: str, **fields: Any) -> LiveStrategy:
    """A live strategy of TWO_BARS, unless the fields name another kind."""
    values = TWO_BARS | fields
    return deployed(user, values.pop("kind"), list(symbols), **values)


def signals_of(live: LiveStrategy) -> list[tuple[str, str, str]]:
    """The stored signals in the order of writing: symbol, side, and the reason when there is no order."""
    signals = SignalHistory.objects.filter(live_strategy=live).order_by("pk")
    return list(signals.values_list("symbol", "side", "reason"))


def reason_of(live: LiveStrategy, symbol: str, side: str = "buy") -> str:
    """The reason of a refused signal; also asserts that it was refused and that there is no order."""
    signal = SignalHistory.objects.get(live_strategy=live, symbol=symbol, side=side)
    assert signal.outcome == SignalHistory.Outcome.REFUSED
    assert not Order.objects.filter(signal=signal).exists()
    return signal.reason
