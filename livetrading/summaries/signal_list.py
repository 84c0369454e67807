"""The list of a user's signals: filtered, and as rows of a CSV file."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.db.models import Count, Q, QuerySet

from livetrading.models import LiveStrategy, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.summaries.signals import LATE, NOT_ARCHIVED, SignalSummary, summarize_signals
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import NEW_YORK, daily_time

# Signals that came too late are a warning for so many days of market time.
WARNED = timedelta(days=7)
ROWS_AT_ONCE = 2000


def filter_signals(
    signals: "QuerySet[SignalHistory]",
    *,
    strategy_id: int | None = None,
    symbol: str = "",
    side: str = "",
    code: str = "",
    since: date | None = None,
    until: date | None = None,
    unheld: bool = False,
) -> "QuerySet[SignalHistory]":
    """The signals that match every given filter. since, until: New York days of the check, both included. unheld:
    with the sells of symbols that are not held, which are hidden unless their code is asked for."""
    conditions = NOT_ARCHIVED
    if strategy_id is not None:
        conditions &= Q(live_strategy=strategy_id)
    if symbol:
        conditions &= Q(symbol=symbol)
    if side:
        conditions &= Q(side=side)
    if code:
        conditions &= Q(code=code)
    elif not unheld:
        conditions &= ~Q(code=DecisionCode.NOTHING_TO_SELL)
    if since:
        conditions &= Q(created_at__gte=daily_time(since))
    if until:
        conditions &= Q(created_at__lt=daily_time(until + timedelta(days=1)))
    return signals.filter(conditions)


def with_outcome(signals: "QuerySet[SignalHistory]", outcome: str) -> "QuerySet[SignalHistory]":
    """The signals whose order is in this state, or that have this outcome."""
    if outcome in OrderState.values:
        return signals.filter(order__state=outcome)
    return signals.filter(outcome=outcome)


def count_late(user: User, strategies: list[LiveStrategy]) -> dict[int, int]:
    """The signals of each strategy that came too late in the days before its last check. One query."""
    since = {live.pk: live.last_check_at - WARNED for live in strategies if live.last_check_at}
    if not since:
        return {}
    recent = Q()
    for pk, moment in since.items():
        recent |= Q(live_strategy=pk, created_at__gte=moment)
    late = user.signals.filter(recent, code__in=LATE).order_by().values("live_strategy_id")
    return {row["live_strategy_id"]: row["late"] for row in late.annotate(late=Count("pk"))}


HEADER = (
    *("checked_ny", "strategy", "symbol", "side", "bar_ny", "price", "strength", "explanation"),
    *("code", "outcome", "what_became_of_it", "indicators"),
)


def signal_rows(signals: "QuerySet[SignalHistory]") -> Iterator[list[object]]:
    """A header and one row for each signal. Times are New York's, prices in dollars. signals: with orders and
    decisions."""
    yield list(HEADER)
    for signal in signals.iterator(ROWS_AT_ONCE):
        (summary,) = summarize_signals([signal])
        yield _row(summary)


def _row(summary: SignalSummary) -> list[object]:
    signal = summary.signal
    indicators = summary.saw.indicators if summary.saw else {}
    return [
        signal.created_at.astimezone(NEW_YORK).isoformat(),
        signal.live_strategy.name,
        signal.symbol,
        signal.side,
        signal.bar_time.astimezone(NEW_YORK).isoformat(),
        signal.price,
        signal.strength,
        signal.explanation,
        signal.code,
        summary.outcome,
        summary.sentence,
        "; ".join(f"{name} {value}" for name, value in indicators.items()),
    ]
