"""The decisions of a set of live strategies: signals -> risk -> history and orders, in one transaction."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction

from livetrading.brokers.protocol import Asset, Capabilities
from livetrading.journal import orders_made, signals_refused
from livetrading.models import BarDecision, BrokerAccount, LiveStrategy, Order, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.models.live_strategy import CHECKED
from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.signal import WAITS, OrderSide
from livetrading.pipeline.allowance import Allowance, StrategyAllowance, note_blocks
from livetrading.pipeline.basis import Inputs
from livetrading.pipeline.book import StrategyBook, read_books
from livetrading.pipeline.cooldown import bars_since_loss
from livetrading.pipeline.decide import Decision, decide
from livetrading.pipeline.equity_state import trip_limits, update_equity_state
from livetrading.pipeline.evaluate import Evaluation
from livetrading.pipeline.gate import gate
from livetrading.pipeline.next_check import NextChecks
from livetrading.pipeline.protection import exits_of_entry
from livetrading.pipeline.record import record, what_was_seen
from livetrading.pipeline.validity import close_of, entry_valid_until
from livetrading.services.notifications import notify_late, notify_limit, notify_waiting
from livetrading.services.order_audit import made as created
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import Entry, record_all
from tradedesk.bulk import insert_new, update_columns
from tradedesk.core.bars import Timeframe
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import RiskRules
from tradedesk.core.signals import Side
from tradedesk.marketdata import sessions

# The columns that a check writes; the rules and the status belong to the trader.
CHECK_FIELDS = (
    "session",
    "session_start_pnl",
    "last_pnl",
    "peak_pnl",
    "tripped_session",
    "tripped_reason",
    "reported_drawdown_peak",
    "last_bar_time",
    "evaluated_bars",
    "last_check_at",
    "next_check_at",
    "last_seen",
    "last_error",
    "failures",
    "kind_failures",
)
# What the evaluation of a strategy reads, and of that what its decision does not: what a row costs is its columns.
EVALUATED = (
    "user",
    "account",
    "kind",
    "parameters",
    "symbols",
    "timeframe",
    "trailing_stop_atr",
    "evaluated_bars",
    "last_bar_time",
)
EVALUATED_ONLY = ("parameters", "provenance")
ORDERED = SignalHistory.Outcome.ORDERED


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What all checks of one tick share. equity: of the account, in dollars; None when the broker did not report
    it. now, wall_now: market and wall time. reported: the client_order_ids of the broker's working orders. assets:
    what the broker says of symbols, as far as it is known."""

    equity: float | None
    capabilities: Capabilities
    now: datetime
    wall_now: datetime
    reported: Collection[str] = frozenset()
    assets: Mapping[str, Asset] = field(default_factory=dict)


@dataclass(slots=True)
class Drafts:
    """The rows that a set writes. decisions: by the id of the live strategy. tripped: the strategies whose loss
    limits have just tripped, and what to tell of it."""

    signals: list[SignalHistory] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    decisions: dict[int, list[BarDecision]] = field(default_factory=dict)
    tripped: list[tuple[LiveStrategy, str]] = field(default_factory=list)

    def known(self) -> set[tuple[object, ...]]:
        """The keys of those signals that are stored already: a repeated check writes nothing. One query."""
        if not self.signals:
            return set()
        times = {signal.bar_time for signal in self.signals}
        ids = {signal.live_strategy_id for signal in self.signals}
        stored = SignalHistory.objects.filter(live_strategy__in=ids, bar_time__in=times)
        return set(stored.order_by().values_list("live_strategy_id", "symbol", "bar_time", "side"))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known before a strategy decides. bars_since_loss: by symbol. allowance: of the whole account."""

    book: StrategyBook
    bars_since_loss: Mapping[str, int]
    allowance: Allowance


def check_set(account_id: int, evaluations: Mapping[int, Evaluation], context: CheckContext) -> list[uuid.UUID]:
    """Decide for the live strategies with these evaluations, and write their signals and orders. Returns the ids
    of the orders to send, exits first.

    All or nothing; a repeated check of the same bar writes nothing. The strategies decide one after the other, as
    each would alone. The number of queries does not depend on the number of strategies.
    """
    if not evaluations:
        return []
    with transaction.atomic():
        # The row lock serializes the checks of one account; a second check finds no new bars.
        account = BrokerAccount.locked(account_id)
        stored = account.live_strategies.defer(*EVALUATED_ONLY).order_by("pk")
        members = list(stored.filter(pk__in=list(evaluations), status__in=CHECKED))
        fresh = [live for live in members if _has_new_bars(live, evaluations[live.pk])]
        before = {live.pk: _progress(live) for live in members}
        drafts = draft_set(account, fresh, evaluations, context)
        orders = _write(drafts)
        # With the progress that keeps the trip, so that it is told once.
        for tripped, text in drafts.tripped:
            notify_limit(tripped, text, context.now)
        _report_late(account, drafts.signals, context.now)
        _report_waiting(account, drafts.signals, context.now)
        checks = NextChecks(context.now)
        for live in members:
            _finish(live, evaluations[live.pk], drafts.decisions.get(live.pk, []), checks)
        _store_progress(members, before)
        limits = [Entry(DESK, "limit_reached", live, {"reason": text}) for live, text in drafts.tripped]
        record_all([*limits, *created(orders)], context.wall_now)
    to_send = [order for order in orders if order.state == OrderState.PENDING]
    return [order.pk for order in sorted(to_send, key=lambda order: order.purpose == Order.Purpose.ENTRY)]


def _progress(live: LiveStrategy) -> list[object]:
    """The values of the columns that a check writes. A check replaces values, and changes none in place."""
    return [getattr(live, name) for name in CHECK_FIELDS]


def _store_progress(members: Sequence[LiveStrategy], before: Mapping[int, list[object]]) -> None:
    """Write the columns that have changed."""
    after = {live.pk: _progress(live) for live in members}
    changed = [
        name
        for column, name in enumerate(CHECK_FIELDS)
        if any(before[pk][column] != own[column] for pk, own in after.items())
    ]
    update_columns(members, changed)


def draft_set(
    account: BrokerAccount,
    strategies: Iterable[LiveStrategy],
    evaluations: Mapping[int, Evaluation],
    context: CheckContext,
) -> Drafts:
    """What these strategies decide, one after the other. Called under the account's row lock."""
    members = list(strategies)
    books = read_books(account, members)
    waited = bars_since_loss(account, members, evaluations)
    allowance = Allowance.read(account, context.capabilities, context.reported, context.now)
    drafts = Drafts()
    for live in members:
        live.account = account
        known = _Known(books[live.pk], waited.get(live.pk, {}), allowance)
        _draft(drafts, live, evaluations[live.pk], known, context)
    note_blocks(allowance.blocks, context.now)
    return drafts


def _has_new_bars(live: LiveStrategy, evaluation: Evaluation) -> bool:
    last = {symbol: live.last_evaluated(symbol) for symbol in evaluation.times}
    return any(before is None or evaluation.times[symbol] > before for symbol, before in last.items())


def _finish(live: LiveStrategy, evaluation: Evaluation, decisions: list[BarDecision], checks: NextChecks) -> None:
    """Note that the check is done."""
    now = checks.now
    if _has_new_bars(live, evaluation):
        live.last_bar_time = evaluation.newest
        newest = {symbol: time.isoformat() for symbol, time in evaluation.times.items()}
        live.evaluated_bars = {**live.evaluated_bars, **newest}
    live.last_check_at = now
    live.last_seen = what_was_seen(live, evaluation, decisions, now)
    live.next_check_at = checks.of(live, min(evaluation.times.values(), default=None))
    missing = ", ".join(evaluation.missing)
    live.last_error = f"No bars yet for {missing}." if missing else ""
    live.failures = live.kind_failures = 0


def _draft(
    drafts: Drafts,
    live: LiveStrategy,
    evaluation: Evaluation,
    known: _Known,
    context: CheckContext,
) -> None:
    """Add what one strategy decides."""
    book, rules = known.book, live.risk_rules()
    if not context.capabilities.fractional:
        rules = replace(rules, fractional=False)
    equity_state = update_equity_state(live, book, evaluation, context.equity)
    drafts.tripped += [(live, text) for text in trip_limits(live, rules, equity_state)]
    entries_gate = gate(Order.Purpose.ENTRY, live.account, live.account.user, live)
    decided: dict[tuple[str, datetime], tuple[Decision, SignalHistory]] = {}
    allowance = StrategyAllowance.for_orders(
        known.allowance, live.pk, evaluation.history, fractional=rules.fractional, ordered=live.auto_execute
    )
    for decision in decide(
        evaluation.events,
        book,
        rules,
        equity_state,
        entries_gate,
        known.bars_since_loss,
        allowance,
        live.size_fraction,
        context.assets,
    ):
        signal = _signal(live, decision, context.now)
        decided[signal.symbol, signal.bar_time] = decision, signal
        drafts.signals.append(signal)
        if signal.outcome == ORDERED:
            order = _order(live, signal, decision, rules, context)
            if signal.symbol in book.selling_part and order.purpose == Order.Purpose.EXIT:
                order.state = OrderState.WAITING  # the sale of a part ends first
            drafts.orders.append(order)
            if order.purpose == Order.Purpose.ENTRY:
                drafts.orders += exits_of_entry(
                    order, rules, decision.event.close, context.capabilities, decision.trailing_distance
                )
    inputs = None
    if evaluation.events:
        symbols = {event.symbol for event in evaluation.events}
        bought = {symbol: context.assets[symbol] for symbol in symbols if symbol in context.assets}
        inputs = Inputs(
            book, rules, equity_state, entries_gate, known.bars_since_loss, live.size_fraction, bought
        ).as_dict()
    drafts.decisions[live.pk] = list(record(live, evaluation, decided, context.now, inputs))


def _write(drafts: Drafts) -> list[Order]:
    """Store the signals that are not stored yet, and their orders. Returns these."""
    known = drafts.known()
    new = [s for s in drafts.signals if (s.live_strategy_id, s.symbol, s.bar_time, s.side) not in known]
    SignalHistory.objects.bulk_create(new)
    decisions = [decision for own in drafts.decisions.values() for decision in own]
    for decision in decisions:
        if decision.signal is not None:  # a signal that was stored before has its decision already
            decision.signal = decision.signal if decision.signal.pk else None
    insert_new(decisions)
    stored = {id(signal) for signal in new}
    orders: dict[uuid.UUID, Order] = {}
    for order in drafts.orders:
        opening = order.opening_order_id if order.signal is None else None
        if id(order.signal) in stored or opening in orders:
            order.signal_id = order.signal.pk if order.signal else None
            orders[order.pk] = order
    Order.objects.bulk_create(orders.values())
    orders_made(orders.values())
    signals_refused(signal for signal in new if signal.outcome == SignalHistory.Outcome.REFUSED)
    return list(orders.values())


def _report_late(account: BrokerAccount, signals: Iterable[SignalHistory], now: datetime) -> None:
    """An alarm about the new signals that the desk missed; those of bars before the deployment were nobody's."""
    late = [signal for signal in signals if signal.pk is not None and signal.code == DecisionCode.LATE]
    missed = [
        signal
        for signal in late
        if close_of(signal.bar_time, signal.live_strategy.timeframe) > signal.live_strategy.deployed_at
    ]
    if missed:
        notify_late(account, missed, now)


def _report_waiting(account: BrokerAccount, signals: Iterable[SignalHistory], now: datetime) -> None:
    """Ask for an approval of the new signals that are not executed automatically."""
    waiting = [signal for signal in signals if signal.pk is not None and signal.waits_until is not None]
    if waiting:
        notify_waiting(account, waiting, now)


def _signal(live: LiveStrategy, decision: Decision, now: datetime) -> SignalHistory:
    event = decision.event
    outcome, code, reason, waits_until = ORDERED, decision.code, "", None
    if not decision.quantity:
        outcome, reason = SignalHistory.Outcome.REFUSED, decision.reason
    elif not live.auto_execute:
        outcome, code = SignalHistory.Outcome.RECORDED, DecisionCode.NOT_AUTOMATIC
        reason = WAITS
        waits_until = entry_valid_until(event.closed_at, live.timeframe)
    return SignalHistory(
        live_strategy=live,
        user_id=live.user_id,
        symbol=event.symbol,
        bar_time=event.bar_time,
        side=OrderSide.BUY if event.side is Side.BUY else OrderSide.SELL,
        strength=event.strength,
        price=to_decimal(event.close),
        explanation=event.explanation[:200],
        outcome=outcome,
        code=code,
        reason=reason[:300],
        created_at=now,
        waits_until=waits_until,
    )


def _order(
    live: LiveStrategy, signal: SignalHistory, decision: Decision, rules: RiskRules, context: CheckContext
) -> Order:
    is_entry = signal.side == OrderSide.BUY
    order_id = uuid.uuid4()
    # Where protective orders hold the shares of a lot, an exit waits until they are free.
    free = is_entry or context.capabilities.attached_exits_at_fill
    # The open that a backtest fills at; an order that is decided later takes the market as it is.
    dated = Timeframe(live.timeframe).is_dated and not sessions.is_open(context.now)
    at_the_open = dated and context.capabilities.opening_auction
    return Order(
        id=order_id,
        client_order_id=Order.client_id_of(order_id),
        user_id=live.user_id,
        account_id=live.account_id,
        live_strategy=live,
        signal=signal,
        symbol=signal.symbol,
        timeframe=live.timeframe,
        side=signal.side,
        purpose=Order.Purpose.ENTRY if is_entry else Order.Purpose.EXIT,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.OPG if at_the_open else TimeInForce.DAY,
        quantity=decision.quantity,
        fractional=rules.fractional and context.assets.get(signal.symbol, Asset()).fractionable,
        priority=signal.strength,
        opening_order_id=decision.lot.opening_order_id if decision.lot else None,
        state=OrderState.PENDING if free else OrderState.WAITING,
        valid_until=entry_valid_until(decision.event.closed_at, live.timeframe) if is_entry else None,
        created_at=context.now,
        state_changed_at=context.wall_now,
    )


def due_strategies(account: BrokerAccount, now: datetime, only: Iterable[int], limit: int) -> list[LiveStrategy]:
    """The strategies of the account whose check is due, the most overdue first; with `only` these, whether due or
    not."""
    checked = account.live_strategies.filter(status__in=CHECKED)
    chosen = checked.filter(pk__in=list(only)) if only else checked.filter(next_check_at__lte=now)
    return list(chosen.only(*EVALUATED).order_by("next_check_at", "pk")[:limit])
