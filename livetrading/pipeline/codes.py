"""The code of each reason why the gate holds an entry back, or why risk or size refuse it."""

from collections.abc import Mapping

from livetrading.models.decision_code import DecisionCode
from livetrading.pipeline.gate import Held
from tradedesk.core.risk import Refusal

_CODES: Mapping[Held | Refusal, DecisionCode] = {
    Held.MODE: DecisionCode.MODE,
    Held.HALT: DecisionCode.HALTED,
    Held.ACCOUNT: DecisionCode.ACCOUNT_BLOCKED,
    Held.PAUSED: DecisionCode.PAUSED,
    Held.STOPPED: DecisionCode.STOPPED,
    Held.ERROR: DecisionCode.ERROR,
    Held.EXPIRED: DecisionCode.EXPIRED,
    Held.DAILY_LOSS: DecisionCode.DAILY_LOSS,
    Held.MAX_POSITIONS: DecisionCode.MAX_POSITIONS,
    Held.BUYING_POWER: DecisionCode.NO_CASH,
    Held.ACCOUNT_RULE: DecisionCode.ACCOUNT_RULE,
    Refusal.WEAK_SIGNAL: DecisionCode.BELOW_THRESHOLD,
    Refusal.MAX_POSITIONS: DecisionCode.MAX_POSITIONS,
    Refusal.DAILY_LOSS: DecisionCode.DAILY_LOSS,
    Refusal.DRAWDOWN: DecisionCode.DRAWDOWN,
    Refusal.COOLDOWN: DecisionCode.COOLDOWN,
    Refusal.NO_SIZE: DecisionCode.TOO_DEAR,
    Refusal.TOO_MANY_SHARES: DecisionCode.TOO_MANY_SHARES,
    Refusal.HELD: DecisionCode.HELD,
    Refusal.NO_CASH: DecisionCode.NO_CASH,
    Refusal.NO_BAR: DecisionCode.NO_NEW_BAR,
    Refusal.NO_TRUE_RANGE: DecisionCode.NO_TRUE_RANGE,
}


def code_of(reason: Held | Refusal | None) -> DecisionCode:
    """The code of this reason; ORDERED when nothing refuses."""
    return DecisionCode.ORDERED if reason is None or reason is Refusal.NONE else _CODES[reason]
