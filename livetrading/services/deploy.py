"""Deploy to Live: from a strategy, a backtest or an optimizer's row to a live strategy, in one press."""

import json
import uuid
from collections.abc import Iterable
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
from livetrading.services.accounts import NoBroker, broker_for
from strategies.kinds import InvalidParameters, make_kind
from strategies.models import Strategy
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.accounts.changes import touch
from tradedesk.accounts.models import Notification, User
from tradedesk.accounts.services import notify
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import InvalidRules
from tradedesk.marketdata.library import NoBars

Source = Strategy | Backtest | Candidate

# A trial's rules that a deployment carries over; size and number of positions are the deployment's own.
CARRIED_RULES = ("stop_loss_pct", "take_profit_pct", "signal_threshold", "max_drawdown_pct", "fractional")


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
class Limits:
    """What the trader may choose when deploying; the quick deploy takes these defaults. Money in dollars."""

    check_interval: int = 300
    auto_execute: bool = True
    max_positions: int = 5
    position_size_pct: float = 0.02
    max_position_size: float | None = None
    daily_loss_limit: float | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("check_interval", 60, 3600),
            ("max_positions", 1, 20),
            ("position_size_pct", 0.001, 0.5),
            ("max_position_size", 1, 1e9),
            ("daily_loss_limit", 1, 1e9),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise DeployRefused(**{name: f"{name} must be between {low:g} and {high:g}, not {value:g}."})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is deployed: never edited afterwards."""

    strategy: Strategy | None
    name: str
    kind: str
    parameters: dict[str, Any]
    symbols: list[str]
    timeframe: str
    rules: dict[str, Any] = field(default_factory=dict)
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
        values = (source.kind, dict(source.parameters), wanted)
        if isinstance(source, Strategy):
            return cls(source, source.name, *values, source.timeframe)
        if isinstance(source, Backtest):
            if not source.is_deployable:
                raise DeployRefused(backtest_id="Only a completed backtest that gained can be deployed.")
            rules = _carried(source.rules)
            return cls(source.strategy, source.strategy_name, *values, source.timeframe, rules, backtest=source)
        run = source.run
        rules = _carried(run.rules_on(source.market).as_dict())
        return cls(source.strategy, source.title, *values, run.timeframe, rules, candidate=source)

    def fingerprint(self) -> str:
        """SHA-256 over what makes two deployments the same: limits and order of symbols do not."""
        origin = self.strategy.pk if self.strategy else None
        parts = [origin, self.kind, self.parameters, sorted(self.symbols), self.timeframe]
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _carried(rules: dict[str, Any]) -> dict[str, Any]:
    return {name: rules[name] for name in CARRIED_RULES if name in rules}


def deploy(
    user: User,
    source: Source,
    *,
    now: datetime,
    deploy_key: str = "",
    symbols: Iterable[str] | None = None,
    name: str = "",
    limits: Limits | None = None,
) -> LiveStrategy:
    """Deploy `source` in the user's mode and check it at once. The same deploy_key again answers the same
    live strategy: a double click deploys once. Raises DeployRefused, AlreadyDeployed."""
    from livetrading.tasks import check_now  # the queue's doors import the services

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
            live = _create(user, snapshot, deploy_key, name, limits or Limits(), equity, provenance, now)
            notify(user, Notification.Level.SUCCESS, deployed_notice(live), "/dashboard/live-trading", now)
            transaction.on_commit(lambda: check_now.delay(live.pk))
    except IntegrityError:
        # Another press came first: the same one (its key) or the same deployment from another page.
        if pressed := _same_press(user, deploy_key, snapshot):
            return pressed
        if existing := active.first():
            raise AlreadyDeployed(existing) from None
        raise
    touch(user.pk)
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
    limits: Limits,
    equity: Decimal,
    provenance: dict[str, Any],
    now: datetime,
) -> LiveStrategy:
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
        check_interval=limits.check_interval,
        auto_execute=limits.auto_execute,
        max_positions=limits.max_positions,
        position_size_pct=limits.position_size_pct,
        max_position_size=None if limits.max_position_size is None else to_decimal(limits.max_position_size),
        daily_loss_limit=None if limits.daily_loss_limit is None else to_decimal(limits.daily_loss_limit),
        next_check_at=now,
        **snapshot.rules,
    )
    try:
        live.risk_rules()
    except InvalidRules as error:
        raise DeployRefused(**{error.field: str(error)}) from None
    live.save()
    return live
