"""One tick of an account: reconcile, watch its losses, carry out its halts, protect, then evaluate and decide its
due strategies in sets."""

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import Case, F, Value, When

from livetrading.brokers.protocol import Asset, Broker
from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.pipeline.assets import ask_for_assets, known_assets
from livetrading.pipeline.backoff import back_off
from livetrading.pipeline.checks import CheckContext, check_set, due_strategies
from livetrading.pipeline.dispatch import LONGEST_CLAIM
from livetrading.pipeline.evaluate import Evaluation, evaluate
from livetrading.pipeline.execute import request_cancels
from livetrading.pipeline.expiry import cancel_entries_at_broker
from livetrading.pipeline.failures import record_failures
from livetrading.pipeline.fence import Fence
from livetrading.pipeline.flatten import flatten
from livetrading.pipeline.protect import protect
from livetrading.pipeline.reconcile import reconcile
from livetrading.pipeline.watch import watch
from livetrading.services.accounts import broker_for
from livetrading.services.restored import sells_nothing
from tradedesk.accounts.changes import bump_version
from tradedesk.core.signals import Side
from tradedesk.database_errors import is_database_down

log = logging.getLogger(__name__)

# The strategies that are decided in one transaction.
SET = 200
# A tick begins no further set after this wall time, so that a message takes about a second. What came before,
# which grows with the lots of the account, does not count: it would be made again for the sets that are left.
SETS_SECONDS = 0.6
# After repeated failures an account is tried again after this wall time at most.
LONGEST_PAUSE = LONGEST_CLAIM


@dataclass(slots=True)
class TickResult:
    """orders: to send, exits first. more: whether further strategies are due. pause: how long to leave the account
    alone, in wall time, because the tick failed."""

    orders: list[uuid.UUID] = field(default_factory=list)
    more: bool = False
    pause: timedelta = timedelta(0)


def tick(
    account_id: int,
    now: datetime,
    wall_now: datetime,
    *,
    only: tuple[int, ...] = (),
    checks: bool = True,
    renew: Callable[[], bool] = lambda: True,
    clock: Callable[[], datetime] | None = None,
) -> TickResult:
    """Run one tick at the market time `now`. only: check these strategies, whether due or not; a new deployment is
    checked immediately. checks: False for a tick that checks no strategy. renew: called between the stages, to
    keep the claim on the account; returns whether it is still held. clock: the wall time, read again before each
    cancellation; None when it does not pass.

    A strategy that cannot be evaluated is recorded and taken out; the rest goes on. When the account cannot be
    reconciled, nothing is decided, because the decisions would not know its fills. One that a restore has brought
    back changes nothing at the broker but its entries, until an operator lifts that.
    """
    account = BrokerAccount.objects.select_related("user", "paper_account").get(pk=account_id)
    if account.revoked or account.market_problem:
        return TickResult()  # the desk has no keys of it any more, or its broker has another market
    ids = {"account_id": account_id, "user_id": account.user_id}
    strategies = due_strategies(account, now, only, SET + 1) if checks else []
    result = TickResult(more=len(strategies) > SET)
    fence = Fence.from_claim(wall_now, clock)
    try:
        broker = broker_for(account, now)
        restored = sells_nothing(account)
        reconciled = reconcile(account, broker, now, wall_now)
        changed = reconciled.equity is not None and _watch(account, now, wall_now)
        changed |= cancel_entries_at_broker(account, broker.capabilities, now, wall_now)
        result.orders += flatten(account, broker.capabilities, now, wall_now)
        if not restored:
            result.orders += protect(
                account, broker.capabilities, reconciled.working, now, wall_now, reconciled.held, reconciled.prices
            )
        _keep(fence, renew)  # a slow broker must not use up the time for the cancellations
        request_cancels(account, broker, fence)
    except Exception as error:
        log.exception("Account %s could not be reconciled", account_id, extra=ids)
        record_failures({live.pk: error for live in strategies[:SET]}, now, wall_now)
        pause = _record_failure(account, error)
        return TickResult(pause=back_off(account_id, error, wall_now) or pause)
    for member_set in _sets(account, strategies, now, only, result):
        _keep(fence, renew)
        evaluations, errors = evaluate(member_set, now)
        _keep(fence, renew)
        assets = _assets(account, broker, evaluations.values(), now, ask=not result.orders)
        _keep(fence, renew)
        working = reconciled.working.keys()
        context = CheckContext(reconciled.equity, broker.capabilities, now, wall_now, working, assets)
        result.orders += _decide(account_id, evaluations, errors, context)
        if errors:
            for live_id, failure in errors.items():
                about = {**ids, "live_strategy_id": live_id}
                log.error("The check of live strategy %s failed", live_id, exc_info=failure, extra=about)
            record_failures(errors, now, wall_now)
    if strategies and not broker.capabilities.attached_exits_at_fill and not restored:
        # Exits that were just decided need their shares: what holds them is cancelled now.
        result.orders += protect(
            account, broker.capabilities, reconciled.working, now, wall_now, reconciled.held, reconciled.prices
        )
        request_cancels(account, broker, fence)
    if strategies or reconciled.changed or changed or result.orders:
        bump_version(account.user_id)
    return result


def _sets(
    account: BrokerAccount,
    due: list[LiveStrategy],
    now: datetime,
    only: tuple[int, ...],
    result: TickResult,
) -> Iterator[list[LiveStrategy]]:
    """The due strategies in sets, until the time of this message is over: the account was reconciled a moment ago,
    so a further set needs no message of its own. Says in the result whether more are due."""
    ends = monotonic() + SETS_SECONDS
    while due:
        result.more = len(due) > SET
        yield due[:SET]
        if only or not result.more or monotonic() > ends:
            return
        due = due_strategies(account, now, only, SET + 1)
    result.more = False


def _assets(
    account: BrokerAccount, broker: Broker, evaluations: Iterable[Evaluation], now: datetime, *, ask: bool
) -> Mapping[str, Asset]:
    """What the broker says of the symbols that are to be bought. ask: False when there are orders to send, which
    do not wait for it; a sale that is decided now does not either."""
    events = [event for evaluation in evaluations for event in evaluation.events]
    symbols = {event.symbol for event in events if event.side is Side.BUY}
    if not symbols:
        return {}
    if ask and not any(event.side is Side.SELL for event in events):
        ask_for_assets(account, broker, symbols, now)
    return known_assets(account, symbols, now)


def _keep(fence: Fence, renew: Callable[[], bool]) -> None:
    if renew():
        fence.renewed()
    else:
        fence.close()


def _decide(
    account_id: int,
    evaluations: Mapping[int, Evaluation],
    errors: dict[int, Exception],
    context: CheckContext,
    *,
    again: bool = True,
) -> list[uuid.UUID]:
    """Decide for the set; if it cannot be written, for each strategy alone, so that one failure stays one. again:
    one that lost its connection to the database is tried once more, with a new one: later its bar may be too old.
    """
    try:
        return check_set(account_id, evaluations, context)
    except Exception as error:
        if len(evaluations) == 1:
            if again and is_database_down(error):
                return _decide(account_id, evaluations, errors, context, again=False)
            errors[next(iter(evaluations))] = error
            return []
    orders: list[uuid.UUID] = []
    for live_id, evaluation in evaluations.items():
        orders += _decide(account_id, {live_id: evaluation}, errors, context)
    return orders


def _watch(account: BrokerAccount, now: datetime, wall_now: datetime) -> bool:
    """A limit that cannot be looked at must not hold back exits and protection."""
    try:
        return watch(account, now, wall_now)
    except Exception:
        log.exception("The losses of account %s could not be watched", account.pk)
        return False


def _record_failure(account: BrokerAccount, error: Exception) -> timedelta:
    reason = f"The account could not be reconciled: {str(error) or type(error).__name__}"[:300]
    # An account that its broker has blocked stays blocked.
    state = BrokerAccount.State
    degraded = Case(When(state=state.BLOCKED, then=F("state")), default=Value(state.DEGRADED))
    BrokerAccount.objects.filter(pk=account.pk).update(
        state=degraded, state_reason=reason, failures=F("failures") + 1
    )
    bump_version(account.user_id)
    return min(timedelta(seconds=2 ** min(account.failures, 10)), LONGEST_PAUSE)
