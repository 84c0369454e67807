"""The code of a signal whose order ended without a fill: why it was not carried out."""

from livetrading.models import Order, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode

_ENDED: dict[str, DecisionCode] = {
    OrderState.REJECTED: DecisionCode.REJECTED,
    OrderState.EXPIRED: DecisionCode.EXPIRED,
    OrderState.CANCELLED: DecisionCode.CANCELLED,
}


def note_end(order: Order, state: OrderState, code: DecisionCode | None = None) -> None:
    """Give the signal of this order, which has just ended in `state`, its code; without `code` that of the state.
    One that was filled in part was carried out."""
    code = code or _ENDED.get(state)
    if code is not None and order.signal_id is not None and not order.filled_quantity:
        SignalHistory.objects.filter(pk=order.signal_id).update(code=code)
