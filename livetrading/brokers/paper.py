"""The paper broker: fills from the bar store at the next bar's open, on a cash ledger of its own.

It is asked like any broker and answers like one. Its books are kept by a Ledger, handed in, so that this file
knows neither models nor the database.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from livetrading.brokers.base import (
    BrokerAccount,
    BrokerClock,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    OrderRefused,
    OrderRequest,
)


class Ledger(Protocol):
    """The paper broker's books of one account."""

    def account(self) -> BrokerAccount: ...
    def add(self, request: OrderRequest, now: datetime) -> BrokerOrder: ...
    def find(self, client_order_id: str) -> BrokerOrder | None: ...
    def working(self) -> list[BrokerOrder]: ...
    def fills_after(self, cursor: str) -> list[BrokerFill]: ...
    def cancel(self, client_order_id: str) -> None: ...
    def positions(self) -> list[BrokerPosition]: ...
    def match_until(self, now: datetime) -> None:
        """Fill what the bars that have closed by `now` let through."""
        ...


class PaperBroker:
    """A Broker (see brokers.base) for one paper account, as of the market's time `now`."""

    def __init__(self, ledger: Ledger, now: datetime, market: Callable[[], BrokerClock]) -> None:
        self._ledger, self._now, self._market = ledger, now, market

    def account(self) -> BrokerAccount:
        return self._ledger.account()

    def submit(self, request: OrderRequest) -> BrokerOrder:
        if request.quantity <= 0:
            raise OrderRefused("The quantity must be above zero.")
        if known := self._ledger.find(request.client_order_id):
            return known
        return self._ledger.add(request, self._now)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        return self._ledger.find(client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        return self._ledger.working()

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        self._ledger.match_until(self._now)
        return self._ledger.fills_after(cursor)

    def cancel(self, client_order_id: str) -> None:
        self._ledger.cancel(client_order_id)

    def positions(self) -> list[BrokerPosition]:
        return self._ledger.positions()

    def clock(self) -> BrokerClock:
        return self._market()
