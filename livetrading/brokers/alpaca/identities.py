"""Which order of the desk an order at Alpaca is.

Alpaca chooses the ids of attached exits, and its fills name orders by Alpaca's ids alone. What is known is taken
from the desk's records; what is not is asked once, and remembered in the cache.
"""

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Q

from livetrading.brokers.alpaca.budget import Urgency
from livetrading.brokers.alpaca.client import Client
from livetrading.brokers.alpaca.orders import Row, entry_id_of, leg_with_id, with_ids
from livetrading.brokers.alpaca.wire import rows, text, word
from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import BrokerAccount, Order
from livetrading.models.order import WORKING

log = logging.getLogger(__name__)

# Seconds that an answer is remembered: longer than the overlap of the windows of fills.
REMEMBERED = 14 * 24 * 3600
# So long an order that the desk has given up may still turn out to be at Alpaca.
UNPLACED = timedelta(days=14)
# How often one attached exit may have been replaced without the desk knowing it.
CHAIN = 10
PAGE = 500


def has_own_id(row: Row) -> bool:
    """Whether the desk has chosen the client_order_id of this order."""
    return word(row, "client_order_id").startswith(Order.CLIENT_ID_PREFIX)


class Identities:
    def __init__(self, account: BrokerAccount, client: Client, now: datetime) -> None:
        self._account, self._client, self._now = account, client, now
        self._known: dict[str, str] = {}

    # --- What is known ---

    def learn(self, row: Row, client_order_id: str) -> None:
        self._known[text(row, "id")] = client_order_id

    def keep(self, row: Row) -> None:
        """Remember a new order and its legs."""
        self._remember({text(each, "id"): client_order_id for client_order_id, each in with_ids(row)})

    def client_ids(self, order_ids: Collection[str]) -> dict[str, str]:
        """The client_order_ids by Alpaca's ids, of those that are known without asking. At most one query."""
        missing = [each for each in order_ids if each not in self._known]
        if missing:
            stored = self._account.orders.filter(broker_order_id__in=missing)
            self._known |= dict(stored.values_list("broker_order_id", "client_order_id"))
        keys = {self._key(each): each for each in missing if each not in self._known}
        if keys:
            self._known |= {keys[key]: own for key, own in cache.get_many(keys).items()}
        return {each: self._known[each] for each in order_ids if each in self._known}

    def order_id(self, client_order_id: str) -> str:
        """Alpaca's id of an order; "" when it is not known without asking."""
        found = next((known for known, own in self._known.items() if own == client_order_id), "")
        stored = self._account.orders.filter(client_order_id=client_order_id).exclude(broker_order_id="")
        return found or stored.values_list("broker_order_id", flat=True).first() or ""

    # --- What is asked ---

    def find(self, client_order_id: str, urgency: Urgency) -> Row | None:
        """The order at Alpaca, None when it has none."""
        entry_id = entry_id_of(client_order_id)
        known = self.order_id(client_order_id) if entry_id else ""
        if known and (row := self._order(known, urgency)) is not None:
            return row
        if entry_id and (leg := self._find_leg(client_order_id, entry_id, urgency)) is not None:
            return leg
        # An exit that was made with its entry, but did not travel with it, is sent alone under its own id.
        query = {"client_order_id": client_order_id}
        found: Row | None = self._client.get("/orders:by_client_order_id", query, urgency=urgency, missing=True)
        return found

    def of_orders(self, about: Iterable[tuple[str, Row]]) -> dict[str, str]:
        """The client_order_ids of the orders with these ids of Alpaca, of those that are known; of an order from
        outside it may be missing. about: each id with a row that has the order's symbol and side.

        Alpaca is asked only where one of the desk's may be meant: one request, however many there are."""
        rows_by_id = {order_id: row for order_id, row in about if order_id}
        found = self.client_ids(rows_by_id)
        unknown = [row for order_id, row in rows_by_id.items() if order_id not in found]
        if unknown and (symbols := self._symbols_of_unplaced(unknown)):
            found = self._listed(symbols) | found
        return found

    def _symbols_of_unplaced(self, about: list[Row]) -> set[str]:
        """The symbols of those rows that may be about an order of the desk whose id at Alpaca is not known."""
        attached = Q(holder=Order.Holder.ATTACHED) & (
            Q(opening_order__filled_quantity__gt=0) | Q(opening_order__state__in=WORKING)
        )
        recent = Q(created_at__gte=self._now - UNPLACED) | Q(state__in=WORKING)
        unplaced = self._account.orders.filter(
            recent,
            Q(attempts__gt=0) | attached,
            broker_order_id="",
            symbol__in={word(row, "symbol") for row in about},
        )
        ours = set(unplaced.order_by().values_list("symbol", "side"))
        return {word(row, "symbol") for row in about if (word(row, "symbol"), word(row, "side")) in ours}

    def _listed(self, symbols: set[str]) -> dict[str, str]:
        """The client_order_ids by Alpaca's ids of the newest orders of these symbols; remembered."""
        query = {"status": "all", "nested": "true", "limit": PAGE, "symbols": ",".join(sorted(symbols))}
        found: dict[str, str] = {}
        try:
            for entry in rows(self._client.get("/orders", query, urgency=Urgency.REPORT)):
                try:
                    found |= {text(each, "id"): own for own, each in with_ids(entry)}
                except OutcomeUnknown:
                    log.warning("An order of account %s was not readable.", self._account.pk)
        except OutcomeUnknown:
            # The next look asks again. An order of the desk that is without its fills asks for them, too.
            log.warning("The orders of account %s are not known.", self._account.pk, exc_info=True)
        self._remember(found)
        return found

    def _find_leg(self, client_order_id: str, entry_id: str, urgency: Urgency) -> Row | None:
        known = self.order_id(entry_id)
        if not known:
            query = {"client_order_id": entry_id}
            entry = self._client.get("/orders:by_client_order_id", query, urgency=urgency, missing=True)
            if entry is None:
                return None
            known = text(entry, "id")
        row = self._order(known, urgency, nested=True)
        leg = None if row is None else leg_with_id(row, client_order_id)
        for _ in range(CHAIN):
            if leg is None:
                return None
            if not (replaced := word(leg, "replaces")):
                self._remember({text(leg, "id"): client_order_id})
                return leg
            leg = self._order(replaced, urgency)
        raise OutcomeUnknown("Alpaca's answer does not lead to the order.")

    def _order(self, order_id: str, urgency: Urgency, *, nested: bool = False) -> Row | None:
        query = {"nested": "true"} if nested else None
        found: Row | None = self._client.get(f"/orders/{order_id}", query, urgency=urgency, missing=True)
        return found

    def _remember(self, client_order_ids: dict[str, str]) -> None:
        self._known |= client_order_ids
        try:
            cache.set_many({self._key(each): own for each, own in client_order_ids.items()}, REMEMBERED)
        except Exception:
            log.warning("The ids of orders of account %s could not be kept.", self._account.pk, exc_info=True)

    def _key(self, order_id: str) -> str:
        return f"alpaca-order:{self._account.pk}:{order_id}"
