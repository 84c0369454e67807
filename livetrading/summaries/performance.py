"""Profit and loss of each live strategy of a user, in total and today."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count

from livetrading.models import BrokerAccount
from livetrading.models.kept_totals import KeptTotals
from livetrading.models.signal import OrderSide
from livetrading.models.trade import EVENT_TIME, trades_of
from livetrading.summaries.positions import OpenLot
from tradedesk.marketdata.quotes import Quote, Series
from tradedesk.marketdata.sessions import daily_time

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Dollars. realized: of all sales, after all commissions paid so far. unrealized: of the open lots at the last
    closes. today: since the last close of the previous days. trades: opened so far. won: closed with a profit.
    trades_today: opened or closed on this market day."""

    realized: Decimal = ZERO
    unrealized: Decimal = ZERO
    today: Decimal = ZERO
    commission: Decimal = ZERO
    trades: int = 0
    won: int = 0
    trades_today: int = 0
    open_lots: int = 0

    @property
    def total(self) -> Decimal:
        return self.realized + self.unrealized

    @property
    def closed(self) -> int:
        return self.trades - self.open_lots


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


def active_today(account: BrokerAccount, day: date) -> dict[int | None, int]:
    """The trades that were opened or closed on this market day, by live strategy. Reads no others."""
    trades = trades_of(account, account.mode).filter(user=account.user_id).annotate(event_time=EVENT_TIME)
    rows = trades.filter(event_time__gte=daily_time(day)).order_by().values_list("live_strategy_id")
    return dict(rows.annotate(Count("pk")))


def performance_of(kept: KeptTotals, lots: Iterable[OpenLot], today: Decimal, trades_today: int) -> Performance:
    """Of a live strategy, or of a whole account. lots: its open trades. today: from `pnl_today`."""
    own = list(lots)
    return Performance(
        realized=kept.realized_pnl,
        unrealized=sum((lot.unrealized or ZERO for lot in own), ZERO),
        today=today,
        commission=kept.commission_paid,
        trades=kept.trades_opened,
        won=kept.trades_won,
        trades_today=trades_today,
        open_lots=len(own),
    )
