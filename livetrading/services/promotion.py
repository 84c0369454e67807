"""Promote a paper deployment to a live one, at first with a part of its size, and raise this size."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q

from backtests.models import Backtest
from backtests.research.robustness.as_expected import MIN_TESTED, Answer, MeanBand, as_expected
from livetrading.models import BrokerAccount, LiveStrategy, Promotion
from livetrading.models.live_strategy import MIN_SIZE_FRACTION
from livetrading.models.promotion import MAX_RAISE_AFTER, MIN_RAISE_AFTER
from livetrading.models.trade import Trades, trades_of
from livetrading.services.accounts import NoBroker, active_account
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
)
from livetrading.services.evidence import carry_evidence, copy_evidence
from livetrading.services.mode import problem_with_live
from livetrading.services.queue import enqueue_check_now
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import record
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.services import notify

Status = LiveStrategy.Status
# Of a backtest, the newest so many trades are what is expected; of a strategy, so many backtests are looked at.
MOST_TESTED, MOST_BACKTESTS = 2_000, 200
# The most promotions that one call of `raise_as_tested` looks at.
MOST_AT_ONCE = 50
PAPER_MODE = "You are in paper mode: switch to live mode first, because a promoted strategy trades real money."


class RaiseRefused(Exception):
    """The size was not raised; the message can be shown to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """fraction: the part of the size that the live deployment begins with. raise_after: the closed trades like the
    tested ones after which it trades the full size; None: only by hand. Raises DeployRefused out of bounds."""

    fraction: float = 0.25
    raise_after: int | None = None

    def __post_init__(self) -> None:
        errors = {}
        if problem := fraction_problem(self.fraction):
            errors["fraction"] = problem
        if self.raise_after is not None and not MIN_RAISE_AFTER <= self.raise_after <= MAX_RAISE_AFTER:
            errors["raise_after"] = f"Enter {MIN_RAISE_AFTER} to {MAX_RAISE_AFTER} trades."
        if errors:
            raise DeployRefused(**errors)


class Raised(NamedTuple):
    """before: the fraction until now, the same when nothing was changed."""

    live: LiveStrategy
    before: float


def fraction_problem(fraction: float) -> str:
    if MIN_SIZE_FRACTION <= fraction <= 1:
        return ""
    return f"The part of the size must be between {MIN_SIZE_FRACTION:.0%} and 100%."


def promotion_problem(paper: LiveStrategy, user: User) -> str:
    """Why `paper` cannot be promoted by its user now, "" when nothing is known against it."""
    if paper.mode != Mode.PAPER:
        return f"“{paper.name}” trades live already."
    if paper.status == Status.ERROR:
        return f"“{paper.name}” has stopped with an error. Put that right on paper first."
    if (problem := problem_with_live(user)) is not None:
        return str(problem)
    return "" if user.mode == Mode.LIVE else PAPER_MODE


def promote(
    paper: LiveStrategy,
    stages: Stages,
    *,
    now: datetime,
    wall_now: datetime,
    deploy_key: str = "",
    actor: User | None = None,
) -> LiveStrategy:
    """Deploy the same snapshot in the active live account, with a part of the size. The paper deployment stays as
    it is, so both can be compared. A repeated deploy_key returns the same live strategy. Raises DeployRefused and
    AlreadyDeployed; then nothing is changed."""
    user, deploy_key = paper.user, (deploy_key or uuid.uuid4().hex)[:64]
    snapshot = _snapshot(paper)
    if deployed := deployed_with_key(user, deploy_key, snapshot):
        if deployed.promoted_from_id != paper.pk:
            raise DeployRefused(deploy_key="This key was used for another deployment. Use a new key.")
        return deployed
    _check(paper, user)
    # What is kept is what was deployed on paper; this says whether it can be deployed now.
    provenance_of(user, snapshot, now)
    tested = returns_of_backtest(paper)
    if stages.raise_after is not None and len(tested) < MIN_TESTED:
        raise DeployRefused(raise_after=no_automatic_raise(len(tested)))
    settings = DeploymentSettings(check_interval=paper.check_interval, auto_execute=paper.auto_execute)
    try:
        with transaction.atomic():
            # The lock of whoever changes the mode or the active account.
            user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            _check(paper, user)
            account = _live_account(user)
            check_room(account)
            live = create_live(
                account, snapshot, deploy_key, paper.name, settings, snapshot.rules, paper.provenance, now
            )
            live.promoted_from, live.size_fraction, live.on_leaving = paper, stages.fraction, paper.on_leaving
            live.save(update_fields=["promoted_from", "size_fraction", "on_leaving"])
            Promotion.objects.create(
                live_strategy=live,
                first_fraction=stages.fraction,
                raise_after=stages.raise_after if stages.fraction < 1 else None,
                tested_returns=tested,
            )
            copy_evidence(paper, live)
            carry_evidence(live)
            page = f"/dashboard/live-trading/{live.pk}"
            notify(user, Event.DEPLOYED, promoted_message(live), page, now, priority=Priority.HIGH)
            details = {"promoted_from": paper.pk, "raise_after": stages.raise_after}
            record(actor or user, "promote", live, audited(live) | details, wall_now)
            transaction.on_commit(lambda: enqueue_check_now(live.pk), robust=True)
    except IntegrityError:
        # A concurrent press was first, or the same is deployed there already.
        if deployed := deployed_with_key(user, deploy_key, snapshot):
            return deployed
        same = {"fingerprint": snapshot.fingerprint(), "status": Status.ACTIVE}
        if existing := _live_account(user).live_strategies.filter(**same).first():
            raise AlreadyDeployed(existing) from None
        raise
    bump_version(user.pk)
    return live


def raise_size(
    live: LiveStrategy, to: float, now: datetime, wall_now: datetime, *, actor: User | str | None = None
) -> Raised:
    """Let the entries of `live` have this part of the size from the next decision on, by one conditional UPDATE.
    What is held stays as it is. Raises RaiseRefused when it has a larger part already."""
    if problem := fraction_problem(to):
        raise RaiseRefused(problem)
    with transaction.atomic():
        # With the row lock, a check decides by the old size or by the new one.
        BrokerAccount.locked(live.account_id)
        row = LiveStrategy.objects.filter(pk=live.pk)
        before = row.values_list("size_fraction", flat=True).get()
        raised = row.filter(size_fraction__lt=to).update(size_fraction=to) == 1
        if raised:
            live.refresh_from_db(fields=["size_fraction"])
            page = f"/dashboard/live-trading/{live.pk}"
            notify(live.user, Event.SIZE, raised_message(Raised(live, before)), page, now)
            bump_version(live.user_id)
            record(actor or live.user, "raise_size", live, {"before": before, "after": to}, wall_now)
    live.refresh_from_db(fields=["size_fraction"])
    if before > to:
        raise RaiseRefused(f"It trades {before:.0%} of its size already. To trade less, edit its position size.")
    return Raised(live, before)


def raise_as_tested(now: datetime, wall_now: datetime) -> int:
    """Let promoted strategies trade their full size whose closed trades are like the tested ones. Each is looked
    at once after every `raise_after` closed trades, so that many looks do not make chance pass. Returns how many
    were raised."""
    finished = Count("live_strategy__livetrades", filter=Q(live_strategy__livetrades__exit_time__isnull=False))
    due = Promotion.objects.filter(
        raise_after__isnull=False,
        live_strategy__size_fraction__lt=1,
        live_strategy__status=Status.ACTIVE,
        live_strategy__deleted_at=None,
    )
    due = due.annotate(finished=finished).filter(finished__gte=F("judged_trades") + F("raise_after"))
    rows = due.select_related("live_strategy__user", "live_strategy__account").order_by("pk")[:MOST_AT_ONCE]
    return sum(_judge(promotion, now, wall_now) for promotion in rows)


def returns_of_backtest(live: LiveStrategy) -> list[float]:
    """The returns of the closed trades, in its symbols, of the backtest that `live` was deployed from. Of a row of
    an optimizer run it is the backtest that the row was opened as, of a strategy the latest one of the same
    settings. The newest MOST_TESTED, empty without any."""
    backtest = live.backtest or _same_backtest(live)
    if backtest is None:
        return []
    closed = backtest.trades.filter(exit_time__isnull=False, symbol__in=live.symbols)
    return list(closed.order_by("-entry_time", "-pk").values_list("return_fraction", flat=True)[:MOST_TESTED])


def keep_promotion(old: LiveStrategy, live: LiveStrategy) -> None:
    """A new version that trades the same goes on with the trades to come; of any other the size is raised by hand,
    because it is not what was tested."""
    if live.fingerprint != old.fingerprint:
        return
    promotion = Promotion.objects.filter(live_strategy=old).first()
    if promotion is not None:
        values = {name: getattr(promotion, name) for name in ("first_fraction", "raise_after", "tested_returns")}
        Promotion.objects.create(live_strategy=live, **values)


def no_automatic_raise(tested: int) -> str:
    return (
        f"Its backtest has {tested} closed trades, and {MIN_TESTED} are needed to compare: raise the size by hand."
        if tested
        else "There is no backtest of just these settings to compare with: raise the size by hand."
    )


def promoted_message(live: LiveStrategy) -> str:
    """For the page, the API and the notification."""
    return f"“{live.name}” is promoted: it trades {live.size_fraction:.0%} of its size with real money."


def raised_message(raised: Raised) -> str:
    now = f"“{raised.live.name}” trades {raised.live.size_fraction:.0%} of its size"
    if raised.before == raised.live.size_fraction:
        return f"{now} already."
    return f"{now} from the next entry on, not {raised.before:.0%}. What it holds stays as it is."


def _check(paper: LiveStrategy, user: User) -> None:
    """Raises DeployRefused."""
    if problem := promotion_problem(paper, user):
        raise DeployRefused(mode=problem)


def _live_account(user: User) -> BrokerAccount:
    """Raises DeployRefused."""
    try:
        return active_account(user.pk, Mode.LIVE)
    except NoBroker as error:
        raise DeployRefused(mode=str(error)) from None


def _snapshot(paper: LiveStrategy) -> Snapshot:
    return Snapshot(
        strategy=paper.strategy,
        name=paper.name,
        kind=paper.kind,
        parameters=dict(paper.parameters),
        symbols=list(paper.symbols),
        timeframe=paper.timeframe,
        rules=paper.risk_rules(),
        backtest=paper.backtest,
        candidate=paper.candidate,
    )


def _same_backtest(live: LiveStrategy) -> Backtest | None:
    # Their numbers: the rows may be deleted while this is read.
    strategy, candidate = live.strategy_id, live.candidate_id
    if candidate is None and strategy is None:
        return None
    source = Q(strategy=strategy) if candidate is None else Q(candidate=candidate)
    same = {"status": Backtest.Status.COMPLETED, "kind": live.kind, "timeframe": live.timeframe}
    newest = live.user.backtests.filter(source, **same).defer("provenance", "buy_and_hold").order_by("-pk")
    for backtest in newest[:MOST_BACKTESTS]:
        if backtest.parameters == live.parameters and set(live.symbols) <= set(backtest.symbols):
            return backtest
    return None


def _judge(promotion: Promotion, now: datetime, wall_now: datetime) -> bool:
    """Compare the closed trades with the tested ones; returns whether the size was raised."""
    live = promotion.live_strategy
    later = _returns(trades_of(live, live.mode))
    answer, band = as_expected(np.array(promotion.tested_returns, np.float64), np.array(later, np.float64))
    finding = _finding(answer, band, later)
    with transaction.atomic():
        # Only one of two workers finds it as it was.
        found = Promotion.objects.filter(pk=promotion.pk, judged_trades=promotion.judged_trades)
        if not later or not found.update(judged_trades=len(later), finding=finding):
            return False
        if answer is Answer.WITHIN:
            return raise_size(live, 1.0, now, wall_now, actor=DESK).before < 1
        text = f"“{live.name}” stays at {live.size_fraction:.0%} of its size. {finding}"
        notify(live.user, Event.SIZE, text, f"/dashboard/live-trading/{live.pk}", now, priority=Priority.NORMAL)
        bump_version(live.user_id)
    return False


def _returns(trades: Trades) -> list[float]:
    return [trade.return_fraction for trade in trades.filter(exit_time__isnull=False)]


def _finding(answer: Answer, band: MeanBand | None, later: list[float]) -> str:
    if band is None:
        return no_automatic_raise(0)
    mean = f"The mean of {len(later)} live trades is {np.mean(later):+.2%}"
    return f"{mean}, {answer} the {band.low:+.2%} to {band.high:+.2%} that its backtest led one to expect."
