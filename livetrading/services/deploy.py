"""Deploy to Live: create a live strategy from a strategy, a backtest or a candidate of an optimizer run."""

import json
import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction

from backtests.bars_used import closed_bars_used
from backtests.models import Backtest, Candidate
from backtests.provenance import describe
from backtests.services.bars import UnusableBars, usable_series
from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.live_strategy import MAX_CHECK_INTERVAL, MIN_CHECK_INTERVAL, NAME_LENGTH
from livetrading.services.accounts import NoBroker, active_account
from livetrading.services.audited import audited
from livetrading.services.evidence import carry_evidence
from livetrading.services.queue import enqueue_check_now
from strategies.kinds import InvalidParameters, kinds, make_kind
from strategies.models import Strategy
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.core.declarations import InvalidRules, Unit
from tradedesk.core.money import to_decimal
from tradedesk.core.names import name_problem
from tradedesk.core.rules import DEPLOYED_RULES, RiskRules, fully_invested
from tradedesk.marketdata.clock import market_status
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.store import DamagedBars
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

Source = Strategy | Backtest | Candidate
ENDED = "The replay ended on {}: no session follows, so nothing would trade. Restart the replay first."


class DeployRefused(Exception):
    """Why the deployment is refused, by field; the messages can be shown to a person."""

    def __init__(self, **errors: str) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


class AlreadyDeployed(DeployRefused):
    """An identical deployment is already active."""

    def __init__(self, existing: LiveStrategy) -> None:
        super().__init__(strategy_id=f"“{existing.name}” is already active with the same settings.")
        self.existing = existing


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSettings:
    """The settings a trader may choose for a deployment. check_interval: seconds of market time. rules: values
    that replace those of `deployment_rules`, by name; None switches a rule off that can be off, and keeps any
    other. Raises DeployRefused for values out of bounds."""

    check_interval: int = 300
    auto_execute: bool = True
    rules: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
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


DEFAULTS = DeploymentSettings()


def deployment_rules(source: Source) -> RiskRules:
    """The trading rules of a deployment of `source`: every rule of its backtest or optimizer run. A position size
    or a number of positions above a deployment's upper bound is reduced to it.

    The fully invested size of a run for which no position size was set is not copied: the deployment then has the
    defaults, like a deployment of a strategy. Raises InvalidRules for a stored rule out of bounds.
    """
    rules = {name: rule.default for name, rule in DEPLOYED_RULES.items()}
    kind = kinds().get(source.kind)
    if isinstance(source, Strategy) and kind is not None:
        rules |= kind.rule_defaults
    for name, value in _tested_rules(source).items():
        if name not in DEPLOYED_RULES:
            continue  # a rule that the desk no longer has
        high = DEPLOYED_RULES[name].deploy_high
        rules[name] = value if high is None else min(value, high)
    return RiskRules.from_dict(rules)


def _tested_rules(source: Source) -> dict[str, Any]:
    """The rules that `source` was tested with, without a fully invested size."""
    if isinstance(source, Strategy):
        return {}
    rules = source.rules if isinstance(source, Backtest) else source.run.rules_on(source.universe).as_dict()
    fully = fully_invested(len(source.symbols))
    # Not exactly equal, because a form shows twelve digits of a size.
    if not math.isclose(rules["position_size_pct"], fully["position_size_pct"]):
        return dict(rules)
    return {
        name: value
        for name, value in rules.items()
        if name != "position_size_pct" and (name != "max_positions" or value != fully[name])
    }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is deployed; never edited afterwards."""

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
        """Raises DeployRefused for missing or invalid symbols, for rules out of bounds and for a backtest without
        a profit."""
        try:
            cleaned = clean_symbols(list(source.symbols if symbols is None else symbols))
        except InvalidStrategy as error:
            raise DeployRefused(symbols=str(error)) from None
        if not cleaned:
            raise DeployRefused(symbols="Choose at least one symbol to trade.")
        try:
            rules = deployment_rules(source)
        except InvalidRules as error:
            raise DeployRefused(**{error.field: str(error)}) from None
        values = (source.kind, dict(source.parameters), cleaned)
        if isinstance(source, Strategy):
            return cls(source, source.name, *values, source.timeframe, rules)
        if isinstance(source, Backtest):
            if not source.is_deployable:
                raise DeployRefused(backtest_id="Only a completed backtest with a profit can be deployed.")
            return cls(source.strategy, source.strategy_name, *values, source.timeframe, rules, backtest=source)
        run = source.run
        return cls(source.strategy, source.title, *values, run.timeframe, rules, candidate=source)

    def fingerprint(self) -> str:
        """SHA-256 of what identifies a deployment; the trading rules and the order of the symbols do not count."""
        origin = self.strategy.pk if self.strategy else None
        parts = [origin, self.kind, self.parameters, sorted(self.symbols), self.timeframe]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def deploy(
    user: User,
    source: Source,
    *,
    now: datetime,
    wall_now: datetime,
    deploy_key: str = "",
    symbols: Iterable[str] | None = None,
    name: str = "",
    settings: DeploymentSettings | None = None,
) -> LiveStrategy:
    """Deploy `source` in the active account of the user's mode and enqueue its first check. A repeated deploy_key
    returns the same live strategy, so a double click deploys once. Raises DeployRefused and AlreadyDeployed."""
    deploy_key = (deploy_key or uuid.uuid4().hex)[:64]
    if problem := name_problem(name):
        raise DeployRefused(name=problem)
    snapshot = Snapshot.of(source, symbols)
    if deployed := deployed_with_key(user, deploy_key, snapshot):
        return deployed
    settings = settings or DeploymentSettings()
    rules = rules_of(snapshot, settings)
    provenance = provenance_of(user, snapshot, now)
    try:
        account = active_account(user.pk, user.mode, wall_now)
    except NoBroker as error:
        raise DeployRefused(mode=str(error)) from None
    check_room(account)
    active = account.live_strategies.filter(fingerprint=snapshot.fingerprint(), status=LiveStrategy.Status.ACTIVE)
    if existing := active.first():
        if existing.deploy_key == deploy_key:
            return existing  # a double click
        raise AlreadyDeployed(existing)
    try:
        with transaction.atomic():
            # With the row lock, a revocation has either found this deployment, or is found here.
            if BrokerAccount.locked(account.pk).revoked:
                raise DeployRefused(mode=f"The account “{account.name}” is revoked.")
            live = create_live(account, snapshot, deploy_key, name, settings, rules, provenance, now)
            carry_evidence(live)
            notify(user, Event.DEPLOYED, deployment_message(live), "/dashboard/live-trading", now)
            record(user, "deploy", live, audited(live), wall_now)
            transaction.on_commit(lambda: enqueue_check_now(live.pk), robust=True)
    except IntegrityError:
        # A concurrent request was first: with the same key, or with the same deployment from another page.
        if deployed := deployed_with_key(user, deploy_key, snapshot):
            return deployed
        if existing := active.first():
            raise AlreadyDeployed(existing) from None
        raise
    bump_version(user.pk)
    return live


def check_room(account: BrokerAccount, *, instead_of: LiveStrategy | None = None) -> None:
    """Raises DeployRefused when the account cannot have another deployment. instead_of: one that it replaces."""
    if problem := ended_problem():
        raise DeployRefused(mode=problem)
    if account.revoked:
        raise DeployRefused(mode=f"The account “{account.name}” is revoked.")
    if problem := account.market_problem:
        raise DeployRefused(mode=problem)
    if not account.usable:
        raise DeployRefused(mode=f"The account “{account.name}” has not passed its test: see the settings.")
    if account.equity is None:
        raise DeployRefused(
            mode=f"The broker has not reported the equity of “{account.name}” yet. Try again soon."
        )
    if problem := room_problem(account.user_id, instead_of=instead_of):
        raise DeployRefused(mode=problem)


def ended_problem() -> str:
    """Why nothing can be deployed on a replay that has ended; "" while it plays. One query."""
    status = market_status()
    return ENDED.format(status.session) if status.ended else ""


def room_problem(user_id: int, *, instead_of: LiveStrategy | None = None) -> str:
    """Why the user cannot have another live strategy that is not stopped; empty if it can be."""
    others = LiveStrategy.objects.filter(user=user_id).exclude(status=LiveStrategy.Status.STOPPED)
    if instead_of is not None:
        others = others.exclude(pk=instead_of.pk)
    running = others.count()
    if running < django_settings.MAX_LIVE_STRATEGIES:
        return ""
    return f"You have {running} live strategies, the maximum for one user. Stop one first."


def rules_of(snapshot: Snapshot, settings: DeploymentSettings) -> RiskRules:
    """The rules of the snapshot with those that the trader chose. Raises DeployRefused for two that exclude each
    other."""
    chosen = {
        name: value for name, value in settings.rules.items() if value is not None or DEPLOYED_RULES[name].optional
    }
    try:
        return RiskRules.from_dict(snapshot.rules.as_dict() | chosen)
    except InvalidRules as refusal:
        raise DeployRefused(**{refusal.field: str(refusal)}) from None


def deployment_message(live: LiveStrategy) -> str:
    """The success message of the API, the notification and, with more, the page."""
    return f"“{live.name}” deployed. Now monitoring {', '.join(live.symbols)}."


def deployed_with_key(user: User, deploy_key: str, snapshot: Snapshot) -> LiveStrategy | None:
    """The live strategy that was deployed with this key, if any. Raises DeployRefused when the key belongs to
    another deployment."""
    deployed = LiveStrategy.with_deleted.filter(user=user, deploy_key=deploy_key).select_related("account").first()
    if deployed and deployed.deleted_at:
        raise DeployRefused(deploy_key="This key was used for a deployment that is deleted. Use a new key.")
    if deployed and deployed.fingerprint != snapshot.fingerprint():
        raise DeployRefused(deploy_key="This key was used for another deployment. Use a new key.")
    return deployed


def provenance_of(user: User, snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    """The code, and the bars that have closed at `now`, as a backtest stores them. Raises DeployRefused for an
    unknown kind, for invalid parameters and for bars that are missing, damaged or not adjusted for splits."""
    try:
        make_kind(snapshot.kind, snapshot.parameters)
        series = usable_series(user.pk, snapshot.symbols, snapshot.timeframe)
        return describe(snapshot.kind, closed_bars_used(series, snapshot.timeframe, now))
    except InvalidParameters as error:
        raise DeployRefused(parameters=str(error)) from None
    except (NoBars, UnusableBars, DamagedBars) as error:
        raise DeployRefused(symbols=str(error)) from None


def create_live(
    account: BrokerAccount,
    snapshot: Snapshot,
    deploy_key: str,
    name: str,
    settings: DeploymentSettings,
    rules: RiskRules,
    provenance: dict[str, Any],
    now: datetime,
) -> LiveStrategy:
    live = LiveStrategy(
        user_id=account.user_id,
        account=account,
        name=(" ".join(name.split()) or f"Live - {snapshot.name}")[:NAME_LENGTH],
        strategy=snapshot.strategy,
        backtest=snapshot.backtest,
        candidate=snapshot.candidate,
        deploy_key=deploy_key,
        kind=snapshot.kind,
        parameters=snapshot.parameters,
        symbols=snapshot.symbols,
        timeframe=snapshot.timeframe,
        provenance=provenance,
        fingerprint=snapshot.fingerprint(),
        deployed_at=now,
        starting_equity=account.equity,
        check_interval=settings.check_interval,
        auto_execute=settings.auto_execute,
        next_check_at=now,
        **{name: stored_value(name, value) for name, value in rules.as_dict().items()},
    )
    live.save()
    return live


def stored_value(name: str, value: Any) -> Any:
    """The value as the type of the rule's column."""
    in_dollars = DEPLOYED_RULES[name].unit is Unit.DOLLARS and value is not None
    return to_decimal(float(value)) if in_dollars else value
