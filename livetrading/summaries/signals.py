"""Signals with their outcomes, for pages and API."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from livetrading.models import Order, SignalHistory


@dataclass(frozen=True, slots=True)
class SignalSummary:
    """order: None when the signal led to no order."""

    signal: SignalHistory
    order: Order | None

    @property
    def outcome(self) -> str:
        """The OrderState of the order; without an order the SignalHistory.Outcome."""
        return self.order.state if self.order else self.signal.outcome

    @property
    def outcome_label(self) -> str:
        return self.order.get_state_display() if self.order else self.signal.get_outcome_display()

    @property
    def reason(self) -> str:
        """Why the signal was not executed, or not in full; empty when it was."""
        return self.order.reason if self.order else self.signal.reason


def with_orders(signals: "QuerySet[SignalHistory]") -> "QuerySet[SignalHistory]":
    """Selects the strategy and the order of each signal in the same query, for `summarize_signals`."""
    return signals.select_related("live_strategy", "order")


def summarize_signals(signals: Iterable[SignalHistory]) -> list[SignalSummary]:
    """signals: read with `with_orders`."""
    return [SignalSummary(signal, getattr(signal, "order", None)) for signal in signals]
