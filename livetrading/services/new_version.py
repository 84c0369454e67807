"""Deploy a new version of a live strategy: other parameters, symbols or limits, in the place of the old one."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState
from livetrading.models.trade import Trade, trades_of
from livetrading.services.audited import audited
from livetrading.services.deploy import (
    AlreadyDeployed,
    DeploymentSettings,
    DeployRefused,
    Snapshot,
    check_room,
    create_live,
    deployed_with_key,
    provenance_of,
    rules_of,
)
from livetrading.services.entries import cancel_entries
from livetrading.services.evidence import copy_evidence
from livetrading.services.promotion import keep_promotion
from livetrading.services.queue import enqueue_check_now
from livetrading.services.trade_totals import Totals
from livetrading.services.wording import counted
from strategies.kinds import InvalidParameters, make_kind
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record_all
from tradedesk.core.money import to_decimal
from tradedesk.core.names import name_problem
from tradedesk.marketdata.quotes import closing_price, read_quotes
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

ON_ITS_WAY = "An entry is being sent, and the broker has not answered yet. Try again in a moment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs from the old version; what is None or not named stays. parameters: by name. check_interval:
    seconds of market time. rules: by name; None switches a rule off that can be off. hand_over: whether the open
    lots go over to the new version."""

    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    symbols: Iterable[str] | None = None
    check_interval: int | None = None
    auto_execute: bool | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    hand_over: bool = False


@dataclass(frozen=True, slots=True)
class NewVersion:
    """handed_over: the symbols of the lots that the new version has now. left: of those that stay with the old
    one, which is stopped; they keep their protection."""

    live: LiveStrategy
    handed_over: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def deploy_new_version(
    old: LiveStrategy,
    changes: Changes,
    *,
    now: datetime,
    wall_now: datetime,
    deploy_key: str = "",
    actor: User | str | None = None,
) -> NewVersion:
    """Stop `old` and deploy its new version in the same account, in one transaction. The old record stays, with
    its signals, closed trades and what these have realized.

    A lot that is handed over takes all of its orders, its protection and its own profit so far along; the daily
    loss and the drawdown of the new version count from here on. A repeated deploy_key returns the same version.
    Raises DeployRefused and AlreadyDeployed; then nothing is changed.
    """
    deploy_key = (deploy_key or uuid.uuid4().hex)[:64]
    snapshot = _snapshot(old, changes)
    if deployed := deployed_with_key(old.user, deploy_key, snapshot):
        return NewVersion(deployed)
    settings = DeploymentSettings(
        check_interval=old.check_interval if changes.check_interval is None else changes.check_interval,
        auto_execute=old.auto_execute if changes.auto_execute is None else changes.auto_execute,
        rules=changes.rules,
    )
    rules = rules_of(snapshot, settings)
    provenance = provenance_of(old.user, snapshot, now)
    check_room(old.account, instead_of=old)
    try:
        with transaction.atomic():
            # With the row lock no fill is booked and no check decides meanwhile.
            account = BrokerAccount.locked(old.account_id)
            old = LiveStrategy.objects.select_related("user", "account").get(pk=old.pk)
            status = old.status
            if old.orders.filter(
                purpose=Order.Purpose.ENTRY, state__in=(OrderState.SUBMITTING, OrderState.UNKNOWN)
            ).exists():
                # The new version would not know of it, and buy the same again.
                raise DeployRefused(strategy_id=ON_ITS_WAY)
            LiveStrategy.objects.filter(pk=old.pk).update(status=LiveStrategy.Status.STOPPED)
            by = actor or old.user
            cancelled = cancel_entries(old, "A new version was deployed.", wall_now, by)
            name = changes.name or old.name
            live = create_live(account, snapshot, deploy_key, name, settings, rules, provenance, now)
            held = trades_of(old, old.mode).filter(exit_time=None).order_by("symbol", "pk")
            lots: list[Trade] = list(held)
            taken = [lot for lot in lots if changes.hand_over and lot.symbol in live.symbols]
            _hand_over(old, live, taken, now)
            live.previous_version, live.size_fraction = old, old.size_fraction
            live.on_leaving = old.on_leaving
            if live.fingerprint == old.fingerprint:
                live.promoted_from_id = old.promoted_from_id
            live.save()
            copy_evidence(old, live)
            keep_promotion(old, live)
            made = NewVersion(live, _symbols(taken), _symbols(lot for lot in lots if lot not in taken))
            notify(old.user, Event.DEPLOYED, new_version_message(made), f"/dashboard/live-trading/{live.pk}", now)
            details = {"previous_version": old.pk, "handed_over": made.handed_over, "left": made.left}
            stop = Entry(by, "stop", old, {"before": status, "after": "stopped"})
            version = Entry(by, "new_version", live, audited(live) | details)
            record_all([stop, *cancelled, version], wall_now)
            transaction.on_commit(lambda: enqueue_check_now(live.pk), robust=True)
    except IntegrityError:
        # A concurrent request was first: with the same key, or with the same deployment.
        if deployed := deployed_with_key(old.user, deploy_key, snapshot):
            return NewVersion(deployed)
        same = {"fingerprint": snapshot.fingerprint(), "status": LiveStrategy.Status.ACTIVE}
        if existing := old.account.live_strategies.filter(**same).first():
            raise AlreadyDeployed(existing) from None
        raise
    bump_version(old.user_id)
    return made


def new_version_message(made: NewVersion) -> str:
    """What was done, for the page, the API and the notification."""
    text = f"A new version of “{made.live.name}” is deployed, and the old one is stopped."
    if made.handed_over:
        text += f" It has taken over {', '.join(made.handed_over)}."
    if made.left:
        stay = counted(len(made.left), "open position stays", "open positions stay")
        text += f" {stay} with the old version, with the stops on: {', '.join(made.left)}."
    return text


def _snapshot(old: LiveStrategy, changes: Changes) -> Snapshot:
    if problem := name_problem(changes.name):
        raise DeployRefused(name=problem)
    try:
        kind = make_kind(old.kind, dict(old.parameters) | dict(changes.parameters))
    except InvalidParameters as error:
        errors = {f"parameters.{name}" if name else "parameters": text for name, text in error.errors.items()}
        raise DeployRefused(**errors) from None
    try:
        symbols = clean_symbols(list(old.symbols if changes.symbols is None else changes.symbols))
    except InvalidStrategy as error:
        raise DeployRefused(symbols=str(error)) from None
    if not symbols:
        raise DeployRefused(symbols="Choose at least one symbol to trade.")
    same = kind.parameters == old.parameters and set(symbols) == set(old.symbols)
    return Snapshot(
        strategy=old.strategy,
        name=old.name,
        kind=old.kind,
        parameters=kind.parameters,
        symbols=symbols,
        timeframe=old.timeframe,
        rules=old.risk_rules(),
        # What was tested is what is deployed, or it is not named.
        backtest=old.backtest if same else None,
        candidate=old.candidate if same else None,
    )


def _hand_over(old: LiveStrategy, live: LiveStrategy, lots: list[Trade], now: datetime) -> None:
    """Give these lots of `old` to `live`, with all of their orders. The row of `live` is saved by the caller."""
    if old.has_tripped:
        # No way around today's limit.
        live.session, live.tripped_session, live.tripped_reason = (
            old.session,
            old.tripped_session,
            old.tripped_reason,
        )
    if not lots:
        return
    entries = [lot.opening_order_id for lot in lots]
    trades_of(old, old.mode).filter(pk__in=[lot.pk for lot in lots]).update(live_strategy=live)
    old.account.orders.filter(Q(pk__in=entries) | Q(opening_order__in=entries)).update(live_strategy=live)
    quotes = read_quotes(old.user_id, {(lot.symbol, lot.timeframe) for lot in lots}, now)
    unrealized = sum(
        float(lot.open_quantity)
        * (closing_price(quotes, (lot.symbol, lot.timeframe), float(lot.entry_price)) - float(lot.entry_price))
        for lot in lots
    )
    moved = sum((Totals.of(lot) for lot in lots), Totals())
    LiveStrategy.objects.filter(pk=old.pk).update(
        **{name: F(name) - value for name, value in moved.columns().items()}
    )
    # What the lots have made so far, in dollars: the new version begins with it, and it counts as no gain or loss.
    before = moved.realized + to_decimal(unrealized)
    for name, value in moved.columns().items():
        setattr(live, name, value)
    live.last_pnl = live.session_start_pnl = live.peak_pnl = before
    live.starting_equity -= before


def _symbols(lots: Iterable[Trade]) -> list[str]:
    return [lot.symbol for lot in lots]
