"""The gate: whether an order may go out now, by its purpose. Asked at the decision and again right before sending.

Mode, halt, account, status and limits hold back entries. Exits and the protection of what is held always go out.
"""

from dataclasses import dataclass
from enum import StrEnum

from livetrading.models import BrokerAccount, LiveStrategy, Order
from tradedesk.accounts.models import User
from tradedesk.core.risk import Refusal


class Held(StrEnum):
    """Why an entry is held back. PAUSED, STOPPED and ERROR are statuses of a live strategy."""

    MODE = "mode"
    HALT = "halt"
    ACCOUNT = "account"
    PAUSED = "paused"
    STOPPED = "stopped"
    ERROR = "error"
    EXPIRED = "expired"
    DAILY_LOSS = "daily_loss"
    MAX_POSITIONS = "max_positions"
    BUYING_POWER = "buying_power"
    ACCOUNT_RULE = "account_rule"


@dataclass(frozen=True, slots=True)
class Verdict:
    """held: None when the order may go out. reason: a sentence for a person, "" when it may."""

    held: Held | None = None
    reason: str = ""

    @property
    def open(self) -> bool:
        return self.held is None


OPEN = Verdict()
ORDER_OVER = "The time of this order is over."
TOO_LATE = "The open that this entry was meant for is past; it is too late to enter."
# Why a strategy with this status enters nothing.
NOT_ACTIVE: dict[str, str] = {
    LiveStrategy.Status.PAUSED: "The strategy is paused.",
    LiveStrategy.Status.STOPPED: "The strategy is stopped.",
    LiveStrategy.Status.ERROR: "The strategy has stopped with an error.",
}


def gate(
    purpose: str,
    account: BrokerAccount,
    user: User,
    live: LiveStrategy | None,
    *,
    open_positions: int | None = None,
    expired: bool = False,
) -> Verdict:
    """open_positions: the positions of the strategy without this order; None when the decision itself counts
    them. expired: whether the open that the order was meant for, and the grace after it, are past."""
    if purpose != Order.Purpose.ENTRY:
        return OPEN
    if account.mode != user.mode:
        what = "order" if live is None else "strategy"
        return Verdict(Held.MODE, f"This is a {account.mode} {what}, but your account is in {user.mode} mode.")
    if account.entries_stopped:
        why = f": {account.entries_stopped_reason}" if account.entries_stopped_reason else "."
        return Verdict(Held.HALT, f"Entries of this account are stopped{why}")
    if account.state == BrokerAccount.State.BLOCKED:
        return Verdict(Held.ACCOUNT, f"The broker has blocked this account: {account.state_reason}")
    if expired:
        return Verdict(Held.EXPIRED, ORDER_OVER if live is None else TOO_LATE)
    if live is None:
        return OPEN
    if live.status != LiveStrategy.Status.ACTIVE:
        return Verdict(Held(live.status), NOT_ACTIVE[live.status])
    if live.has_tripped:
        return Verdict(Held.DAILY_LOSS, live.tripped_reason)
    rules = live.risk_rules()
    if open_positions is not None and open_positions >= rules.max_positions:
        return Verdict(Held.MAX_POSITIONS, Refusal.MAX_POSITIONS.message(rules=rules))
    return OPEN
