"""Which series a user may change, and which previous versions a user may restore."""

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from tradedesk.marketdata.models import BarSeries, PreviousVersion, StoredBars


def may_change(user: AbstractUser | AnonymousUser, bars: StoredBars) -> bool:
    """Users change their own series; administrators also those for all users."""
    return user.is_staff if bars.owner_id is None else bars.owner_id == user.pk


def restorable_versions(user: AbstractUser | AnonymousUser) -> QuerySet[PreviousVersion]:
    """The previous versions of the series that this user may change, the newest first."""
    whose = Q(owner=user.pk) | Q(owner=None) if user.is_staff else Q(owner=user.pk)
    return PreviousVersion.objects.filter(whose)


def deleted_series(user: AbstractUser | AnonymousUser) -> QuerySet[PreviousVersion]:
    """Those of them whose series was deleted."""
    same = {name: OuterRef(name) for name in ("provider", "symbol", "timeframe")}
    series = BarSeries.objects.alias(whose=Coalesce("owner_id", 0))
    series = series.filter(**same, whose=Coalesce(OuterRef("owner_id"), 0))
    return restorable_versions(user).filter(~Exists(series))
