"""Signals as a trader reads them: what a strategy saw, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from livetrading.models import Order, SignalHistory


@dataclass(frozen=True, slots=True)
class SignalSummary:
    """order: None when the signal led to none."""

    signal: SignalHistory
    order: Order | None

    @property
    def outcome(self) -> str:
        """The order's OrderState, or SignalHistory.Outcome where there is no order."""
        return self.order.state if self.order else self.signal.outcome

    @property
    def outcome_label(self) -> str:
        return self.order.get_state_display() if self.order else self.signal.get_outcome_display()

    @property
    def reason(self) -> str:
        """Why it was not carried out, or not in full; empty when it was."""
        return self.order.reason if self.order else self.signal.reason


def with_orders(signals: "QuerySet[SignalHistory]") -> "QuerySet[SignalHistory]":
    """Each with its strategy and its order, in the one query; what `summarize` takes."""
    return signals.select_related("live_strategy", "order")


def summarize(signals: Iterable[SignalHistory]) -> list[SignalSummary]:
    """Of signals read `with_orders`."""
    return [SignalSummary(signal, getattr(signal, "order", None)) for signal in signals]
