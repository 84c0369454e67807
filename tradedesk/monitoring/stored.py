"""The health that a worker stores every few seconds, for the top bar of every page."""

from dataclasses import dataclass
from datetime import datetime

from tradedesk.monitoring.findings import Finding, State, label_of, owned_parts
from tradedesk.monitoring.health import Health
from tradedesk.monitoring.models import StoredHealth
from tradedesk.monitoring.pulse import Pulse

ROW = 1


@dataclass(frozen=True, slots=True)
class DeskTrouble:
    """What a page says of the whole desk, to a user and to an operator."""

    state: State
    text: str
    for_operator: str


def store_health(health: Health, wall_now: datetime) -> None:
    findings = [[part, int(finding.state), finding.text] for part, finding in health.findings.items()]
    StoredHealth.objects.update_or_create(pk=ROW, defaults={"findings": findings, "at": wall_now})


def read_states() -> dict[str, int]:
    """The stored state of each part. One query."""
    stored = StoredHealth.objects.filter(pk=ROW).first()
    return {} if stored is None else {part: state for part, state, _ in stored.findings}


def read_trouble(wall_now: datetime) -> DeskTrouble | None:
    """The trouble of the whole desk; None when there is none, or before the first look. One query.

    A stored health that is old, or of the future, says that no worker looks any more: then nothing trades.
    """
    stored = StoredHealth.objects.filter(pk=ROW).first()
    if stored is None:
        return None
    pulse = Pulse((wall_now - stored.at).total_seconds())
    if not pulse.is_alive:
        text = "Nothing trades: beat, the message queue or the worker stands still"
        return DeskTrouble(State.ERROR, f"{text}. An operator has to act.", f"{text}.")
    return judge({part: Finding(State(state), text) for part, state, text in stored.findings})


def judge(findings: dict[str, Finding]) -> DeskTrouble | None:
    """The worst of these findings. What belongs to single users is said to them alone, and to operators."""
    worst = max(findings.items(), key=lambda item: item[1].state, default=None)
    if worst is None or worst[1].state < State.WARNING:
        return None
    owned = owned_parts()
    ill = [part for part, finding in findings.items() if finding.state == State.ERROR and part not in owned]
    text = f"The desk does not trade as it should ({', '.join(map(label_of, ill))}). An operator has to act."
    part, finding = worst
    return DeskTrouble(finding.state, text if ill else "", f"{label_of(part)}: {finding.text}")
