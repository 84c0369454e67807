"""Edit the limits and the name of a live strategy while it runs."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.live_strategy import NAME_LENGTH
from livetrading.services.audited import SETTINGS, settings_of
from livetrading.services.control import count_held
from livetrading.services.deploy import DeploymentSettings, DeployRefused, stored_value
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.core.declarations import InvalidRules, Scope
from tradedesk.core.names import name_problem
from tradedesk.core.rules import DEPLOYED_RULES, RiskRules

# What was deployed, and is never edited.
FIXED = ("kind", "parameters", "symbols", "timeframe")


class EditRefused(Exception):
    """Why nothing was changed, by field; the messages can be shown to a person."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class Edited(NamedTuple):
    """before, after: the changed settings by name. held: the number of open lots."""

    live: LiveStrategy
    before: dict[str, Any]
    after: dict[str, Any]
    held: int

    @property
    def changes_exits(self) -> bool:
        return any(name in DEPLOYED_RULES and DEPLOYED_RULES[name].scope is Scope.EXIT for name in self.after)


def edit(
    live: LiveStrategy,
    changes: Mapping[str, Any],
    now: datetime,
    wall_now: datetime,
    *,
    actor: User | str | None = None,
) -> Edited:
    """Change settings of `live` by one conditional UPDATE: its name, check_interval (seconds of market time),
    auto_execute, on_leaving, and its trading rules. None switches a rule off that can be off, and leaves any other
    as it is.

    Everything is checked before anything is written. New values count from the next decision on; the exits of lots
    that are held keep the rules that they were made with. Raises EditRefused.
    """
    errors = _errors(changes)
    if errors:
        raise EditRefused(errors)
    with transaction.atomic():
        # With the row lock, a check decides by the old settings or by the new ones.
        BrokerAccount.locked(live.account_id)
        row = LiveStrategy.objects.filter(pk=live.pk)
        found = row.select_related("account", "user").first()
        if found is None:
            raise EditRefused({"name": f"“{live.name}” was deleted."})
        live, before = found, settings_of(found)
        wanted = {name: _stored(name, value) for name, value in changes.items() if _is_given(name, value)}
        try:
            chosen = {name: changes[name] for name in wanted if name in DEPLOYED_RULES}
            RiskRules.from_dict(live.risk_rules().as_dict() | chosen)
        except InvalidRules as refusal:
            raise EditRefused({refusal.field: str(refusal)}) from None
        after = {name: value for name, value in wanted.items() if value != before[name]}
        if after:
            soon = now + timedelta(seconds=after.get("check_interval", live.check_interval))
            row.update(**after, next_check_at=min(live.next_check_at, soon))
            before = {name: before[name] for name in after}
            record(actor or live.user, "edit", live, {"before": before, "after": after}, wall_now)
            live.refresh_from_db()
    if after:
        bump_version(live.user_id)
    return Edited(live, before if after else {}, after, count_held(live))


def edited_message(edited: Edited) -> str:
    """What the edit means, for the page and the API."""
    if not edited.after:
        return "Nothing was changed."
    text = f"“{edited.live.name}” is changed. The new settings count from the next decision on."
    if edited.held and edited.changes_exits:
        held = counted(edited.held, "open position")
        return f"{text} The stops and targets of its {held} stay as they were made."
    return text


def _errors(changes: Mapping[str, Any]) -> dict[str, str]:
    errors = {}
    for name in changes:
        if name in FIXED:
            errors[name] = f"The {name} of a live strategy cannot be edited. Deploy a new version to change this."
        elif name not in SETTINGS:
            errors[name] = "There is no such setting."
    rules = {name: value for name, value in changes.items() if name in DEPLOYED_RULES}
    interval = changes.get("check_interval")
    try:
        DeploymentSettings(**({} if interval is None else {"check_interval": interval}), rules=rules)
    except DeployRefused as refusal:
        errors |= refusal.errors
    if changes.get("name") is not None and (problem := _name_problem(changes["name"])):
        errors["name"] = problem
    on_leaving = changes.get("on_leaving")
    if on_leaving is not None and on_leaving not in LiveStrategy.OnLeaving.values:
        errors["on_leaving"] = f"Choose one of {', '.join(LiveStrategy.OnLeaving.values)}."
    return errors


def _name_problem(name: str) -> str:
    cleaned = " ".join(name.split())
    if not cleaned:
        return "Give the strategy a name."
    if len(cleaned) > NAME_LENGTH:
        return f"A name has at most {NAME_LENGTH} characters, not {len(cleaned)}."
    return name_problem(name)


def _is_given(name: str, value: Any) -> bool:
    return value is not None or (name in DEPLOYED_RULES and DEPLOYED_RULES[name].optional)


def _stored(name: str, value: Any) -> Any:
    if name == "name":
        return " ".join(value.split())
    return stored_value(name, value) if name in DEPLOYED_RULES else value
