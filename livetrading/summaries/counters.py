"""Numbers of signals and orders of live strategies."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from livetrading.models import LiveStrategy
from tradedesk.accounts.models import User


@dataclass(frozen=True, slots=True)
class SignalCount:
    """orders: the signals that led to an order."""

    signals: int = 0
    orders: int = 0


def count_signals(user: User, strategies: Iterable[LiveStrategy]) -> dict[int, SignalCount]:
    """By the id of the live strategy; strategies without signals are absent. One query for any number of
    strategies."""
    rows = user.signals.filter(live_strategy__in=list(strategies)).order_by().values("live_strategy_id")
    counted = rows.annotate(signals=Count("pk"), orders=Count("order"))
    return {row["live_strategy_id"]: SignalCount(row["signals"], row["orders"]) for row in counted}
