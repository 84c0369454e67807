"""Execute one signal by hand, when its strategy does not: decided anew, by the rules of every check."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from livetrading.journal import orders_made
from livetrading.models import BarDecision, BrokerAccount, LiveStrategy, Order, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.pipeline.assets import known_assets
from livetrading.pipeline.checks import CheckContext, draft_set
from livetrading.pipeline.evaluate import Evaluation, evaluate
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.order_audit import made as created
from livetrading.services.queue import enqueue_orders, enqueue_tick_now
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record, record_all

INSTANT = timedelta(microseconds=1)
Outcome = SignalHistory.Outcome


class NotExecuted(Exception):
    """There is no order; the message can be shown to a person."""


def execute_signal(
    signal: SignalHistory, now: datetime, wall_now: datetime, *, actor: User | str | None = None
) -> Order:
    """Decide the waiting signal on today's books, limits and gate, and enqueue its order. A SELL can be executed
    as long as its lot is held, a BUY until the open that it is meant for is past.

    Exactly once: a repeated request returns the order of the first one. Raises NotExecuted with the reason; a
    signal that is refused keeps it and waits on.
    """
    try:
        return _execute(signal, now, wall_now, actor)
    except NotExecuted as refusal:
        reason = f"Not executed: {refusal}"[:300]
        waiting = SignalHistory.objects.filter(pk=signal.pk, outcome=Outcome.RECORDED)
        if waiting.exclude(reason=reason).update(reason=reason):
            bump_version(signal.user_id)
        raise


def _execute(signal: SignalHistory, now: datetime, wall_now: datetime, actor: User | str | None) -> Order:
    if made := Order.objects.filter(signal=signal).first():
        return made
    live, evaluation = _evaluated(signal, now)
    with transaction.atomic():
        # With the row lock, two presses decide one after the other.
        account = BrokerAccount.locked(signal.live_strategy.account_id)
        if not SignalHistory.objects.filter(pk=signal.pk, outcome=Outcome.RECORDED).exists():
            if made := Order.objects.filter(signal=signal).first():
                return made
            raise NotExecuted("This signal does not wait for an approval.")
        orders = _decided(signal, live, evaluation, account, now, wall_now)
        SignalHistory.objects.filter(pk=signal.pk).update(
            outcome=Outcome.ORDERED, code=DecisionCode.ORDERED, reason="", waits_until=None
        )
        BarDecision.objects.filter(signal=signal).update(code=DecisionCode.ORDERED, sentence="Executed by hand.")
        Order.objects.bulk_create(orders)
        orders_made(orders)
        order = orders[0]
        by, what = actor or signal.user, {"order": str(order.pk), "what": str(order)}
        record_all([Entry(by, "execute_signal", signal, what), *created(orders, by)], wall_now)
        to_send = [each.pk for each in orders if each.state == OrderState.PENDING]
        transaction.on_commit(lambda: enqueue_orders(to_send), robust=True)
        # An exit may wait until its shares are free.
        transaction.on_commit(lambda: enqueue_tick_now(account.pk), robust=True)
    bump_version(signal.user_id)
    return order


def dismiss_signal(signal: SignalHistory, wall_now: datetime, *, actor: User | str | None = None) -> bool:
    """Leave the waiting signal alone for good. Returns whether it waited."""
    with transaction.atomic():
        waiting = SignalHistory.objects.filter(pk=signal.pk, outcome=Outcome.RECORDED)
        dismissed = waiting.update(
            outcome=Outcome.REFUSED, code=DecisionCode.DISMISSED, reason="You dismissed it.", waits_until=None
        )
        if dismissed:
            record(actor or signal.user, "dismiss_signal", signal, {}, wall_now)
    if dismissed:
        bump_version(signal.user_id)
    return dismissed == 1


def _evaluated(signal: SignalHistory, now: datetime) -> tuple[LiveStrategy, Evaluation]:
    """The strategy as it is, and what it sees now, with this signal as the only one. Raises NotExecuted."""
    live = LiveStrategy.objects.select_related("user").filter(pk=signal.live_strategy_id).first()
    if live is None:
        raise NotExecuted("The live strategy is deleted.")
    # As if no check had seen its bar.
    live.evaluated_bars = live.evaluated_bars | {signal.symbol: (signal.bar_time - INSTANT).isoformat()}
    evaluations, errors = evaluate([live], now)
    if error := errors.get(live.pk):
        raise NotExecuted(f"The signal could not be checked: {str(error) or type(error).__name__}")
    evaluation = evaluations[live.pk]
    of_symbol = [event for event in evaluation.events if event.symbol == signal.symbol]
    if any(event.bar_time > signal.bar_time for event in of_symbol):
        raise NotExecuted(f"A newer signal of {signal.symbol} has replaced it.")
    same = [event for event in of_symbol if event.bar_time == signal.bar_time]
    if not same or same[0].side.name.lower() != signal.side:
        raise NotExecuted("The bars have changed since, and the strategy does not give this signal any more.")
    return live, replace(evaluation, bars=same)


def _decided(
    signal: SignalHistory,
    live: LiveStrategy,
    evaluation: Evaluation,
    account: BrokerAccount,
    now: datetime,
    wall_now: datetime,
) -> list[Order]:
    """The order and its protective exits. Raises NotExecuted when the gate, a limit or the size refuses."""
    try:
        capabilities = broker_for(account, now).capabilities
    except NoBroker as error:
        raise NotExecuted(str(error)) from None
    fresh = LiveStrategy.objects.select_related("user").get(pk=live.pk)
    fresh.auto_execute = True
    equity = None if account.equity is None else float(account.equity)
    assets = known_assets(account, [signal.symbol], now)
    context = CheckContext(equity, capabilities, now, wall_now, assets=assets)
    drafts = draft_set(account, [fresh], {fresh.pk: evaluation}, context)
    if not drafts.signals:
        raise NotExecuted(f"This strategy holds or has ordered {signal.symbol} already.")
    (drafted,) = drafts.signals
    if drafted.outcome != Outcome.ORDERED:
        raise NotExecuted(drafted.reason)
    for order in drafts.orders:
        if order.signal is drafted:
            order.signal = signal
    return drafts.orders
