"""One check of one live strategy: closed bars -> signals -> risk -> history and orders, in one transaction."""

import uuid
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction

from livetrading.models import LiveStrategy, Order, SignalHistory
from livetrading.models.signal import OrderSide
from livetrading.pipeline.book import StrategyBook, read_book
from livetrading.pipeline.decide import Decision, EquityState, decide
from livetrading.pipeline.evaluate import Evaluation, evaluate
from livetrading.pipeline.reconcile import reconcile
from livetrading.services.accounts import broker_for
from tradedesk.accounts.changes import bump_version
from tradedesk.core.bars import Timeframe, session_dates, to_datetime, to_datetime64
from tradedesk.core.money import to_decimal
from tradedesk.core.signals import Side
from tradedesk.marketdata import sessions

ACTIVE = LiveStrategy.Status.ACTIVE
# The columns that a check writes; the rules and the status belong to the trader.
CHECK_FIELDS = (
    "session",
    "session_start_pnl",
    "last_pnl",
    "peak_pnl",
    "last_bar_time",
    "evaluated_bars",
    "last_check_at",
    "next_check_at",
    "claimed_until",
    "last_error",
)


def check(live_id: int, now: datetime, wall_now: datetime) -> list[uuid.UUID]:
    """Check one live strategy at the market time `now`. Returns the ids of the orders to execute.

    A repeated check of the same bar writes nothing. The account is reconciled first, so that the decision knows
    the fills of the bar. Raises InvalidParameters, InvalidBars and OutcomeUnknown; nothing is written then.
    """
    live = LiveStrategy.objects.filter(pk=live_id, status=ACTIVE).first()
    if live is None:
        return []
    reconcile(live.user_id, live.mode, now, wall_now)
    evaluation = evaluate(live, now)
    equity = float(broker_for(live.user_id, live.mode, now).account().equity)
    with transaction.atomic():
        # The row lock serializes two checks of one strategy; the second one finds no new bars.
        locked = LiveStrategy.objects.select_for_update().filter(pk=live_id, status=ACTIVE).first()
        if locked is None:
            return []
        orders: list[uuid.UUID] = []
        if evaluation.newest is not None and _has_new_bars(locked, evaluation):
            orders = _decide_and_write(locked, evaluation, evaluation.newest, equity, now, wall_now)
            locked.last_bar_time = evaluation.newest
            locked.evaluated_bars |= {symbol: time.isoformat() for symbol, time in evaluation.times.items()}
        locked.last_check_at = now
        locked.next_check_at = next_check(locked, min(evaluation.times.values(), default=None), now)
        locked.claimed_until = None
        missing = ", ".join(evaluation.missing)
        locked.last_error = f"No bars yet for {missing}." if missing else ""
        locked.save(update_fields=CHECK_FIELDS)
    bump_version(live.user_id)
    return orders


def _has_new_bars(live: LiveStrategy, evaluation: Evaluation) -> bool:
    last = {symbol: live.last_evaluated(symbol) for symbol in evaluation.times}
    return any(before is None or evaluation.times[symbol] > before for symbol, before in last.items())


def next_check(live: LiveStrategy, oldest: datetime | None, now: datetime) -> datetime:
    """The time of the next check: after check_interval, or later while the market is closed and no new bar can
    arrive.

    oldest: time of the oldest among the newest bars of all symbols. A symbol that lags behind can still receive
    its bar.
    """
    soon = now + timedelta(seconds=live.check_interval)
    if oldest is None or sessions.is_open(soon):
        return soon
    bar_end = to_datetime(sessions.bar_close(np.array([to_datetime64(oldest)]), live.timeframe)[0])
    if bar_end < sessions.previous_close(soon):
        return soon  # the session's last bar has not arrived yet
    return sessions.next_close(soon) if live.timeframe == Timeframe.DAY else sessions.next_open(soon)


def _session_date(moment: datetime) -> date:
    day: date = session_dates(np.array([to_datetime64(moment)])).tolist()[0]
    return day


def _decide_and_write(
    live: LiveStrategy, evaluation: Evaluation, newest: datetime, equity: float, now: datetime, wall_now: datetime
) -> list[uuid.UUID]:
    book = read_book(live)
    equity_state = _update_equity_state(live, book, evaluation, newest, equity)
    decisions = decide(evaluation.events, book, live.risk_rules(), equity_state)
    orders = []
    for decision in decisions:
        signal = _record_signal(live, decision, now)
        if signal is not None and signal.outcome == SignalHistory.Outcome.ORDERED:
            orders.append(_create_order(live, signal, decision, now, wall_now).pk)
    return orders


def _update_equity_state(
    live: LiveStrategy, book: StrategyBook, evaluation: Evaluation, newest: datetime, equity: float
) -> EquityState:
    """Update the strategy's session start, profit and peak, and return its equity figures at this close."""
    pnl = book.realized + book.unrealized(evaluation.closes)
    session = _session_date(newest)
    if live.session != session:
        live.session, live.session_start_pnl = session, live.last_pnl
    live.last_pnl = to_decimal(pnl)
    live.peak_pnl = max(live.peak_pnl, live.last_pnl)
    start = float(live.starting_equity)
    return EquityState(
        equity=equity,
        own_equity=start + pnl,
        own_peak=start + float(live.peak_pnl),
        day_loss=float(live.session_start_pnl) - pnl,
    )


def _record_signal(live: LiveStrategy, decision: Decision, now: datetime) -> SignalHistory | None:
    """Store the signal. None when this signal of the bar is stored already."""
    event = decision.event
    outcome, reason = SignalHistory.Outcome.ORDERED, ""
    if not decision.quantity:
        outcome, reason = SignalHistory.Outcome.REFUSED, decision.reason
    elif not live.auto_execute:
        outcome, reason = SignalHistory.Outcome.RECORDED, "Automatic execution is off for this strategy."
    signal, created = SignalHistory.objects.get_or_create(
        live_strategy=live,
        symbol=event.symbol,
        bar_time=event.bar_time,
        side=OrderSide.BUY if event.side is Side.BUY else OrderSide.SELL,
        defaults={
            "user_id": live.user_id,
            "strength": event.strength,
            "price": to_decimal(event.close),
            "explanation": event.explanation[:200],
            "outcome": outcome,
            "reason": reason[:300],
            "created_at": now,
        },
    )
    return signal if created else None


def _create_order(
    live: LiveStrategy, signal: SignalHistory, decision: Decision, now: datetime, wall_now: datetime
) -> Order:
    is_entry, rules = signal.side == OrderSide.BUY, live.risk_rules()
    order_id = uuid.uuid4()
    return Order.objects.create(
        id=order_id,
        client_order_id=Order.client_id_of(order_id),
        user_id=live.user_id,
        live_strategy=live,
        signal=signal,
        mode=live.mode,
        symbol=signal.symbol,
        timeframe=live.timeframe,
        side=signal.side,
        purpose=Order.Purpose.ENTRY if is_entry else Order.Purpose.EXIT,
        quantity=decision.quantity,
        fractional=rules.fractional,
        strength=signal.strength,
        stop_loss_pct=rules.stop_loss_pct if is_entry else None,
        take_profit_pct=rules.take_profit_pct if is_entry else None,
        opening_order_id=decision.lot.opening_order_id if decision.lot else None,
        created_at=now,
        state_changed_at=wall_now,
    )
