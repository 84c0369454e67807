"""The state of a Deploy button: whether the source can be deployed, is deployed already, and which rules
change."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from backtests.models import Backtest
from livetrading.models import LiveStrategy
from livetrading.services.deploy import DeployRefused, Snapshot, Source, deployment_rules
from tradedesk.accounts.models import User
from tradedesk.core.declarations import InvalidRules, Rule
from tradedesk.core.rules import DEPLOYED_RULES


class Existing(NamedTuple):
    """An active deployment."""

    pk: int
    name: str


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A rule whose value in a deployment differs from the tested value."""

    rule: Rule
    deployed: Any
    tested: Any


@dataclass(frozen=True, slots=True)
class DeployButton:
    """source: the posted id of the source. key: the deploy_key of the next press. hint: why the source cannot be
    deployed, "" when it can. existing: the active deployment with the same settings. changed: the rules that
    differ from those of the backtest. warning: "" or what the trader must know of these rules. size: of a
    position, as a fraction of the equity."""

    source: str
    key: str
    hint: str
    existing: Existing | None
    changed: list[ChangedRule]
    warning: str = ""
    size: float | None = None


def active_deployments(user: User) -> dict[str, Existing]:
    """The user's active live strategies in the active account of the user's mode, by fingerprint. One query of
    the few columns that a button shows."""
    active = user.live_strategies.filter(
        account__mode=user.mode, account__active=True, status=LiveStrategy.Status.ACTIVE
    )
    rows = active.order_by().values_list("fingerprint", "pk", "name")
    return {fingerprint: Existing(pk, name) for fingerprint, pk, name in rows}


def deploy_button(source: Source, active: Mapping[str, Existing]) -> DeployButton:
    """active: the result of `active_deployments`."""
    hint, existing, changed, warning, size = "", None, list[ChangedRule](), "", None
    try:
        snapshot = Snapshot.of(source)
        existing = active.get(snapshot.fingerprint())
        warning = snapshot.rules.stop_warning
        size = snapshot.rules.position_size_pct
        changed = changed_rules(source, source.rules) if isinstance(source, Backtest) else []
    except DeployRefused as refusal:
        hint = str(refusal).rstrip(".") if source.symbols else "Add symbols first"
    return DeployButton(
        source=f"{source._meta.model_name}:{source.pk}",
        key=uuid.uuid4().hex,
        hint=hint,
        existing=existing,
        changed=changed,
        warning=warning,
        size=size,
    )


def changed_rules(source: Source, tested: Mapping[str, Any]) -> list[ChangedRule]:
    """The rules whose value in a deployment of `source` differs from the tested value; none for a source whose
    rules are out of bounds, which cannot be deployed."""
    try:
        deployed = deployment_rules(source).as_dict()
    except InvalidRules:
        return []
    return [
        ChangedRule(rule, deployed[name], tested[name])
        for name, rule in DEPLOYED_RULES.items()
        if name in tested and tested[name] != deployed[name]
    ]
