"""A paper account at the simulated broker, for tests."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import AttachedExit, BarMatching, OrderRequest
from livetrading.brokers.simulation.books import fill_from_bars
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import PaperAccount, PaperOrder
from tests.livetrading.made_bars import TIMES
from tradedesk.core.bars import Timeframe


def broker_of(account: PaperAccount, now: datetime, *, epoch: int = 1) -> SimulatedBroker:
    return SimulatedBroker(PaperAccount.objects.get(pk=account.pk), now, epoch=epoch)


def order_request(
    id_: str,
    quantity: object = 10,
    *,
    timeframe: str = "1Day",
    priority: float = 1.0,
    stop: float | None = None,
    target: float | None = None,
    **fields: Any,
) -> OrderRequest:
    """A market order; stop, target: the distances of its attached exits, which have the ids <id_>-stop and
    <id_>-target."""
    exits = tuple(
        AttachedExit(client_order_id=f"{id_}-{suffix}", type=type_, distance=distance)
        for suffix, type_, distance in (("stop", "stop", stop), ("target", "limit", target))
        if distance is not None
    )
    values: dict[str, Any] = {
        "client_order_id": id_,
        "symbol": "AAPL",
        "side": "sell" if fields.get("closes") else "buy",
        "quantity": Decimal(str(quantity)),
        "exits": exits,
        "matching": BarMatching(bar_minutes=Timeframe(timeframe).minutes, priority=priority),
    }
    return OrderRequest(**(values | fields))


def submit(account: PaperAccount, id_: str, now: datetime, quantity: object = 10, **fields: Any) -> PaperOrder:
    broker_of(account, now).submit(order_request(id_, quantity, **fields))
    return PaperOrder.objects.get(client_order_id=id_)


def match_until(account: PaperAccount, now: datetime) -> None:
    fill_from_bars(account, now, account.broker_account.epoch)


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
