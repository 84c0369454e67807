"""Signals with what became of them, for pages and API."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from livetrading.models import BarDecision, Order, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode

_WAITING: dict[str, str] = {
    OrderState.WAITING: "The order waits until its shares are free.",
    OrderState.PENDING: "The order waits to be sent.",
    OrderState.SUBMITTING: "The order is being sent.",
    OrderState.UNKNOWN: "The broker has not answered yet; it is asked before anything is sent again.",
    OrderState.ACCEPTED: "The broker has the order; it is not filled yet.",
    OrderState.GUARDED: "The desk guards the order.",
    OrderState.CANCEL_PENDING: "The broker was asked to cancel the order.",
}
_ENDED: dict[str, str] = {
    OrderState.BLOCKED: "the desk held the order back",
    OrderState.REJECTED: "the broker rejected the order",
    OrderState.EXPIRED: "the order has expired",
    OrderState.CANCELLED: "the order was cancelled",
}


@dataclass(frozen=True, slots=True)
class SignalSummary:
    """order: None when the signal led to no order. saw: what the check saw; None when it is no longer kept."""

    signal: SignalHistory
    order: Order | None
    saw: BarDecision | None = None

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

    @property
    def is_late(self) -> bool:
        return self.signal.code in LATE

    @property
    def sentence(self) -> str:
        """What became of the signal, in one sentence; for one without a trade: why."""
        if self.order is None:
            return self.signal.reason or f"{self.signal.get_outcome_display()}."
        return sentence_of(self.order)


# The signals that the desk was too late for.
LATE = (DecisionCode.LATE, DecisionCode.EXPIRED)


def sentence_of(order: Order) -> str:
    """What has become of this order, in one sentence."""
    if order.state in _WAITING:
        return _WAITING[order.state]
    done = "Bought" if order.side == "buy" else "Sold"
    shares, filled = f"{order.quantity.normalize():,f}", f"{order.filled_quantity.normalize():,f}"
    price = "" if order.filled_price is None else f" at {order.filled_price:,.2f}"
    if order.state == OrderState.FILLED:
        return f"{done} {filled}{price}."
    if order.state == OrderState.PARTIALLY_FILLED:
        return f"{done} {filled} of {shares}{price}; the rest is at the broker."
    ended = _ENDED[order.state]
    why = f": {order.reason}" if order.reason else "."
    return f"{done} {filled} of {shares}; {ended}{why}" if order.filled_quantity else f"T{ended[1:]}{why}"


def with_orders(signals: "QuerySet[SignalHistory]") -> "QuerySet[SignalHistory]":
    """Selects the strategy and the order of each signal in the same query, for `summarize_signals`."""
    return signals.select_related("live_strategy", "order")


# Without those of a paper account before its reset.
NOT_ARCHIVED = Q(live_strategy__account__archived_at=None)


def shown(signals: "QuerySet[SignalHistory]") -> "QuerySet[SignalHistory]":
    """The signals that pages show, as `with_orders`."""
    return with_orders(of_interest(signals.filter(NOT_ARCHIVED)))


def of_interest(signals: "QuerySet[SignalHistory]") -> "QuerySet[SignalHistory]":
    """Without the sells of what was not held: a kind signals them bar after bar, and nothing follows from them."""
    return signals.exclude(code=DecisionCode.NOTHING_TO_SELL)


def summarize_signals(signals: Iterable[SignalHistory]) -> list[SignalSummary]:
    """signals: read with `with_orders`; what the check saw only where "decision" was selected, too."""
    return [
        SignalSummary(
            signal,
            getattr(signal, "order", None),
            getattr(signal, "decision", None) if "decision" in signal._state.fields_cache else None,
        )
        for signal in signals
    ]
