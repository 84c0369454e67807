"""Which order of the desk an order at Alpaca is.

Alpaca chooses the ids of attached exits, and its fills name orders by Alpaca's ids alone. What is known is taken
from the desk's records; what is not is asked once, and remembered in the cache.
"""

import logging
from collections.abc import Collection, Iterable

from django.core.cache import cache

from livetrading.brokers.alpaca.budget import Urgency
from livetrading.brokers.alpaca.client import Client
from livetrading.brokers.alpaca.orders import Row, entry_id_of, leg_with_id, with_ids
from livetrading.brokers.alpaca.wire import rows, text, word
from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import BrokerAccount, Order

log = logging.getLogger(__name__)

# Seconds that an answer is remembered: longer than the overlap of the windows of fills.
REMEMBERED = 14 * 24 * 3600
# How often one attached exit may have been replaced without the desk knowing it.
CHAIN = 10
PAGE = 500


class Identities:
    def __init__(self, account: BrokerAccount, client: Client) -> None:
        self._account, self._client = account, client
        self._known: dict[str, str] = {}

    # --- What is known ---

    def learn(self, row: Row, client_order_id: str) -> None:
        self._known[text(row, "id")] = client_order_id

    def keep(self, row: Row) -> None:
        """Remember the legs of a new entry."""
        for client_order_id, each in with_ids(row):
            if each is not row:
                self._remember(text(each, "id"), client_order_id)

    def client_ids(self, order_ids: Collection[str]) -> dict[str, str]:
        """The client_order_ids by Alpaca's ids, of those that are known without asking. At most one query."""
        missing = [each for each in order_ids if each not in self._known]
        if missing:
            stored = self._account.orders.filter(broker_order_id__in=missing)
            self._known |= dict(stored.values_list("broker_order_id", "client_order_id"))
        for each in missing:
            if each not in self._known and (cached := cache.get(self._key(each))):
                self._known[each] = cached
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
        if entry_id:
            return self._find_leg(client_order_id, entry_id, urgency)
        query = {"client_order_id": client_order_id}
        found: Row | None = self._client.get("/orders:by_client_order_id", query, urgency=urgency, missing=True)
        return found

    def of_fills(self, order_ids: Iterable[str]) -> dict[str, str]:
        """The client_order_ids of the orders with these ids of Alpaca. One that Alpaca does not find yet, or does
        not answer for, is left out."""
        wanted = list(dict.fromkeys(order_ids))
        found = self.client_ids(wanted)
        for order_id in wanted:
            if order_id in found:
                continue
            try:
                row = self._order(order_id, Urgency.REPORT)
                own = "" if row is None else self.of_lone(row)
            except OutcomeUnknown:
                log.warning("Order %s of account %s is not known.", order_id, self._account.pk, exc_info=True)
                continue
            if own:
                found[order_id] = own
                self._remember(order_id, own)
        return found

    def of_lone(self, row: Row) -> str:
        """The client_order_id of an order that is listed without its entry, which may be an attached exit; "" when
        Alpaca does not show it among the orders of its symbol, so that nobody knows."""
        order_id, own = text(row, "id"), text(row, "client_order_id")
        if own.startswith(Order.CLIENT_ID_PREFIX):
            return own
        if (known := self.client_ids([order_id]).get(order_id)) is not None:
            return known
        query = {"status": "all", "nested": "true", "limit": PAGE, "symbols": text(row, "symbol")}
        for entry in rows(self._client.get("/orders", query, urgency=Urgency.REPORT)):
            for client_order_id, each in with_ids(entry):
                if word(each, "id") == order_id:
                    self._remember(order_id, client_order_id)
                    return client_order_id
        return ""

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
                self._remember(text(leg, "id"), client_order_id)
                return leg
            leg = self._order(replaced, urgency)
        raise OutcomeUnknown("Alpaca's answer does not lead to the order.")

    def _order(self, order_id: str, urgency: Urgency, *, nested: bool = False) -> Row | None:
        query = {"nested": "true"} if nested else None
        found: Row | None = self._client.get(f"/orders/{order_id}", query, urgency=urgency, missing=True)
        return found

    def _remember(self, order_id: str, client_order_id: str) -> None:
        self._known[order_id] = client_order_id
        try:
            cache.set(self._key(order_id), client_order_id, REMEMBERED)
        except Exception:
            log.warning("The id of an order of account %s could not be kept.", self._account.pk, exc_info=True)

    def _key(self, order_id: str) -> str:
        return f"alpaca-order:{self._account.pk}:{order_id}"
