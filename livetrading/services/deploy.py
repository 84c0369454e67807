"""Deploy to Live: from a strategy, a backtest or an optimizer's row to a live strategy, in one press."""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction

from backtests.models import Backtest, Candidate
from backtests.provenance import describe
from backtests.services.bars import UnusableBars, usable_series
from livetrading.models import LiveStrategy
from livetrading.models.live_strategy import MAX_CHECK_INTERVAL, MIN_CHECK_INTERVAL
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.queue import enqueue_check_now
from strategies.kinds import InvalidParameters, make_kind
from strategies.models import Strategy
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import Notification, User
from tradedesk.accounts.services import notify
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import DEPLOYED_RULES, InvalidRules, RiskRules, Unit, fully_invested
from tradedesk.marketdata.library import NoBars

Source = Strategy | Backtest | Candidate
MISSING = object()


class DeployRefused(Exception):
    """What stands against the deployment, by field; the messages can be shown to a person."""

    def __init__(self, **errors: str) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


class AlreadyDeployed(DeployRefused):
    """The same deployment is active already."""

    def __init__(self, existing: LiveStrategy) -> None:
        super().__init__(strategy_id=f"“{existing.name}” is already active with the same settings.")
        self.existing = existing


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the trader may choose when deploying. check_interval: seconds of market time. rules: those that are not
    to be as `deployment_rules` has them, by name; None leaves a rule as it is."""

    check_interval: int = 300
    auto_execute: bool = True
    rules: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises DeployRefused with every value out of bounds."""
        errors = {}
        low, high = MIN_CHECK_INTERVAL, MAX_CHECK_INTERVAL
        if not low <= self.check_interval <= high:
            errors["check_interval"] = f"The check interval must be between {low} and {high:,} seconds."
        for name, value in self.rules.items():
            try:
                if value is not None:
                    DEPLOYED_RULES[name].check(value)
            except InvalidRules as refusal:
                errors[name] = str(refusal)
        if errors:
            raise DeployRefused(**errors)


def deployment_rules(source: Source) -> RiskRules:
    """The trading rules of a deployment of `source`: every rule of the backtest or the optimizer run that it comes
    from, within the bounds of a deployment.

    A backtest that was given neither a position size nor a number of positions invests all of its capital; a
    deployment then has the defaults of these two, as for a strategy without a backtest.
    """
    found = {name: rule.default for name, rule in DEPLOYED_RULES.items()}
    for name, value in _tested_rules(source).items():
        high = DEPLOYED_RULES[name].high
        found[name] = min(value, high) if isinstance(value, int | float) and value > high else value
    return RiskRules.from_dict(found)


def _tested_rules(source: Source) -> dict[str, Any]:
    """The rules that the source was tested with, without a size that only says “fully invested”."""
    if isinstance(source, Strategy):
        return {}
    rules = source.rules if isinstance(source, Backtest) else source.run.rules_on(source.universe).as_dict()
    default = fully_invested(len(source.symbols))
    if rules["position_size_pct"] != default["position_size_pct"]:
        return dict(rules)
    return {name: value for name, value in rules.items() if value != default.get(name, MISSING)}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is deployed: never edited afterwards."""

    strategy: Strategy | None
    name: str
    kind: str
    parameters: dict[str, Any]
    symbols: list[str]
    timeframe: str
    rules: RiskRules
    backtest: Backtest | None = None
    candidate: Candidate | None = None

    @classmethod
    def of(cls, source: Source, symbols: Iterable[str] | None = None) -> "Snapshot":
        """Raises DeployRefused for no symbols, for what is no symbol, and for a backtest that did not gain."""
        try:
            wanted = clean_symbols(list(source.symbols if symbols is None else symbols))
        except InvalidStrategy as error:
            raise DeployRefused(symbols=str(error)) from None
        if not wanted:
            raise DeployRefused(symbols="Choose at least one symbol to trade.")
        values, rules = (source.kind, dict(source.parameters), wanted), deployment_rules(source)
        if isinstance(source, Strategy):
            return cls(source, source.name, *values, source.timeframe, rules)
        if isinstance(source, Backtest):
            if not source.is_deployable:
                raise DeployRefused(backtest_id="Only a completed backtest that gained can be deployed.")
            return cls(source.strategy, source.strategy_name, *values, source.timeframe, rules, backtest=source)
        run = source.run
        return cls(source.strategy, source.title, *values, run.timeframe, rules, candidate=source)

    def fingerprint(self) -> str:
        """SHA-256 over what makes two deployments the same: limits and order of symbols do not."""
        origin = self.strategy.pk if self.strategy else None
        parts = [origin, self.kind, self.parameters, sorted(self.symbols), self.timeframe]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def deploy(
    user: User,
    source: Source,
    *,
    now: datetime,
    deploy_key: str = "",
    symbols: Iterable[str] | None = None,
    name: str = "",
    choices: Choices | None = None,
) -> LiveStrategy:
    """Deploy `source` in the user's mode and check it at once. The same deploy_key again answers the same
    live strategy: a double click deploys once. Raises DeployRefused, AlreadyDeployed."""
    deploy_key = (deploy_key or uuid.uuid4().hex)[:64]
    snapshot = Snapshot.of(source, symbols)
    if pressed := _same_press(user, deploy_key, snapshot):
        return pressed
    provenance = _provenance(snapshot)
    active = user.live_strategies.filter(
        mode=user.mode, fingerprint=snapshot.fingerprint(), status=LiveStrategy.Status.ACTIVE
    )
    if existing := active.first():
        raise AlreadyDeployed(existing)
    try:
        equity = broker_for(user.pk, user.mode, now).account().equity
    except NoBroker as error:
        raise DeployRefused(mode=str(error)) from None
    try:
        with transaction.atomic():
            live = _create(user, snapshot, deploy_key, name, choices or Choices(), equity, provenance, now)
            notify(user, Notification.Level.SUCCESS, deployed_notice(live), "/dashboard/live-trading", now)
            transaction.on_commit(lambda: enqueue_check_now(live.pk))
    except IntegrityError:
        # Another press came first: the same one (its key) or the same deployment from another page.
        if pressed := _same_press(user, deploy_key, snapshot):
            return pressed
        if existing := active.first():
            raise AlreadyDeployed(existing) from None
        raise
    bump_version(user.pk)
    return live


def deployed_notice(live: LiveStrategy) -> str:
    """What the trader is told after the press, on the page, by the API and in the notifications."""
    return f"“{live.name}” deployed. Now monitoring {', '.join(live.symbols)}."


def _same_press(user: User, deploy_key: str, snapshot: Snapshot) -> LiveStrategy | None:
    """What this press has deployed already. Raises DeployRefused when its key was used for something else."""
    pressed = user.live_strategies.filter(deploy_key=deploy_key).first()
    if pressed and pressed.fingerprint != snapshot.fingerprint():
        raise DeployRefused(deploy_key="This key was used for another deployment. Send a new one.")
    return pressed


def _provenance(snapshot: Snapshot) -> dict[str, Any]:
    """The same record a backtest keeps. Raises DeployRefused for a kind or parameters that no longer hold, and for
    bars that are missing or not split-adjusted."""
    try:
        make_kind(snapshot.kind, snapshot.parameters)
        return describe(snapshot.kind, usable_series(snapshot.symbols, snapshot.timeframe))
    except InvalidParameters as error:
        raise DeployRefused(parameters=str(error)) from None
    except (NoBars, UnusableBars) as error:
        raise DeployRefused(symbols=str(error)) from None


def _create(
    user: User,
    snapshot: Snapshot,
    deploy_key: str,
    name: str,
    choices: Choices,
    equity: Decimal,
    provenance: dict[str, Any],
    now: datetime,
) -> LiveStrategy:
    rules = snapshot.rules.as_dict() | {name: value for name, value in choices.rules.items() if value is not None}
    live = LiveStrategy(
        user=user,
        name=(" ".join(name.replace("\0", "").split()) or f"Live - {snapshot.name}")[:100],
        strategy=snapshot.strategy,
        backtest=snapshot.backtest,
        candidate=snapshot.candidate,
        deploy_key=deploy_key,
        mode=user.mode,
        kind=snapshot.kind,
        parameters=snapshot.parameters,
        symbols=snapshot.symbols,
        timeframe=snapshot.timeframe,
        provenance=provenance,
        fingerprint=snapshot.fingerprint(),
        deployed_at=now,
        starting_equity=equity,
        check_interval=choices.check_interval,
        auto_execute=choices.auto_execute,
        next_check_at=now,
        **{name: _stored(name, value) for name, value in rules.items()},
    )
    live.save()
    return live


def _stored(name: str, value: Any) -> Any:
    """The value of a rule as its column holds it."""
    in_dollars = DEPLOYED_RULES[name].unit is Unit.DOLLARS and value is not None
    return to_decimal(float(value)) if in_dollars else value
