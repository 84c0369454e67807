"""What was done to a live strategy and by whom, from the audit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livetrading.models import LiveStrategy
from livetrading.services.audited import SETTINGS
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.core.declarations import Rule
from tradedesk.core.rules import DEPLOYED_RULES

SHOWN = 10
# The words of the recorded actions.
ACTIONS = {
    "deploy": "Deployed",
    "new_version": "Deployed as a new version",
    "promote": "Promoted from paper",
    "raise_size": "Size raised",
    "left_range": "Left the expected range",
    "start": "Started",
    "pause": "Paused",
    "stop": "Stopped",
    "edit": "Edited",
    "delete": "Deleted",
}
LABELS = {
    "name": "Name",
    "check_interval": "Check interval (s)",
    "auto_execute": "Places orders",
    "on_leaving": "Leaving the expected range",
}
ON_LEAVING: dict[str, str] = dict(LiveStrategy.OnLeaving.choices)


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """rule: None for a setting that is no trading rule."""

    label: str
    rule: Rule | None
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Done:
    """time: wall time. changed: of an edit, the settings that differ."""

    time: datetime
    actor: str
    what: str
    changed: list[ChangedSetting]


def done_to(user: User, live: LiveStrategy) -> list[Done]:
    """The newest SHOWN records, newest first. One query."""
    subject = {"subject_type": live._meta.model_name, "subject_id": str(live.pk)}
    rows = AuditRecord.objects.filter(user=user, **subject).order_by("-sequence")[:SHOWN]
    return [Done(row.time, row.actor, ACTIONS.get(row.action, row.action), _changed(row)) for row in rows]


def _changed(row: AuditRecord) -> list[ChangedSetting]:
    before, after = row.details.get("before"), row.details.get("after")
    if row.action != "edit" or not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return [
        ChangedSetting(
            _label(name), DEPLOYED_RULES.get(name), _number(name, before.get(name)), _number(name, value)
        )
        for name, value in after.items()
        if name in SETTINGS
    ]


def _label(name: str) -> str:
    return DEPLOYED_RULES[name].label if name in DEPLOYED_RULES else LABELS[name]


def _number(name: str, value: Any) -> Any:
    """Dollars are recorded as text, a choice as its word."""
    if name == "on_leaving":
        return ON_LEAVING.get(value, value)
    return float(value) if name in DEPLOYED_RULES and isinstance(value, str) else value
