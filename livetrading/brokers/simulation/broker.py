"""The simulated broker: fills orders from the bar store at the next bar's open and keeps a cash ledger of its own.

It implements Broker (brokers.protocol). Its records are PaperAccount, PaperOrder and PaperFill; the desk never
reads these tables for its own records.
"""

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from livetrading.brokers.protocol import (
    BrokerAccount,
    BrokerClock,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    OrderRefused,
    OrderRequest,
)
from livetrading.brokers.simulation.books import CANCELLED, WORKING, fill_from_bars
from livetrading.models import PaperAccount, PaperOrder
from tradedesk.core.money import to_decimal
from tradedesk.marketdata import sessions
from tradedesk.marketdata.library import closed, load_many


class SimulatedBroker:
    """One paper account at the market time `now`."""

    def __init__(self, account: PaperAccount, now: datetime) -> None:
        self._account, self._now = account, now

    def account(self) -> BrokerAccount:
        cash = PaperAccount.objects.values_list("cash", flat=True).get(pk=self._account.pk)
        return BrokerAccount(cash=cash, equity=cash + to_decimal(self._market_value()), buying_power=cash)

    def submit(self, request: OrderRequest) -> BrokerOrder:
        if request.quantity <= 0:
            raise OrderRefused("The quantity must be above zero.")
        orders = self._account.orders
        existing = orders.filter(client_order_id=request.client_order_id).first()
        if existing is not None:
            return _broker_order(existing)
        try:
            with transaction.atomic():
                order = orders.create(
                    client_order_id=request.client_order_id,
                    closes=request.closes,
                    symbol=request.symbol,
                    timeframe=request.timeframe,
                    side=request.side,
                    quantity=request.quantity,
                    fractional=request.fractional,
                    strength=request.strength,
                    stop_loss_pct=request.stop_loss_pct,
                    take_profit_pct=request.take_profit_pct,
                    accepted_at=self._now,
                )
        except IntegrityError:
            # Two workers sent the same order at the same time; the unique id lets only one of them create it.
            order = orders.get(client_order_id=request.client_order_id)
        return _broker_order(order)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        order = self._account.orders.filter(client_order_id=client_order_id).first()
        return None if order is None else _broker_order(order)

    def open_orders(self) -> list[BrokerOrder]:
        return [_broker_order(order) for order in self._account.orders.filter(status=WORKING)]

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        fill_from_bars(self._account, self._now)
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

    def cancel(self, client_order_id: str) -> None:
        with transaction.atomic():
            # Wait for a running matcher, so that an order that it fills is not cancelled as well.
            PaperAccount.objects.select_for_update().get(pk=self._account.pk)
            orders = self._account.orders.filter(client_order_id=client_order_id, status=WORKING)
            orders.update(status=CANCELLED, reason="Cancelled on request.")

    def positions(self) -> list[BrokerPosition]:
        held: dict[str, tuple[Decimal, Decimal]] = {}
        for lot in self._account.orders.filter(open_quantity__gt=0).prefetch_related("fills"):
            quantity, cost = held.get(lot.symbol, (Decimal(0), Decimal(0)))
            price = lot.fills.all()[0].price
            held[lot.symbol] = (quantity + lot.open_quantity, cost + lot.open_quantity * price)
        return [
            BrokerPosition(symbol=symbol, quantity=quantity, average_price=cost / quantity)
            for symbol, (quantity, cost) in sorted(held.items())
        ]

    def clock(self) -> BrokerClock:
        now = self._now
        return BrokerClock(now=now, is_open=sessions.is_open(now), next_open=sessions.next_open(now))

    def _market_value(self) -> float:
        """Market value of the open lots at their last closes, in dollars."""
        lots = self._account.orders.filter(open_quantity__gt=0)
        held: dict[str, dict[str, float]] = {}
        for symbol, timeframe, quantity in lots.values_list("symbol", "timeframe", "open_quantity"):
            symbols = held.setdefault(timeframe, {})
            symbols[symbol] = symbols.get(symbol, 0.0) + float(quantity)
        return sum(
            symbols[symbol] * float(closed(history, timeframe, self._now, last=1).close[-1])
            for timeframe, symbols in held.items()
            for symbol, history in load_many(symbols, timeframe).items()
        )


def _broker_order(order: PaperOrder) -> BrokerOrder:
    return BrokerOrder(
        client_order_id=order.client_order_id,
        broker_order_id=str(order.pk),
        state=order.status,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        kind=order.kind,
        closes=order.closes,
        trigger_price=order.trigger_price,
        reason=order.reason,
    )
