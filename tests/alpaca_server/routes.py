"""The table of what can be asked of the stand-in. Another file adds to it: `server.routes.append(Route(...))`."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.alpaca_server.account import Account
from tests.alpaca_server.activities import page
from tests.alpaca_server.market import Market
from tests.alpaca_server.order_lists import flag, listed
from tests.alpaca_server.script import Request
from tests.alpaca_server.wire import Refusal
from tradedesk.marketdata import sessions

if TYPE_CHECKING:
    from tests.alpaca_server.server import AlpacaServer

# What an answer is made of: its status and its body, None for no body.
Answer = tuple[int, Any]
NOT_FOUND = 40410000


@dataclass(frozen=True)
class Route:
    """path: a regular expression for the whole path; its groups are `values` of the request. bucket: which limit
    of requests it counts for. Every handler runs under the lock of the market and may raise Refusal."""

    method: str
    path: str
    handler: Callable[["AlpacaServer", Account, Request], Answer]
    bucket: str = "trading"

    def values_of(self, method: str, path: str) -> tuple[str, ...] | None:
        """The groups; None if it is another one."""
        found = re.fullmatch(self.path, path) if method == self.method else None
        return None if found is None else tuple(unquote(group) for group in found.groups())


def account(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    return 200, account.account_answer()


def submit(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    return 200, account.answer_of(account.submit(request.body), nested=True)


def replace(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    return 200, account.answer_of(account.replace(request.values[0], request.body))


def cancel(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    account.cancel(request.values[0])
    return 204, None


def cancel_all(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    found = []
    for order in [each for each in account.orders.values() if each.is_open and not each.is_leg]:
        try:
            account.cancel(order.id)
            found.append({"id": order.id, "status": 200})
        except Refusal:
            found.append({"id": order.id, "status": 500})
    return 207, found


def orders(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    return 200, listed(account, request.query)


def order(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    found = account.order(request.values[0])
    if found is None or found.client_order_id in account.hidden:
        raise Refusal(404, NOT_FOUND, f"order not found for {request.values[0]}")
    return 200, account.answer_of(found, nested=flag(request.query, "nested"))


def order_by_client_id(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    known = request.query.get("client_order_id", "")
    if known not in account.orders or known in account.hidden:
        raise Refusal(404, NOT_FOUND, f"order not found for {known}")
    return 200, account.answer_of(account.orders[known])


def positions(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    return 200, account.position_answers()


def position(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    for each in account.position_answers():
        if request.values[0] in (each["symbol"], each["asset_id"]):
            return 200, each
    raise Refusal(404, NOT_FOUND, "position does not exist")


def activities(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    kinds = request.values or tuple(filter(None, request.query.get("activity_types", "").split(",")))
    reported = [each for each in account.activities if each.id not in account.hidden]
    found = page(reported, request.query, set(kinds))
    if account.shuffled and found:
        found = [*reversed(found), found[0], found[-1]]
    return 200, found


def clock(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    market = server.market
    return 200, {
        "timestamp": f"{market.new_york:%Y-%m-%dT%H:%M:%S.%f}123{market.new_york.isoformat()[-6:]}",
        "is_open": market.is_open,
        "next_open": sessions.next_open(market.now).astimezone(sessions.NEW_YORK).isoformat(),
        "next_close": sessions.next_close(market.now).astimezone(sessions.NEW_YORK).isoformat(),
    }


def calendar(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    first = _date(request.query.get("start", "1970-01-01"))
    last = min(_date(request.query.get("end", "2029-12-31")), date(2029, 12, 31))
    other = server.market.other_hours
    usual = set(sessions.sessions_between(first, last + timedelta(days=10)).tolist())
    days = sorted(usual - set(other) | {day for day, hours in other.items() if hours and first <= day})
    return 200, [_day(day, after, other.get(day)) for day, after in itertools.pairwise(days) if day <= last]


def _day(day: date, settles: date, hours: tuple[str, str] | None) -> dict[str, str]:
    opens, closes = hours or (
        f"{time.astimezone(sessions.NEW_YORK):%H:%M}"
        for time in (sessions.session_open(day), sessions.session_close(day))
    )
    return {
        "date": day.isoformat(),
        "open": opens,
        "close": closes,
        "session_open": "0400",
        "session_close": "2000" if closes == "16:00" else "1700",
        "settlement_date": settles.isoformat(),
    }


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Refusal(422, 40010001, f"invalid date {text}") from None


def assets(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    query = request.query
    found = [each for each in _by_symbol(server.market) if query.get("asset_class", "us_equity") == "us_equity"]
    for name in ("status", "exchange"):
        found = [each for each in found if query.get(name, each[name]) == each[name]]
    wanted = set(filter(None, query.get("attributes", "").split(",")))
    return 200, [each for each in found if not wanted or wanted & set(each["attributes"])]


def asset(server: "AlpacaServer", account: Account, request: Request) -> Answer:
    for each in _by_symbol(server.market):
        if request.values[0] in (each["symbol"], each["id"]):
            return 200, each
    raise Refusal(404, NOT_FOUND, f"asset not found for {request.values[0]}")


def _by_symbol(market: Market) -> list[dict[str, Any]]:
    return [market.assets[symbol].answer() for symbol in sorted(market.assets)]


TRADING: list[Route] = [
    Route("GET", "/v2/account", account),
    Route("POST", "/v2/orders", submit),
    Route("GET", "/v2/orders", orders),
    Route("DELETE", "/v2/orders", cancel_all),
    Route("GET", "/v2/orders:by_client_order_id", order_by_client_id),
    Route("GET", "/v2/orders/([^/]+)", order),
    Route("PATCH", "/v2/orders/([^/]+)", replace),
    Route("DELETE", "/v2/orders/([^/]+)", cancel),
    Route("GET", "/v2/positions", positions),
    Route("GET", "/v2/positions/([^/]+)", position),
    Route("GET", "/v2/account/activities", activities),
    Route("GET", "/v2/account/activities/([^/]+)", activities),
    Route("GET", "/v2/clock", clock),
    Route("GET", "/v2/calendar", calendar),
    Route("GET", "/v2/assets", assets),
    Route("GET", "/v2/assets/([^/]+)", asset),
]
