"""A summary of each session for each account that traded in it or held something, once the session has closed.

Only a session with trading is notified."""

import logging
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from livetrading.models import (
    BrokerAccount,
    DailySummary,
    Halt,
    LiveTrade,
    Order,
    OrderState,
    PaperTrade,
    StrategySession,
    SummarizedSession,
)
from livetrading.models.signal import OrderSide
from livetrading.models.trade import trade_model
from livetrading.services.replay_hold import unfinished_work
from livetrading.services.session_figures import LotFill, figures_by_strategy, session_figures
from livetrading.services.wording import counted, dollars
from tradedesk.accounts.changes import bump_version
from tradedesk.core.money import MICRO
from tradedesk.marketdata import sessions
from tradedesk.marketdata.quotes import market_day, read_quotes
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

log = logging.getLogger(__name__)

# Market time after the close, in which the last fills arrive.
GRACE = timedelta(minutes=15)
# Sessions that are looked at after a pause of the desk; older ones are left out.
LOOK_BACK = 10
NOT_PLACED = (OrderState.BLOCKED, OrderState.REJECTED)


def summarize_sessions(now: datetime, *, ended: bool = False) -> int:
    """Write the summaries that are missing. Returns their number. Two workers at once write each once.

    ended: whether the replay has played its last session. No later moment comes, so that session is summarized
    once its work is done.

    An account that cannot be summarized is logged and tried again, and stops no other.
    """
    written = 0
    grace = timedelta(0) if ended and not unfinished_work(now) else GRACE
    for session in _missing_sessions(now, grace):
        complete = True
        for account in _accounts_of(session):
            try:
                written += summarize(account, session, now)
            except Exception:
                complete = False
                log.exception("Session %s of account %s could not be summarized.", session, account.pk)
        if complete:
            SummarizedSession.objects.get_or_create(session=session)
    # Old ones, and those that a worker wrote while the replay was reset.
    passed = Q(session__lt=now.date() - timedelta(days=60)) | Q(session__gt=now.date())
    SummarizedSession.objects.filter(passed).delete()
    return written


def summarize(account: BrokerAccount, session: date, now: datetime) -> bool:
    """Write and notify the summary of this session, as of its close. Returns whether it was missing."""
    start, end, close = *_day(session), sessions.session_close(session)
    trades = trade_model(account)._default_manager.filter(account=account, entry_time__lt=end)
    openings = trades.filter(Q(exit_time=None) | Q(exit_time__gte=start)).values_list("opening_order", flat=True)
    fills = _fills_of(account, list(openings), end)
    quotes = read_quotes(account.user_id, {fill.series for fill in fills}, close)
    figures = session_figures(fills, quotes, start)
    not_placed = account.orders.filter(state__in=NOT_PLACED, created_at__gte=start, created_at__lt=end)
    summary = DailySummary(
        account=account,
        session=session,
        today=figures.today.quantize(MICRO),
        realized=figures.realized.quantize(MICRO),
        open_pnl=figures.open_pnl.quantize(MICRO),
        exposure=figures.exposure.quantize(MICRO),
        positions=figures.positions,
        fills=account.fills.filter(time__gte=start, time__lt=end, undone_by="").count(),
        refusals=not_placed.count(),
        halts=account.halts.filter(requested_at__gte=start, requested_at__lt=end).count(),
    )
    by_strategy = [
        StrategySession(
            live_strategy_id=live_id,
            session=session,
            today=own.today.quantize(MICRO),
            exposure=own.exposure.quantize(MICRO),
        )
        for live_id, own in figures_by_strategy(fills, quotes, start).items()
    ]
    is_told = bool(summary.fills or summary.refusals or summary.halts)
    with transaction.atomic():
        # The lock makes two workers take turns.
        locked = BrokerAccount.locked(account.pk)
        # After a reset of the replay the session has not been yet.
        is_written = DailySummary.objects.filter(account=account, session=session).exists()
        if is_written or locked.epoch != account.epoch:
            return False
        summary.save(force_insert=True)
        StrategySession.objects.bulk_create(by_strategy)
        if is_told:
            notify(account.user, Event.DAILY_SUMMARY, text_of(summary), f"/trades?mode={account.mode}", now)
    if is_told:
        bump_version(account.user_id)
    return True


def text_of(summary: DailySummary) -> str:
    parts = [
        f"{dollars(summary.today)} today ({dollars(summary.realized)} realized)",
        f"{dollars(summary.open_pnl)} open in {counted(summary.positions, 'position')}",
        counted(summary.fills, "fill"),
    ]
    if summary.refusals:
        parts.append(f"{counted(summary.refusals, 'order')} not placed")
    if summary.halts:
        parts.append(counted(summary.halts, "halt"))
    return f"{summary.account.name}, {summary.session}: {' · '.join(parts)}"


def _missing_sessions(now: datetime, grace: timedelta) -> list[date]:
    """Of the last sessions that have closed, those that are not complete, the oldest first. One query."""
    today = market_day(now)
    dates: list[date] = sessions.sessions_between(today - timedelta(days=4 * LOOK_BACK), today).tolist()
    past = [day for day in dates if sessions.session_close(day) + grace <= now][-LOOK_BACK:]
    done = set(SummarizedSession.objects.filter(session__in=past).values_list("session", flat=True))
    return [day for day in past if day not in done]


def _accounts_of(session: date) -> Iterable[BrokerAccount]:
    """Those with a fill, an order that was not placed, or a halt, and those that held something: what was held at
    the close before, or is held now since this session or before it."""
    start, end = _day(session)
    before = sessions.sessions_between(session - timedelta(days=LOOK_BACK), session - timedelta(days=1))[-1:]
    held_before = DailySummary.objects.filter(session__in=before.tolist(), positions__gt=0)
    filled = Q(pk__in=BrokerAccount.objects.filter(fills__time__gte=start, fills__time__lt=end).values("pk"))
    orders = Order.objects.filter(state__in=NOT_PLACED, created_at__gte=start, created_at__lt=end)
    halts = Halt.objects.filter(requested_at__gte=start, requested_at__lt=end)
    busy = filled | Q(pk__in=orders.values("account")) | Q(pk__in=halts.values("account"))
    busy |= Q(pk__in=held_before.values("account"))
    for trades in (PaperTrade, LiveTrade):
        busy |= Q(pk__in=trades._default_manager.filter(exit_time=None, entry_time__lt=end).values("account"))
    return BrokerAccount.objects.filter(busy, archived_at=None).select_related("user").order_by("pk")


def _fills_of(account: BrokerAccount, openings: list[object], end: datetime) -> list[LotFill]:
    of_lots = Q(order__in=openings) | Q(order__opening_order__in=openings)
    rows = account.fills.filter(of_lots, time__lt=end, undone_by="").select_related("order")
    return [
        LotFill(
            fill.order.opening_order_id or fill.order_id,
            (fill.order.symbol, fill.order.timeframe),
            fill.order.side == OrderSide.BUY,
            fill.quantity,
            fill.price,
            fill.commission,
            fill.time,
            fill.order.live_strategy_id,
        )
        for fill in rows
    ]


def _day(session: date) -> tuple[datetime, datetime]:
    """The New York day of the session: daily bars have the time of its midnight."""
    return sessions.daily_time(session), sessions.daily_time(session + timedelta(days=1))
