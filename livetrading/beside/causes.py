"""A recorded decision beside the one that is made again: whether they differ, and why."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from livetrading.models import BarDecision, DecisionDifference
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline.decide import Decision
from livetrading.pipeline.evaluate import SignalEvent
from tradedesk.core.signals import Side

Cause = DecisionDifference.Cause
# The account's funds and rules are of their time: what they held back was decided as an order.
OF_THE_ACCOUNT = frozenset({Code.NO_CASH, Code.ACCOUNT_RULE, Code.NOT_AUTOMATIC})
# What is decided only because a check, or a bar, came late.
OF_LATENESS = frozenset({Code.LATE, Code.SUPERSEDED, Code.STALE_DATA, Code.EXPIRED})
CLOSE_ENOUGH = 1e-6


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a bar. shares: of an entry, by its rules; 0 otherwise."""

    side: str
    code: str
    shares: float = 0.0

    @classmethod
    def of_event(cls, event: SignalEvent | None) -> Self:
        """Of a signal that nobody decides."""
        if event is None or event.side is Side.HOLD:
            return cls("hold", Code.HOLD)
        return cls(event.side.name.lower(), "")

    @classmethod
    def of_decision(cls, decision: Decision) -> Self:
        return cls(decision.event.side.name.lower(), decision.code, decision.sized)

    @classmethod
    def recorded(cls, row: BarDecision) -> Self:
        code = Code.ORDERED.value if row.code in OF_THE_ACCOUNT else row.code
        return cls(row.side, code, float(row.basis.get("sized", 0.0)))

    def same_as(self, other: Self) -> bool:
        if not other.code:  # nothing is known that it could be decided from
            return self.side == other.side
        return (self.side, self.code) == (other.side, other.code) and math.isclose(
            self.shares, other.shares, rel_tol=1e-9, abs_tol=CLOSE_ENOUGH
        )

    def evidence(self, event: SignalEvent | None, code: str) -> dict[str, Any]:
        found: dict[str, Any] = {"signal": self.side, "decision": self.code}
        if self.shares:
            found["shares"] = round(self.shares, 6)
        if event is not None:
            found |= {"close": event.close, **event.indicators, "bars": event.seen}
        return found | ({"code": code} if code else {})


@dataclass(frozen=True, slots=True)
class Difference:
    """then, now: the evidence by the same names, as far as it is known."""

    symbol: str
    bar_time: datetime
    cause: Cause
    text: str
    then: dict[str, Any]
    now: dict[str, Any]


def compare(row: BarDecision, again: Answer | None, event: SignalEvent | None, code: str) -> Difference | None:
    """again: None where the bar is gone. code: today's hash. None when both are the same."""
    before = Answer.recorded(row)
    if again is not None and before.same_as(again):
        return None
    then = _evidence(row, before)
    if again is None:
        text = "The bar that was decided on is not stored any more."
        return Difference(row.symbol, row.bar_time, Cause.DATA_CORRECTED, text, then, {})
    late = row.code in OF_LATENESS
    cause = cause_of(row, before, event, code, late=late)
    return Difference(row.symbol, row.bar_time, cause, _text(before, again), then, again.evidence(event, code))


def cause_of(
    row: BarDecision | None, before: Answer | None, event: SignalEvent | None, code: str, *, late: bool
) -> Cause:
    """The first that applies: nothing else is asked of a check that came late, and code is asked only of decisions
    on the same bars."""
    if late:
        return Cause.LATE_CHECK
    if row is None or _bars_differ(row, event):
        return Cause.DATA_CORRECTED
    return Cause.CODE_CHANGED if row.basis.get("code", code) != code else Cause.UNEXPLAINED


def _bars_differ(row: BarDecision, event: SignalEvent | None) -> bool:
    if event is None:
        return False
    if "bars" in row.basis:
        return bool(row.basis["bars"] != event.seen)
    return not math.isclose(float(row.close), event.close, rel_tol=1e-9, abs_tol=CLOSE_ENOUGH)


def _evidence(row: BarDecision, before: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"signal": row.side, "decision": row.code}
    if before.shares:
        found["shares"] = round(before.shares, 6)
    found |= {"close": float(row.close), **row.indicators, "checked": row.checked_at.isoformat()}
    return found | {name: row.basis[name] for name in ("bars", "code") if name in row.basis}


def _text(before: Answer, now: Answer) -> str:
    return f"{_words(before)} then, {_words(now)} now."


def _words(answer: Answer) -> str:
    if answer.code == Code.ORDERED:
        shares = f" {answer.shares:,.6g}" if answer.shares else ""
        return f"{answer.side.capitalize()}{shares}"
    label = Code(answer.code).label.lower() if answer.code in Code.values else ""
    return f"{answer.side.capitalize()}{f' ({label})' if label and answer.code != Code.HOLD else ''}"
