"""Orders by hand: make the order of a judged ticket, which a worker sends.

What is bought by hand is a lot of the account without a live strategy. Everything else about it is as of any lot.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.db import transaction

from livetrading.journal import orders_made
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.order import OrderType
from livetrading.models.signal import OrderSide
from livetrading.pipeline.account_rules import Block
from livetrading.pipeline.allowance import note_blocks
from livetrading.pipeline.protection import exits_of_entry
from livetrading.pipeline.ticket_judgement import Judgement, judge
from livetrading.pipeline.tickets import (
    ZERO,
    Problem,
    Ticket,
    good_until,
    price_of,
    value_problems,
)
from livetrading.services.accounts import broker_for
from livetrading.services.closing import NotClosed, close_lots
from livetrading.services.order_audit import made as created
from livetrading.services.queue import enqueue_orders
from livetrading.services.resting_sales import rest_sale
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record, record_all
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import RiskRules

OTHER_REQUEST = "This key was used for another order. Use a new key."


class NotPlaced(Exception):
    """There is no order; the problems can be shown to a person."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(self.problems))

    @property
    def code(self) -> str:
        """What holds the order back first."""
        return self.problems[0].code


def placed_with_key(account: BrokerAccount, ticket: Ticket, key: str) -> list[Order]:
    """The orders of an earlier request with this key, the first one first. Raises NotPlaced when it was another
    request, also one to another account of the mode."""
    if not key:
        return []
    known = Order.objects.filter(account__user=account.user_id, account__mode=account.mode, close_key=key)
    earlier = list(known.order_by("created_at", "pk"))
    if any((order.account_id, order.request_digest) != (account.pk, ticket.digest()) for order in earlier):
        raise NotPlaced([Problem(OTHER_REQUEST, "key")])
    return earlier


def place(
    account: BrokerAccount,
    ticket: Ticket,
    *,
    by: User,
    now: datetime,
    wall_now: datetime,
    key: str = "",
    ended: bool = False,
) -> list[Order]:
    """Make the order of this ticket: one for a purchase, one for each lot of a sale. A repeated key returns the
    orders of the first request. Raises NotPlaced, and keeps why."""
    try:
        if ticket.buys:
            return _buy(account, ticket, by, now, wall_now, key, ended)
        return _sell(account, ticket, by, now, wall_now, key)
    except NotPlaced as refusal:
        if refusal.code not in ("key", "value"):
            details = {"what": f"{ticket.side} {ticket.symbol}", "reasons": list(map(str, refusal.problems))}
            record(by, "order_refused", account, details, wall_now)
        raise


def _buy(
    account: BrokerAccount, ticket: Ticket, by: User, now: datetime, wall_now: datetime, key: str, ended: bool
) -> list[Order]:
    blocks: list[Block] = []
    try:
        with transaction.atomic():
            # With the row lock, two presses decide one after the other, and no check spends the same money.
            locked = BrokerAccount.locked(account.pk)
            if earlier := placed_with_key(locked, ticket, key):
                return earlier
            judged = judge(locked, ticket, now, ended=ended)
            blocks = judged.blocks
            if judged.problems or judged.cost is None:
                raise NotPlaced(judged.problems or [Problem(judged.quote.problem, "data", "symbol")])
            orders = _entry(locked, judged, judged.cost.shares, now, wall_now)
            orders[0].close_key, orders[0].request_digest = key, ticket.digest()
            Order.objects.bulk_create(orders)
            orders_made(orders)
            bump_version(locked.user_id)
            transaction.on_commit(lambda: enqueue_orders([orders[0].pk]), robust=True)
            what = {"order": str(orders[0].pk), "what": str(orders[0])}
            record_all([Entry(by, "manual_order", locked, what), *created(orders, by)], wall_now)
    except NotPlaced:
        note_blocks(blocks, now)
        raise
    return orders[:1]


def _entry(
    account: BrokerAccount, judged: Judgement, shares: Decimal, now: datetime, wall_now: datetime
) -> list[Order]:
    """The entry and its protective exits, not stored yet."""
    ticket = judged.ticket
    price = price_of(ticket, judged.quote.price) or 0.0
    order_id = uuid.uuid4()
    entry = Order(
        id=order_id,
        client_order_id=Order.client_id_of(order_id),
        user_id=account.user_id,
        account=account,
        symbol=ticket.symbol,
        timeframe=judged.quote.timeframe,
        side=OrderSide.BUY,
        purpose=Order.Purpose.ENTRY,
        type=ticket.type,
        time_in_force=ticket.time_in_force,
        quantity=shares,
        fractional=shares != shares.to_integral_value(),
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        reference_price=to_decimal(price),
        valid_until=judged.until,
        state=OrderState.PENDING,
        created_at=now,
        state_changed_at=wall_now,
    )
    capabilities = broker_for(account, now).capabilities
    rules = RiskRules(stop_loss_pct=ticket.stop_loss_pct, take_profit_pct=ticket.take_profit_pct)
    return [entry, *exits_of_entry(entry, rules, price, capabilities)]


def _sell(
    account: BrokerAccount, ticket: Ticket, by: User, now: datetime, wall_now: datetime, key: str
) -> list[Order]:
    """An exit always goes out: only what is wrong with the ticket, or not held, refuses it."""
    if earlier := placed_with_key(account, ticket, key):
        return earlier
    judged = judge(account, ticket, now)
    shares = ticket.shares if judged.cost is None else judged.cost.shares
    if judged.problems or shares is None:
        raise NotPlaced(judged.problems or [Problem(judged.quote.problem, "data", "symbol")])
    which: dict[str, object] = {"symbol": ticket.symbol, "live_strategy": ticket.live_id}
    return _sell_lots(account, ticket, which, shares, by, now, wall_now, key)


def sell_at_limit(
    account: BrokerAccount,
    ticket: Ticket,
    which: Mapping[str, object],
    *,
    by: User,
    now: datetime,
    wall_now: datetime,
    key: str,
) -> list[Order]:
    """Sell the shares of the ticket from the lots with these fields, whoever bought them, once its limit price is
    reached. A repeated key returns the orders of the first request. Raises NotPlaced."""
    if earlier := placed_with_key(account, ticket, key):
        return earlier
    if problems := value_problems(ticket, None):
        raise NotPlaced(problems)
    return _sell_lots(account, ticket, which, ticket.shares or ZERO, by, now, wall_now, key)


def _sell_lots(
    account: BrokerAccount,
    ticket: Ticket,
    which: Mapping[str, object],
    shares: Decimal,
    by: User,
    now: datetime,
    wall_now: datetime,
    key: str,
) -> list[Order]:
    digest = ticket.digest()
    waiting: dict[str, object] = {"type": ticket.type, "time_in_force": ticket.time_in_force}
    waiting |= {"limit_price": ticket.limit_price, "stop_price": ticket.stop_price}

    def until(timeframe: str) -> datetime:
        return good_until(ticket, now, timeframe if account.is_simulation else "")

    rest = partial(rest_sale, waiting=waiting, good_until=until)
    sell = close_lots if ticket.type == OrderType.MARKET else rest
    try:
        orders = sell(
            account, which, shares, by=by, now=now, wall_now=wall_now, close_key=key, request_digest=digest
        )
    except NotClosed as refusal:
        raise NotPlaced([Problem(str(refusal), "shares", refusal.field)]) from None
    if any(order.request_digest != digest for order in orders if order.close_key and order.close_key == key):
        raise NotPlaced([Problem(OTHER_REQUEST, "key")])
    return orders
