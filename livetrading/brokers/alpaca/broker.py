"""One account at Alpaca, as the protocol has it."""

import logging
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

from django.conf import settings
from django.core.cache import cache

from livetrading.brokers.alpaca import activities, orders, words
from livetrading.brokers.alpaca.account import asset_of, position_of, report_of
from livetrading.brokers.alpaca.budget import RequestBudget, Urgency
from livetrading.brokers.alpaca.client import Client, NotUnique
from livetrading.brokers.alpaca.identities import Identities, has_own_id
from livetrading.brokers.alpaca.orders import Row, order_of
from livetrading.brokers.alpaca.times import clock_of, days_of
from livetrading.brokers.alpaca.wire import UNREADABLE, rows, text, word
from livetrading.brokers.protocol import (
    AccountReport,
    Asset,
    BrokerActivity,
    BrokerClock,
    BrokerDay,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    Capabilities,
    OrderRefused,
    OrderRequest,
    OutcomeUnknown,
)
from livetrading.credentials import credentials_of
from livetrading.models import BrokerAccount, Order, OrderState

log = logging.getLogger(__name__)

# No opening auction: its orders are refused from 9:28 to 19:00, while the desk decides at the close, and they take
# no exits with them. An order for the day that is sent between sessions waits for the open as well (decision 26).
CAPABILITIES = Capabilities(
    attached_exits_at_price=True,
    separate_exits=True,
    replace=True,
    fractional=True,
    unique_client_ids=True,
    reserves_buying_power=True,
    refuses_opposite=True,
    sells_short=True,
    as_sent=orders.price_as_sent,
)
# Orders of one page, at most.
PAGE = 500
# Seconds between two looks far back for trades that were reported late, and after one that has failed. Its pages.
LOOK_BACK, LOOK_AGAIN, PAGES_BACK = 600, 60, 10
# An order that misses fills: for every how many looks at it they are asked for, and how long before the desk has
# made the order Alpaca may have dated its fills.
LOOKS, SENT_BEFORE = 12, timedelta(days=1)


class AlpacaBroker:
    capabilities = CAPABILITIES

    def __init__(self, account: BrokerAccount, now: datetime, client: Client) -> None:
        self._account, self._now, self._client = account, now, client
        self._identities = Identities(account, client, now)
        self._trades: list[Row] | None = None
        self._ending = set[str]()
        self._filled: dict[str, BrokerOrder] = {}

    def account(self) -> AccountReport:
        self._client.begin()
        return report_of(_one(self._client.get("/account", urgency=Urgency.REPORT)), self._account.number)

    def positions(self) -> list[BrokerPosition]:
        self._client.begin()
        return [position_of(row) for row in rows(self._client.get("/positions", urgency=Urgency.REPORT))]

    def asset(self, symbol: str) -> Asset:
        self._client.begin()
        path = f"/assets/{quote(symbol, safe='')}"
        row = self._client.get(path, urgency=Urgency.ENTRY, missing=True)
        return Asset(problem=f"Alpaca does not know the symbol {symbol}.") if row is None else asset_of(_one(row))

    def clock(self) -> BrokerClock:
        self._client.begin()
        return clock_of(self._client.get("/clock", urgency=Urgency.ENTRY))

    def calendar(self, first: date, last: date) -> list[BrokerDay]:
        self._client.begin()
        days = {"start": first.isoformat(), "end": last.isoformat()}
        return days_of(self._client.get("/calendar", days, urgency=Urgency.ENTRY), first, last)

    # --- Orders ---

    def submit(self, request: OrderRequest) -> BrokerOrder:
        self._client.begin()
        body, urgency = orders.body_of(request), _urgency_of(request)
        try:
            row = _one(self._client.change("POST", "/orders", body, urgency=urgency))
        except NotUnique:
            return self._present(request.client_order_id)
        self._identities.keep(row)
        return order_of(row, request.client_order_id)

    def replace(self, client_order_id: str, request: OrderRequest) -> BrokerOrder:
        self._client.begin()
        old = self._as_recorded(client_order_id, request) or self._identities.find(client_order_id, Urgency.EXIT)
        if old is None:
            raise OutcomeUnknown("Alpaca does not find the order that is to be replaced.")
        body, path = orders.replacement_body(request, old), f"/orders/{text(old, 'id')}"
        try:
            row = _one(self._client.change("PATCH", path, body, urgency=Urgency.EXIT))
        except NotUnique:
            return self._present(request.client_order_id)
        return order_of(row, request.client_order_id)

    def _as_recorded(self, client_order_id: str, request: OrderRequest) -> Row | None:
        """What a replacement has to know of the old order, from the desk's records; None where Alpaca has to be
        asked: for its id, or because the quantity changes."""
        known = self._account.orders.filter(
            client_order_id=client_order_id, quantity=request.quantity, filled_quantity=0
        ).exclude(broker_order_id="")
        order_id = known.values_list("broker_order_id", flat=True).first()
        return {"id": order_id, "qty": str(request.quantity)} if order_id else None

    def cancel(self, client_order_id: str) -> None:
        self._client.begin()
        order_id = self._identities.order_id(client_order_id)
        if not order_id:
            row = self._identities.find(client_order_id, Urgency.EXIT)
            if row is None:
                return
            order_id = text(row, "id")
        if order_id in self._ending:
            return
        try:
            self._client.change("DELETE", f"/orders/{order_id}", urgency=Urgency.EXIT)
        except OrderRefused:
            log.info("Alpaca did not cancel order %s: it has ended, or is ending.", client_order_id)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        self._client.begin()
        if client_order_id in self._filled:
            return self._filled[client_order_id]
        row = self._identities.find(client_order_id, self._urgency_of_question(client_order_id))
        return None if row is None else order_of(row, client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        """One request for up to 500 orders. One that cannot be read is left out: the desk asks for its own."""
        self._client.begin()
        found: dict[str, BrokerOrder] = {}
        listed = self._open_rows()
        # One that is listed without its entry may be an attached exit, which has an id of Alpaca.
        lone = (row for row in listed if not orders.legs_of(row) and not has_own_id(row))
        known = self._identities.of_orders((word(row, "id"), row) for row in lone)
        for row in listed:
            try:
                for client_order_id, each in orders.with_ids(row):
                    if each is row:
                        client_order_id = known.get(word(row, "id"), client_order_id)
                    order = order_of(each, client_order_id)
                    self._identities.learn(each, client_order_id)
                    if text(each, "status") == words.BEING_CANCELLED:
                        self._ending.add(order.broker_order_id)
                    if order.state in ("working", "unknown"):
                        found[order.broker_order_id] = order
                    elif order.state == "filled":  # listed for its legs; it changes no more
                        self._filled[client_order_id] = order
            except OutcomeUnknown:
                log.warning("An open order of account %s was not readable.", self._account.pk, exc_info=True)
        return list(found.values())

    def _open_rows(self) -> list[Row]:
        query = {"status": "open", "nested": "true", "limit": PAGE, "direction": "asc"}
        found: list[Row] = []
        while True:
            page = rows(self._client.get("/orders", query, urgency=Urgency.REPORT))
            found += page
            if len(page) < PAGE:
                return found
            query = {**query, "after_order_id": text(page[-1], "id")}

    def _present(self, client_order_id: str) -> BrokerOrder:
        """An order that Alpaca has already, by what it says to the same id. Raises OutcomeUnknown when it does not
        find it: it may be there all the same."""
        row = self._identities.find(client_order_id, Urgency.EXIT)
        if row is None:
            raise OutcomeUnknown("Alpaca has an order with this id, and does not find it yet.")
        return order_of(row, client_order_id)

    def _urgency_of_question(self, client_order_id: str) -> Urgency:
        """The question for an entry that was not answered must not use up the requests of exits."""
        unanswered = (OrderState.SUBMITTING, OrderState.UNKNOWN)
        entry = self._account.orders.filter(purpose=Order.Purpose.ENTRY, state__in=unanswered)
        return Urgency.REPORT if entry.filter(client_order_id=client_order_id).exists() else Urgency.EXIT

    # --- Fills and other activities ---

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        """With those of orders from outside, so that the next window does not begin before them."""
        self._client.begin()
        self._trades = self._read_trades(cursor)
        fills = activities.fills_among(self._trades)
        known = self._identities.of_orders((word(row, "order_id"), row) for row in fills)
        return activities.readable(
            lambda row: activities.fill_of(row, known.get(word(row, "order_id"), "")), fills
        )

    def _read_trades(self, cursor: str) -> list[Row]:
        """Of the usual window, and now and then of one that reaches further back for what was reported late: in
        addition, because what it has to read may be too much."""
        after = activities.trades_after(cursor, self._account.reconciled_at, self._now)
        found = activities.read_trades(self._client, after)
        place = f"alpaca-look-back:{self._account.pk}"
        if activities.time_of(cursor) is None or not cache.add(place, 1, LOOK_AGAIN):
            return found
        try:
            older = activities.read_trades(self._client, after - activities.WIDE, PAGES_BACK)
        except OutcomeUnknown:
            log.warning("The look back at the trades of account %s failed.", self._account.pk, exc_info=True)
            return found
        cache.set(place, 1, LOOK_BACK)
        return list({text(row, "id"): row for row in (*older, *found)}.values())

    def fills_of(self, order: BrokerOrder, since: datetime) -> list[BrokerFill]:
        if not self._asks_for_fills(order.broker_order_id):
            return []
        self._client.begin()
        trades = activities.read_trades_of(self._client, order.broker_order_id, since - SENT_BEFORE)
        fills = activities.fills_among(trades)
        return activities.readable(lambda row: activities.fill_of(row, order.client_order_id), fills)

    def _asks_for_fills(self, order_id: str) -> bool:
        """From the second look on, and then seldom: most fills are listed a moment after their order says so."""
        place = f"alpaca-fills:{self._account.pk}:{order_id}"
        cache.add(place, 0, LOOK_BACK)
        try:
            return (cache.incr(place) - 2) % LOOKS == 0
        except ValueError:
            return False  # forgotten just now

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        """Without those that the desk has. The window follows the last reconciliation, not the cursor."""
        self._client.begin()
        after = activities.others_after(self._account.reconciled_at, self._now)
        trades = activities.read_trades(self._client, after) if self._trades is None else self._trades
        others = activities.read_others(self._client, after)
        found = activities.readable(
            lambda row: activities.change_of(row, activities.named_by(row, trades, self._stored_id)),
            (row for row in trades if not activities.is_fill(row)),
        )
        found += activities.others_of(others)
        void = {text(row, "id"): row for row in others if activities.is_void(row)}
        booked = self._booked([*(each.activity_id for each in found), *void, *map(activities.reverse_id, void)])
        found += activities.readable(
            lambda row: activities.taken_back(row, *booked[text(row, "id")]),
            (row for known, row in void.items() if known in booked),
        )
        return sorted((each for each in found if each.activity_id not in booked), key=lambda each: each.time)

    def _booked(self, ids: list[str]) -> dict[str, tuple[str, Decimal]]:
        """The kinds and amounts of those that the desk has."""
        stored = self._account.activities.filter(activity_id__in=ids)
        rows_ = stored.values_list("activity_id", "kind", "amount") if ids else ()
        return {known: (kind, amount) for known, kind, amount in rows_}

    def _stored_id(self, execution: str) -> str:
        """The id of a fill, or of a correction, in the desk's records by its last part."""
        for stored in (self._account.fills, self._account.activities):
            found = (
                stored.filter(activity_id__endswith=f"::{execution}").values_list("activity_id", flat=True).first()
            )
            if found is not None:
                return str(found)
        return ""


def connect(account: BrokerAccount, now: datetime) -> AlpacaBroker:
    """The account at Alpaca behind this one (settings.BROKERS). Raises NotDecrypted."""
    url = settings.ALPACA_PAPER_API_BASE_URL if account.is_paper else settings.ALPACA_API_BASE_URL
    budget = RequestBudget(str(account.pk), settings.ALPACA_REQUESTS_PER_MINUTE)
    return AlpacaBroker(account, now, Client(url, credentials_of(account), budget))


def _urgency_of(request: OrderRequest) -> Urgency:
    return Urgency.EXIT if request.closes or request.side == "sell" else Urgency.ENTRY


def _one(answer: object) -> Row:
    if not isinstance(answer, dict):
        raise OutcomeUnknown(UNREADABLE)
    return answer
