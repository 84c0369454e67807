"""The simulated broker: fills orders from the bar store at the next bar's open and keeps a cash ledger of its own.

It implements Broker (brokers.protocol). Its records are PaperAccount, PaperOrder and PaperFill; the desk never
reads these tables for its own records.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum

from livetrading.brokers.protocol import (
    AccountReport,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    Capabilities,
    OrderRefused,
    OrderRequest,
)
from livetrading.brokers.simulation.books import CANCELLED, STOP, TARGET, WORKING, fill_from_bars
from livetrading.models import BrokerAccount, PaperAccount, PaperFill, PaperOrder
from tradedesk.core.bars import Timeframe
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.quotes import closing_price, read_quotes
from tradedesk.marketdata.sessions import next_bar_open

CAPABILITIES = Capabilities(
    attached_exits_at_fill=True,
    fractional=True,
    fractional_exits=True,
    unique_client_ids=True,
    commission_with_fill=True,
    reduces_entries=True,
    entries_wait=True,
)
_TIMEFRAMES = {timeframe.minutes: timeframe.value for timeframe in Timeframe}


class SimulatedBroker:
    """One paper account at the market time `now`. epoch: of the account, when the caller read it."""

    capabilities = CAPABILITIES

    def __init__(self, account: PaperAccount, now: datetime, *, epoch: int) -> None:
        self._account, self._now, self._epoch = account, now, epoch

    def account(self) -> AccountReport:
        cash = PaperAccount.objects.values_list("cash", flat=True).get(pk=self._account.pk)
        return AccountReport(cash=cash, equity=cash + to_decimal(self._market_value()), buying_power=cash)

    def submit(self, request: OrderRequest) -> BrokerOrder:
        if request.quantity <= 0:
            raise OrderRefused("The quantity must be above zero.")
        if request.type not in ("market", "limit", "stop") or request.matching is None:
            raise OrderRefused("The simulation takes market, limit and stop orders, with their exits attached.")
        orders = self._account.orders
        existing = orders.filter(client_order_id=request.client_order_id).first()
        if existing is not None:
            return _broker_order(existing)
        timeframe = _TIMEFRAMES[request.matching.bar_minutes]
        try:
            with transaction.atomic():
                self._refuse_other_epoch()
                self._refuse_late(request, timeframe)
                order = orders.create(
                    client_order_id=request.client_order_id,
                    closes=request.closes,
                    symbol=request.symbol,
                    timeframe=timeframe,
                    side=request.side,
                    quantity=request.quantity,
                    fractional=request.fractional,
                    priority=request.matching.priority,
                    accepted_at=self._now,
                    limit_price=request.limit_price,
                    stop_price=request.stop_price,
                    good_until=None if request.type == "market" else request.valid_until,
                    **_exits(request),
                )
        except IntegrityError:
            # Two workers sent the same order at the same time; the unique id lets only one of them create it.
            order = orders.get(client_order_id=request.client_order_id)
        return _broker_order(order)

    def replace(self, client_order_id: str, request: OrderRequest) -> BrokerOrder:
        raise OrderRefused("The simulation keeps attached exits in line with their lot; it replaces no order.")

    def cancel(self, client_order_id: str) -> None:
        with transaction.atomic():
            # Wait for a running matcher, so that an order that it fills is not cancelled as well.
            PaperAccount.objects.select_for_update().get(pk=self._account.pk)
            orders = self._account.orders.filter(client_order_id=client_order_id, status=WORKING)
            orders.update(status=CANCELLED, reason="Cancelled on request.")

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        order = self._account.orders.filter(client_order_id=client_order_id).first()
        return None if order is None else _broker_order(order)

    def open_orders(self) -> list[BrokerOrder]:
        return [_broker_order(order) for order in self._account.orders.filter(status=WORKING)]

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        fill_from_bars(self._account, self._now, self._epoch)
        fills = self._account.fills.filter(pk__gt=int(cursor or 0)).select_related("order")
        return [
            BrokerFill(
                activity_id=str(fill.pk),
                client_order_id=fill.order.client_order_id,
                quantity=fill.quantity,
                price=fill.price,
                commission=fill.commission,
                time=fill.bar_time,
            )
            for fill in fills
        ]

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        return []  # the simulation pays no dividends and charges nothing besides its orders

    def positions(self) -> list[BrokerPosition]:
        lots = self._account.orders.filter(open_quantity__gt=0).order_by().values("symbol")
        held = lots.annotate(quantity=Sum("open_quantity")).order_by("symbol")
        return [BrokerPosition(symbol=each["symbol"], quantity=each["quantity"]) for each in held]

    def _refuse_other_epoch(self) -> None:
        """Refuse an order of records that were emptied since; the row lock lets a running reset end first."""
        current = BrokerAccount.objects.select_for_update().values_list("epoch", flat=True)
        if current.filter(pk=self._account.broker_account_id).first() != self._epoch:
            raise OrderRefused("The account was reset after this order was made.")

    def _refuse_late(self, request: OrderRequest, timeframe: str) -> None:
        """Refuse an entry for which the first bar would open too late. By the calendar: where a symbol has no bar,
        an entry waits for its next one, as in a backtest."""
        if request.valid_until is None:
            return
        first = next_bar_open(self._now, timeframe) if Timeframe(timeframe).is_dated else self._now
        if first > request.valid_until:
            raise OrderRefused("The simulation would fill this entry too late: at the open of a later bar.")

    def _market_value(self) -> float:
        """Market value of the open lots in dollars, at their last closes; without one, at what was paid."""
        lots = list(
            self._account.orders.filter(open_quantity__gt=0).values_list(
                "pk", "symbol", "timeframe", "open_quantity"
            )
        )
        series = {(symbol, timeframe) for _, symbol, timeframe, _ in lots}
        quotes = read_quotes(self._account.broker_account.user_id, series, self._now)
        unquoted = [pk for pk, symbol, timeframe, _ in lots if (symbol, timeframe) not in quotes]
        paid = dict(PaperFill.objects.filter(order__in=unquoted).values_list("order", "price")) if unquoted else {}
        held: dict[tuple[str, str, float], float] = defaultdict(float)
        for pk, symbol, timeframe, quantity in lots:
            price = closing_price(quotes, (symbol, timeframe), float(paid.get(pk, Decimal(0))))
            held[symbol, timeframe, price] += float(quantity)
        return sum(quantity * price for (_, _, price), quantity in held.items())


def connect(account: BrokerAccount, now: datetime) -> SimulatedBroker:
    """The simulation behind this account at the market time `now` (settings.BROKERS)."""
    return SimulatedBroker(account.paper_account, now, epoch=account.epoch)


def _exits(request: OrderRequest) -> dict[str, Any]:
    """The columns of the attached exits. Raises OrderRefused for an absolute price."""
    columns: dict[str, Any] = {}
    for each in request.exits:
        if each.price is not None:
            raise OrderRefused("The simulation takes exits at distances from the fill.")
        kind = STOP if each.type == "stop" else TARGET
        columns |= {f"{kind}_id": each.client_order_id, f"{kind}_distance": each.distance}
        if kind == STOP:
            columns |= {"trailing_fraction": each.trailing_fraction, "trailing_dollars": each.trailing_dollars}
    return columns


def _broker_order(order: PaperOrder) -> BrokerOrder:
    return BrokerOrder(
        client_order_id=order.client_order_id,
        broker_order_id=str(order.pk),
        state=order.status,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        stop_price=order.trigger_price if order.kind == STOP else order.stop_price,
        limit_price=order.trigger_price if order.kind == TARGET else order.limit_price,
        reason=order.reason,
    )
