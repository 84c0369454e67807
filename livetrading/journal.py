"""The journal: one line in the log for every state of an order, every fill and every refusal, with its ids.

A line is written when the transaction of its fact is committed: what is rolled back has not happened.
"""

import logging
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Manager

NAME = "tradedesk.journal"
log = structlog.get_logger(NAME)
IDS = ("client_order_id", "account_id", "live_strategy_id", "user_id", "symbol", "side", "purpose", "quantity")
# A person may have to look.
TROUBLE = ("unknown", "rejected")


def ids_of(order: Any) -> dict[str, Any]:
    """The `extra` of a line about this Order."""
    names = ("client_order_id", "account_id", "live_strategy_id", "user_id")
    return {"order": str(order.pk), **{name: getattr(order, name) for name in names}}


def order_moved(orders: "Manager[Any]", order_id: uuid.UUID, state: str, reason: str) -> None:
    """An order has another state. Its ids are read with one query, after the commit."""
    _after_commit(_order_moved, orders, order_id, state, reason)


def orders_made(orders: Iterable[Any]) -> None:
    """The desk has made these orders."""
    for order in orders:
        _after_commit(_order, order.pk, str(order.state), "", {name: getattr(order, name) for name in IDS})


def fill_booked(order: Any, fill: Any) -> None:
    """order: an Order. fill: the broker's."""
    _after_commit(
        partial(log.info, "fill", order=str(order.pk), fill=fill.activity_id, price=str(fill.price)),
        **{name: _plain(getattr(order, name)) for name in IDS if name != "quantity"},
        quantity=str(fill.quantity),
    )


def signals_refused(signals: Iterable[Any]) -> None:
    """Signals of SignalHistory without an order."""
    names = ("live_strategy_id", "user_id", "symbol", "side", "code", "reason")
    for signal in signals:
        values = {name: getattr(signal, name) for name in names}
        _after_commit(partial(log.info, "refusal", signal=signal.pk, bar=signal.bar_time.isoformat(), **values))


def _order_moved(orders: "Manager[Any]", order_id: uuid.UUID, state: str, reason: str) -> None:
    _order(order_id, state, reason, orders.filter(pk=order_id).values(*IDS).first() or {})


def _order(order_id: uuid.UUID, state: str, reason: str, ids: dict[str, Any]) -> None:
    write = log.warning if state in TROUBLE else log.info
    write("order", order=str(order_id), state=state, reason=reason, **{name: _plain(ids[name]) for name in ids})


def _plain(value: Any) -> Any:
    """Numbers and text as they are, a Decimal in full."""
    return value if isinstance(value, int | str | None) else str(value)


def _after_commit(write: Any, *arguments: Any, **values: Any) -> None:
    if logging.getLogger(NAME).isEnabledFor(logging.INFO):
        # A line that cannot be written undoes nothing.
        transaction.on_commit(partial(write, *arguments, **values), robust=True)
