"""What was traded on paper before each reset."""

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from livetrading.models import BrokerAccount, PaperTrade
from tradedesk.accounts.models import User

SHOWN = 50


def paper_archives(user: User) -> "QuerySet[BrokerAccount]":
    """The newest archives of the user's simulated accounts, with their number of trades and what these realized.
    One query."""
    trades = PaperTrade.objects.filter(account=OuterRef("pk")).order_by().values("account")
    archives = BrokerAccount.objects.filter(user=user).exclude(archived_at=None)
    return archives.annotate(
        trade_count=Coalesce(Subquery(trades.annotate(number=Count("pk")).values("number")), 0),
        realized=Subquery(trades.annotate(sum=Sum("pnl")).values("sum")),
    ).order_by("-archived_at", "-pk")[:SHOWN]
