"""The running totals of a live strategy's and an account's trades: kept with each change of a trade, checked and
made anew by `manage.py trade_totals`."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, Sum

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.kept_totals import TOTALS
from livetrading.models.trade import Trade, trade_model
from tradedesk.core.money import MICRO

ZERO = Decimal(0)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Totals:
    """Of some trades, or of the change of one. Dollars, and numbers of trades."""

    realized: Decimal = ZERO
    commission: Decimal = ZERO
    trades: int = 0
    won: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Totals") -> "Totals":
        return Totals(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @classmethod
    def of(cls, trade: Trade | None) -> "Totals":
        """What this trade adds; nothing for one that is not there."""
        if trade is None:
            return cls()
        return cls(trade.pnl, trade.commission, 1, int(trade.exit_time is not None and trade.pnl > 0))

    def columns(self) -> dict[str, Any]:
        return dict(zip(TOTALS, astuple(self), strict=True))


def count(account: BrokerAccount, live_id: int | None, change: Totals) -> None:
    """Add the change of a trade to its strategy, and to `account`, which the caller has locked and saves."""
    for name, value in change.columns().items():
        setattr(account, name, getattr(account, name) + value)
    if live_id is not None:
        added = {name: F(name) + value for name, value in change.columns().items()}
        LiveStrategy.with_deleted.filter(pk=live_id).update(**added)


@dataclass(frozen=True, slots=True)
class Difference:
    """of: a live strategy or an account. kept: as it is stored."""

    of: BrokerAccount | LiveStrategy
    kept: Totals
    right: Totals

    def __str__(self) -> str:
        return f"{self.of._meta.verbose_name} {self.of.pk} ({self.of}): {self.kept} is kept, {self.right} is right"


def differences(*, mend: bool = False) -> Iterator[Difference]:
    """What does not agree with the trades, an account at a time under its lock. mend: make it right."""
    for pk in BrokerAccount.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            found = list(_differences_of(BrokerAccount.locked(pk)))
            if mend:
                store(found)
        yield from found


def store(found: Iterable[Difference]) -> None:
    rows = list(found)
    for row in rows:
        vars(row.of).update(row.right.columns())
    accounts = [row.of for row in rows if isinstance(row.of, BrokerAccount)]
    BrokerAccount.objects.bulk_update(accounts, TOTALS, batch_size=AT_ONCE)
    strategies = [row.of for row in rows if isinstance(row.of, LiveStrategy)]
    LiveStrategy.with_deleted.bulk_update(strategies, TOTALS, batch_size=AT_ONCE)


def _differences_of(account: BrokerAccount) -> Iterator[Difference]:
    """Two queries."""
    sums = trade_model(account)._default_manager.filter(account=account).order_by().values_list("live_strategy_id")
    won = Count("pk", filter=Q(exit_time__isnull=False, pnl__gt=0))
    figures = sums.annotate(Sum("pnl"), Sum("commission"), Count("pk"), won=won)
    # SQLite adds decimals as floats.
    right = {
        live_id: Totals(realized.quantize(MICRO), commission.quantize(MICRO), *numbers)
        for live_id, realized, commission, *numbers in figures
    }
    strategies = LiveStrategy.with_deleted.filter(account=account).only("name", *TOTALS)
    whole = sum(right.values(), Totals())
    kept_in: list[tuple[BrokerAccount | LiveStrategy, Totals]] = [(account, whole)]
    kept_in += [(live, right.get(live.pk, Totals())) for live in strategies]
    for row, expected in kept_in:
        kept = Totals(*(getattr(row, name) for name in TOTALS))
        if kept != expected:
            yield Difference(row, kept, expected)
