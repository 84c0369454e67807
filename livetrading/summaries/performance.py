"""Profit and loss of each live strategy of a user, in total and today."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, Q, Sum

from livetrading.models import BrokerAccount
from livetrading.models.signal import OrderSide
from livetrading.models.trade import Trades
from livetrading.summaries.positions import OpenLot
from tradedesk.marketdata.quotes import Quote, Series
from tradedesk.marketdata.sessions import daily_time

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Dollars. realized: of all sales, after all commissions paid so far. unrealized: of the open lots at the last
    closes. today: since the last close of the previous days. trades: opened so far. trades_today: opened or closed
    on this market day."""

    realized: Decimal = ZERO
    unrealized: Decimal = ZERO
    today: Decimal = ZERO
    commission: Decimal = ZERO
    trades: int = 0
    trades_today: int = 0
    open_lots: int = 0

    @property
    def total(self) -> Decimal:
        return self.realized + self.unrealized

    def __add__(self, other: "Performance") -> "Performance":
        return Performance(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})


@dataclass(slots=True)
class FillTotals:
    """Today's fills of one strategy and series. shares: bought minus sold. spent: dollars paid minus received,
    including commissions."""

    shares: Decimal = ZERO
    spent: Decimal = ZERO


# The id of a live strategy (None for trades without one) and the traded series.
Key = tuple[int | None, Series]


def read_fill_totals(account: BrokerAccount, day: date, now: datetime) -> dict[Key, FillTotals]:
    """The account's fills of the market day `day` until `now`."""
    fill_totals: dict[Key, FillTotals] = defaultdict(FillTotals)
    fills = account.fills.filter(time__gte=daily_time(day), time__lte=now, undone_by="").order_by()
    order_fields = ("order__live_strategy_id", "order__symbol", "order__timeframe", "order__side")
    for live_id, symbol, timeframe, side, quantity, price, commission in fills.values_list(
        *order_fields, "quantity", "price", "commission"
    ):
        filled = fill_totals[live_id, (symbol, timeframe)]
        shares = quantity if side == OrderSide.BUY else -quantity
        filled.shares += shares
        filled.spent += shares * price + commission
    return fill_totals


def pnl_today(
    lots: Iterable[OpenLot], fill_totals: Mapping[Key, FillTotals], quotes: Mapping[Series, Quote]
) -> dict[int | None, Decimal]:
    """By live strategy: the value of its shares at the last close, minus the value of the shares it held at the
    start of the day at the previous close, minus what it spent today."""
    held: dict[Key, Decimal] = defaultdict(Decimal)
    cost: dict[Series, Decimal] = {}
    for lot in lots:
        series = (lot.trade.symbol, lot.trade.timeframe)
        held[lot.trade.live_strategy_id, series] += lot.quantity
        cost[series] = lot.trade.entry_price
    pnl: dict[int | None, Decimal] = defaultdict(Decimal)
    for key in held.keys() | fill_totals.keys():
        live_id, series = key
        filled = fill_totals.get(key, FillTotals())
        at_cost = cost.get(series, ZERO)
        quote = quotes.get(series, Quote(float(at_cost), at_cost, at_cost))
        shares = held.get(key, ZERO)
        pnl[live_id] += shares * quote.last - (shares - filled.shares) * quote.previous_close - filled.spent
    return pnl


def performance_by_strategy(
    trades: Trades, lots: Iterable[OpenLot], today: Mapping[int | None, Decimal], day: date
) -> dict[int | None, Performance]:
    """By live strategy, for those with trades. lots: the open trades. today: the result of `pnl_today`."""
    own: dict[int | None, list[OpenLot]] = defaultdict(list)
    for lot in lots:
        own[lot.trade.live_strategy_id].append(lot)
    start = daily_time(day)
    sums = trades.order_by().values("live_strategy_id")
    sums = sums.annotate(
        realized=Sum("pnl"),
        paid=Sum("commission"),
        opened=Count("pk"),
        active=Count("pk", filter=Q(entry_time__gte=start) | Q(exit_time__gte=start)),
    )
    performance: dict[int | None, Performance] = {}
    for row in sums:
        live_id = row["live_strategy_id"]
        performance[live_id] = Performance(
            realized=row["realized"],
            unrealized=sum((lot.unrealized or ZERO for lot in own[live_id]), ZERO),
            today=today.get(live_id, ZERO),
            commission=row["paid"],
            trades=row["opened"],
            trades_today=row["active"],
            open_lots=len(own[live_id]),
        )
    return performance
