"""One account at Alpaca, as the protocol has it."""

import logging
from datetime import date, datetime
from urllib.parse import quote

from django.conf import settings
from django.core.cache import cache

from livetrading.brokers.alpaca import activities, orders, words
from livetrading.brokers.alpaca.account import asset_of, position_of, report_of
from livetrading.brokers.alpaca.budget import RequestBudget, Urgency
from livetrading.brokers.alpaca.client import Client, NotUnique
from livetrading.brokers.alpaca.identities import Identities
from livetrading.brokers.alpaca.orders import Row, order_of
from livetrading.brokers.alpaca.times import clock_of, days_of
from livetrading.brokers.alpaca.wire import UNREADABLE, rows, text
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
from livetrading.models import BrokerAccount

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
# Seconds between two looks far back for trades that were reported late.
LOOK_BACK = 600


class AlpacaBroker:
    capabilities = CAPABILITIES

    def __init__(self, account: BrokerAccount, now: datetime, client: Client) -> None:
        self._account, self._now, self._client = account, now, client
        self._identities = Identities(account, client)
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
        old = self._identities.find(client_order_id, Urgency.EXIT)
        if old is None:
            raise OutcomeUnknown("Alpaca does not find the order that is to be replaced.")
        body, path = orders.replacement_body(request, old), f"/orders/{text(old, 'id')}"
        try:
            row = _one(self._client.change("PATCH", path, body, urgency=Urgency.EXIT))
        except NotUnique:
            return self._present(request.client_order_id)
        return order_of(row, request.client_order_id)

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
        row = self._identities.find(client_order_id, Urgency.EXIT)
        return None if row is None else order_of(row, client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        """One request for up to 500 orders. One that cannot be read is left out: the desk asks for its own."""
        self._client.begin()
        found: dict[str, BrokerOrder] = {}
        for row in self._open_rows():
            try:
                for client_order_id, each in orders.with_ids(row):
                    if each is row and not orders.legs_of(row):
                        client_order_id = self._identities.of_lone(row) or client_order_id
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

    # --- Fills and other activities ---

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        self._client.begin()
        wide = bool(cache.add(f"alpaca-look-back:{self._account.pk}", 1, LOOK_BACK))
        self._trades = activities.read_trades(
            self._client, activities.trades_after(cursor, wide=wide, now=self._now)
        )
        fills = sorted(filter(activities.is_fill, self._trades), key=activities.order_of_trade)
        known = self._identities.of_fills(text(row, "order_id") for row in fills)
        return [
            activities.fill_of(row, known[text(row, "order_id")])
            for row in fills
            if text(row, "order_id") in known  # another look, in a while, finds the order of the rest
        ]

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        """Without those that the desk has. The window follows the last reconciliation, not the cursor."""
        self._client.begin()
        after = activities.others_after(self._account.reconciled_at, self._now)
        trades = activities.read_trades(self._client, after) if self._trades is None else self._trades
        others = activities.read_others(self._client, after)
        found = [
            activities.change_of(row, activities.named_by(row, trades, self._stored_id))
            for row in trades
            if not activities.is_fill(row)
        ]
        found += activities.others_of(others)
        ids = [each.activity_id for each in found]
        stored = set(
            self._account.activities.filter(activity_id__in=ids).values_list("activity_id", flat=True)
            if ids
            else ()
        )
        return sorted((each for each in found if each.activity_id not in stored), key=lambda each: each.time)

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
