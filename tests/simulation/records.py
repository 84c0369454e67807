"""The desk's records of one account and what its broker knows, read without Django, in units of a millionth."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from livetrading.models.order import WORKING
from tests.simulation.database import rows
from tests.simulation.world import CASH, Desk

WORKING_STATES = frozenset(str(state.value) for state in WORKING)


class OrderRow(NamedTuple):
    id: str
    client_order_id: str
    state: str
    side: str
    purpose: str
    type: str
    symbol: str
    quantity: float
    filled: float
    opening: str | None
    signal: int | None
    replaces: str | None
    live: int | None
    partial: int

    @property
    def works(self) -> bool:
        return self.state in WORKING_STATES


class LotRow(NamedTuple):
    opening: str
    symbol: str
    quantity: float
    sold: float
    stop: float | None
    target: float | None
    is_open: bool


class Execution(NamedTuple):
    """A fill by the broker's own books. amount: what it added to the cash, in millionths of a dollar."""

    client_order_id: str
    quantity: int
    amount: int


@dataclass
class Records:
    """orders, lots: by the row id of the order and of the entry. fills: booked, by the broker's id, with the order
    and the shares. aside: fills that could not be booked. revived: orders that the desk had ended and the broker
    had. paid: the activities that the desk has booked. truth: what the broker has executed, by its id. cash,
    booked_cash: by the broker, and by the desk, None before the first report."""

    orders: dict[str, OrderRow]
    fills: list[tuple[str, str, int]]
    lots: dict[str, LotRow]
    positions: dict[str, int]
    aside: set[str]
    revived: set[str]
    booked_cash: int | None
    paid: int
    truth: dict[str, Execution] = field(default_factory=dict)
    cash: int = 0
    fees: int = 0


def millionths(value: Any) -> int:
    return round(float(value or 0) * 1_000_000)


def read(desk: Desk) -> Records:
    account = desk.account.pk
    mode = desk.account.mode
    orders = {
        row[0]: OrderRow(*row)
        for row in rows(
            "SELECT id, client_order_id, state, side, purpose, type, symbol, quantity, filled_quantity,"
            " opening_order_id, signal_id, replaces_id, live_strategy_id, partial"
            " FROM livetrading_order WHERE account_id = ?",
            account,
        )
    }
    fills = [
        (activity, order, millionths(quantity))
        for activity, order, quantity in rows(
            "SELECT activity_id, order_id, quantity FROM livetrading_fill WHERE account_id = ?", account
        )
    ]
    lots = {
        row[0]: LotRow(*row)
        for row in rows(
            "SELECT opening_order_id, symbol, quantity, exit_quantity, stop_price, target_price, exit_time IS NULL"
            f" FROM livetrading_{mode}trade WHERE account_id = ?",
            account,
        )
    }
    positions = {
        symbol: millionths(quantity)
        for symbol, quantity in rows(
            f"SELECT symbol, quantity FROM livetrading_{mode}position WHERE account_id = ?", account
        )
    }
    incidents = rows(
        "SELECT kind, key FROM livetrading_incident WHERE account_id = ? AND (kind = 'unexpected_order'"
        " OR (kind = 'unbooked_fill' AND resolved_at IS NULL))",
        account,
    )
    aside = {key for kind, key in incidents if kind == "unbooked_fill"}
    revived = {key for kind, key in incidents if kind != "unbooked_fill"}
    ((booked,),) = rows("SELECT booked_cash FROM livetrading_brokeraccount WHERE id = ?", account)
    ((paid,),) = rows("SELECT SUM(amount) FROM livetrading_accountactivity WHERE account_id = ?", account)
    booked_cash = None if booked is None else millionths(booked)
    records = Records(orders, fills, lots, positions, aside, revived, booked_cash, millionths(paid))
    _add_truth(desk, records)
    return records


def _add_truth(desk: Desk, records: Records) -> None:
    broker = desk.broker
    if broker is not None:
        sides = {known: placed.request.side for known, placed in broker.orders.items()}
        for fill in broker.fills:
            cost = round(float(fill.quantity * fill.price) * 1_000_000)
            amount = -cost if sides[fill.client_order_id] == "buy" else cost
            records.truth[fill.activity_id] = Execution(fill.client_order_id, millionths(fill.quantity), amount)
        records.cash = millionths(broker.cash)
        records.fees = sum(millionths(activity.amount) for activity in broker.activities)
        return
    for activity, client_order_id, quantity, amount in rows(
        "SELECT f.id, o.client_order_id, f.quantity, f.cash_change FROM livetrading_paperfill f"
        " JOIN livetrading_paperorder o ON o.id = f.order_id"
        " JOIN livetrading_paperaccount a ON a.id = f.account_id"
        " WHERE a.broker_account_id = ?",
        desk.account.pk,
    ):
        records.truth[str(activity)] = Execution(client_order_id, millionths(quantity), millionths(amount))
    ((cash,),) = rows("SELECT cash FROM livetrading_paperaccount WHERE broker_account_id = ?", desk.account.pk)
    records.cash = millionths(cash)


def sold_and_bought(desk: Desk) -> list[tuple[str, int, int]]:
    """For each entry at the broker its client_order_id, and the shares that were sold and bought."""
    bought: dict[str, int] = defaultdict(int)
    sold: dict[str, int] = defaultdict(int)
    if desk.broker is not None:
        for known, placed in desk.broker.orders.items():
            if placed.request.side == "buy":
                bought[known] += millionths(placed.filled)
            else:
                sold[placed.closes] += millionths(placed.filled)
    else:
        for known, closes, side, filled in rows(
            "SELECT o.client_order_id, o.closes, o.side, o.filled_quantity FROM livetrading_paperorder o"
            " JOIN livetrading_paperaccount a ON a.id = o.account_id WHERE a.broker_account_id = ?",
            desk.account.pk,
        ):
            if side == "buy":
                bought[known] += millionths(filled)
            else:
                sold[closes] += millionths(filled)
    return [(entry, sold[entry], bought[entry]) for entry in {**bought, **sold}]


START = CASH * 1_000_000
