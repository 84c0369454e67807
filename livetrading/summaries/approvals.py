"""The signals that wait for an approval and can still be executed."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from livetrading.models import LiveTrade, PaperTrade, SignalHistory
from livetrading.models.signal import OrderSide
from tradedesk.accounts.models import User

# The most that the page shows.
APPROVALS = 20


def waiting_signals(user: User, now: datetime) -> "QuerySet[SignalHistory]":
    """The newest first: BUYs until the open that they are meant for is past, and SELLs as long as their lot is
    held. Of a symbol only the newest signal counts."""
    waiting = user.signals.filter(outcome=SignalHistory.Outcome.RECORDED, live_strategy__deleted_at=None)
    same = Q(live_strategy=OuterRef("live_strategy"), symbol=OuterRef("symbol"))
    held = Q(same, exit_time=None, entry_time__lt=OuterRef("created_at"))
    sell = Q(side=OrderSide.SELL) & (
        Exists(PaperTrade.objects.filter(held)) | Exists(LiveTrade.objects.filter(held))
    )
    newer = SignalHistory.objects.filter(same, bar_time__gt=OuterRef("bar_time"))
    executable = waiting.filter(Q(side=OrderSide.BUY, waits_until__gte=now) | sell).exclude(Exists(newer))
    return executable.select_related("live_strategy__account").order_by("-pk")
