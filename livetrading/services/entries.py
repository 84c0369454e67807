"""Cancel the entries of a strategy that enters no more."""

from datetime import datetime

from livetrading.models import LiveStrategy, Order, OrderState

_S = OrderState
# Where each state goes to. An order that is being sent belongs to its sender, whom the gate holds back; of an
# UNKNOWN one the broker is asked first, and it is not sent again.
_TO: dict[str, OrderState] = {
    _S.PENDING: _S.CANCELLED,
    _S.ACCEPTED: _S.CANCEL_PENDING,
    _S.PARTIALLY_FILLED: _S.CANCEL_PENDING,
}


def cancel_entries(live: LiveStrategy, reason: str, wall_now: datetime) -> int:
    """Cancel the working entries of this strategy: at the desk now, at the broker with the next tick. Shares that
    are bought stay protected. Called under the account's row lock. Returns the number of orders."""
    entries = live.orders.filter(purpose=Order.Purpose.ENTRY, state__in=list(_TO))
    return sum(
        Order.move(pk, _TO[state], wall_now=wall_now, only_from=state, reason=reason)
        for pk, state in entries.values_list("pk", "state")
    )
