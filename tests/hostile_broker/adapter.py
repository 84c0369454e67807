"""The adapter of the hostile broker: what an adapter of any broker over HTTP has to do about its answers.

Only a parsed answer 400, 403 or 422 that is not about the uniqueness of the id is a refusal. Everything else that
is no proper answer is unknown.
"""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import requests

from livetrading.brokers.protocol import (
    AccountReport,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    Capabilities,
    OrderRefused,
    OrderRequest,
    OutcomeUnknown,
    TooManyRequests,
)
from livetrading.models import BrokerAccount
from tests.hostile_broker.variants import VARIANTS

# Seconds to connect and to read: together below the BROKER_CALL of the workers (tests/faults/fork_server.py).
TIMEOUTS = (0.2, 0.35)
# Fills and activities are numbered apart, and the desk needs one id for each.
ACTIVITY = "activity-"
REFUSALS = (400, 403, 422)
STATES = {
    "pending_new": "working",
    "accepted": "working",
    "new": "working",
    "held": "working",
    "partially_filled": "working",
    "pending_cancel": "working",
    "filled": "filled",
    "canceled": "cancelled",
    "rejected": "rejected",
    "expired": "expired",
}


def connect(account: BrokerAccount, now: datetime) -> "HostileAdapter":
    """The broker behind this account (settings.BROKERS). Its credentials say where and how."""
    known = json.loads(account.credentials)
    return HostileAdapter(known["url"], known["key"], VARIANTS[known["variant"]])


class HostileAdapter:
    def __init__(self, url: str, key: str, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self._url, self._session = url, requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"
        self._session.trust_env = False

    def account(self) -> AccountReport:
        found = self._get("/v2/account")
        cash, equity, power = (_number(found, name) for name in ("cash", "equity", "buying_power"))
        return AccountReport(cash=cash, equity=equity, buying_power=power, blocked=found.get("blocked", ""))

    def submit(self, request: OrderRequest) -> BrokerOrder:
        return _order(self._call("POST", "/v2/orders", json=_body(request)))

    def replace(self, client_order_id: str, request: OrderRequest) -> BrokerOrder:
        query = {"client_order_id": client_order_id}
        return _order(self._call("PATCH", "/v2/orders", params=query, json=_body(request)))

    def cancel(self, client_order_id: str) -> None:
        self._call("DELETE", "/v2/orders", params={"client_order_id": client_order_id})

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        query = {"client_order_id": client_order_id}
        found = self._call("GET", "/v2/order", params=query, missing=True)
        return None if found is None else _order(found)

    def open_orders(self) -> list[BrokerOrder]:
        return [_order(each) for each in self._list("/v2/orders")]

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        return [
            BrokerFill(
                activity_id=_text(each, "activity_id"),
                client_order_id=_text(each, "client_order_id"),
                quantity=_number(each, "quantity"),
                price=_number(each, "price"),
                time=datetime.fromisoformat(_text(each, "time")),
            )
            for each in self._list("/v2/fills", after=cursor)
        ]

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        return [
            BrokerActivity(
                activity_id=f"{ACTIVITY}{_text(each, 'activity_id')}",
                kind=_text(each, "kind"),
                time=datetime.fromisoformat(_text(each, "time")),
                amount=_number(each, "amount"),
                symbol=_text(each, "symbol"),
                previous_id=_text(each, "previous_id"),
                quantity=_number(each, "quantity"),
                price=_number(each, "price"),
            )
            for each in self._list("/v2/activities", after=cursor.removeprefix(ACTIVITY))
        ]

    def positions(self) -> list[BrokerPosition]:
        found = self._list("/v2/positions")
        return [BrokerPosition(symbol=_text(each, "symbol"), quantity=_number(each, "quantity")) for each in found]

    # --- Transport ---

    def _get(self, path: str, **query: str) -> Any:
        return self._call("GET", path, params=query)

    def _list(self, path: str, **query: str) -> list[Any]:
        found = self._get(path, **query)
        if not isinstance(found, list):
            raise OutcomeUnknown("The broker's response was not readable.")
        return found

    def _call(self, method: str, path: str, *, missing: bool = False, **fields: Any) -> Any:
        """The parsed answer; None for a 404 where something may be missing."""
        try:
            response = self._session.request(
                method, f"{self._url}{path}", timeout=TIMEOUTS, allow_redirects=False, **fields
            )
        except requests.RequestException as error:
            raise OutcomeUnknown("The broker did not respond.") from error
        if response.status_code == 429:
            raise TooManyRequests("The broker takes no more requests now.", timedelta(seconds=_wait(response)))
        if response.status_code == 204:
            return {}
        try:
            parsed = response.json()
        except ValueError:
            raise OutcomeUnknown("The broker's response was not readable.") from None
        if response.status_code == 404 and missing and isinstance(parsed, dict):
            return None
        if response.ok:
            return parsed
        message = str(parsed.get("message", "")) if isinstance(parsed, dict) else ""
        if response.status_code in REFUSALS and isinstance(parsed, dict) and "must be unique" not in message:
            raise OrderRefused(message or "The broker refused the order.")
        raise OutcomeUnknown(f"The broker answered {response.status_code}: {message}")


def _wait(response: requests.Response) -> float:
    """Seconds."""
    try:
        return float(response.headers.get("Retry-After", "1"))
    except ValueError:
        return 1.0


def _body(request: OrderRequest) -> dict[str, Any]:
    def number(value: Decimal | None) -> str | None:
        return None if value is None else str(value)

    legs = [
        {"client_order_id": leg.client_order_id, "type": leg.type, "price": number(leg.price)}
        for leg in request.exits
    ]
    return {
        "client_order_id": request.client_order_id,
        "symbol": request.symbol,
        "side": request.side,
        "qty": str(request.quantity),
        "type": request.type,
        "time_in_force": request.time_in_force,
        "limit_price": number(request.limit_price),
        "stop_price": number(request.stop_price),
        "fractional": request.fractional,
        "closes": request.closes,
        "legs": legs,
    }


def _order(found: Any) -> BrokerOrder:
    return BrokerOrder(
        client_order_id=_text(found, "client_order_id"),
        broker_order_id=_text(found, "id"),
        state=STATES.get(_text(found, "status"), "unknown"),
        quantity=_number(found, "qty"),
        filled_quantity=_number(found, "filled_qty"),
        limit_price=_price(found, "limit_price"),
        stop_price=_price(found, "stop_price"),
        reason=str(found.get("reason") or ""),
    )


def _text(found: Any, name: str) -> str:
    try:
        value = found[name]
    except (TypeError, KeyError):
        raise OutcomeUnknown("The broker's response was not readable.") from None
    if not isinstance(value, str):
        raise OutcomeUnknown("The broker's response was not readable.")
    return value


def _number(found: Any, name: str) -> Decimal:
    try:
        return Decimal(_text(found, name))
    except ArithmeticError:
        raise OutcomeUnknown("The broker's response was not readable.") from None


def _price(found: Any, name: str) -> Decimal | None:
    return None if found.get(name) is None else _number(found, name)
