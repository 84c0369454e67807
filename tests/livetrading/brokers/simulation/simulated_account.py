"""A paper account at the simulated broker, for tests."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import OrderRequest
from livetrading.brokers.simulation.books import fill_from_bars
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import PaperAccount, PaperOrder
from tests.livetrading.made_bars import TIMES


def broker_of(account: PaperAccount, now: datetime) -> SimulatedBroker:
    return SimulatedBroker(PaperAccount.objects.get(pk=account.pk), now)


def submit(account: PaperAccount, id_: str, now: datetime, quantity: object = 10, **fields: Any) -> PaperOrder:
    values: dict[str, Any] = {
        "client_order_id": id_,
        "symbol": "AAPL",
        "timeframe": "1Day",
        "side": "sell" if fields.get("closes") else "buy",
        "quantity": Decimal(str(quantity)),
    }
    broker_of(account, now).submit(OrderRequest(**(values | fields)))
    return PaperOrder.objects.get(client_order_id=id_)


def match_until(account: PaperAccount, now: datetime) -> None:
    fill_from_bars(account, now)


def fills_of(account: PaperAccount) -> list[tuple[str, int, Decimal, Decimal]]:
    """In the order of the ledger: client_order_id, number of the session, shares, price."""
    fills = account.fills.order_by("pk").select_related("order")
    return [(f.order.client_order_id, TIMES.index(f.bar_time), f.quantity, f.price) for f in fills]


def ledger_balances(account: PaperAccount) -> bool:
    """Each line of the ledger continues the cash of the previous line, and the last line is the account's cash."""
    cash = account.starting_cash
    for fill in account.fills.order_by("pk"):
        cash += fill.cash_change
        assert fill.cash_after == cash
    account.refresh_from_db()
    return bool(account.cash == cash)
