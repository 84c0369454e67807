"""One paper account's books in the hands of a test."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import OrderRequest
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import PaperAccount, PaperOrder
from tests.livetrading.made_bars import TIMES


def books(account: PaperAccount, now: datetime) -> SimulatedBroker:
    return SimulatedBroker(PaperAccount.objects.get(pk=account.pk), now)


def add(account: PaperAccount, id_: str, now: datetime, quantity: object = 10, **fields: Any) -> PaperOrder:
    values: dict[str, Any] = {
        "client_order_id": id_,
        "symbol": "AAPL",
        "timeframe": "1Day",
        "side": "sell" if fields.get("closes") else "buy",
        "quantity": Decimal(str(quantity)),
    }
    books(account, now).add(OrderRequest(**(values | fields)), now)
    return PaperOrder.objects.get(client_order_id=id_)


def match_until(account: PaperAccount, now: datetime) -> None:
    books(account, now).match_until(now)


def filled(account: PaperAccount) -> list[tuple[str, int, Decimal, Decimal]]:
    """In the order of the ledger: which order, in which session, how many shares, at what price."""
    fills = account.fills.order_by("pk").select_related("order")
    return [(f.order.client_order_id, TIMES.index(f.bar_time), f.quantity, f.price) for f in fills]


def adds_up(account: PaperAccount) -> bool:
    """Each line of the ledger goes on from the one before, and the last one is the account's cash."""
    cash = account.starting_cash
    for fill in account.fills.order_by("pk"):
        cash += fill.cash_change
        assert fill.cash_after == cash
    account.refresh_from_db()
    return bool(account.cash == cash)
