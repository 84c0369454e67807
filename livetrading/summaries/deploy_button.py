"""What the Deploy button shows: whether the source can be deployed, is already, and with which rules."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtests.models import Backtest
from livetrading.models import LiveStrategy
from livetrading.services.deploy import DeployRefused, Snapshot, Source, deployment_rules
from tradedesk.accounts.models import User
from tradedesk.core.rules import DEPLOYED_RULES, Rule


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A rule that a deployment has another value for than its backtest."""

    rule: Rule
    deployed: Any
    tested: Any


@dataclass(frozen=True, slots=True)
class DeployButton:
    """source: what the form posts. key: of one press. hint: why it cannot be deployed, "" when it can. existing: the
    identical deployment that is active already. changed: the rules that differ from the backtest's."""

    source: str
    key: str
    hint: str
    existing: LiveStrategy | None
    changed: list[ChangedRule]


def active_deployments(user: User) -> dict[str, LiveStrategy]:
    """The user's active live strategies in the user's mode, by fingerprint. One query."""
    active = user.live_strategies.filter(mode=user.mode, status=LiveStrategy.Status.ACTIVE)
    return {live.fingerprint: live for live in active}


def deploy_button(source: Source, active: Mapping[str, LiveStrategy]) -> DeployButton:
    """active: the deployments of `active_deployments`."""
    hint, existing = "", None
    try:
        existing = active.get(Snapshot.of(source).fingerprint())
    except DeployRefused as refusal:
        hint = str(refusal).rstrip(".") if source.symbols else "Add symbols first"
    return DeployButton(
        source=f"{source._meta.model_name}:{source.pk}",
        key=uuid.uuid4().hex,
        hint=hint,
        existing=existing,
        changed=changed_rules(source, source.rules) if isinstance(source, Backtest) else [],
    )


def changed_rules(source: Source, tested: Mapping[str, Any]) -> list[ChangedRule]:
    """The rules for which a deployment of `source` has another value than it was tested with."""
    deployed = deployment_rules(source).as_dict()
    return [
        ChangedRule(rule, deployed[name], tested[name])
        for name, rule in DEPLOYED_RULES.items()
        if name in tested and tested[name] != deployed[name]
    ]
