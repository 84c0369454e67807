"""The script of the stand-in: which of the next requests is answered how."""

import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any

# How a request can be answered besides honestly. Before: it does not take effect. Late: it takes effect when the
# test says so, long after its answer was lost. Blind: the broker does not find its orders yet.
BEFORE = (
    "lost_before",
    "error_before",
    "hang_before",
    "kill_before",
    "busy",
    "busy_bare",
    "blind",
    "late",
)
AFTER = (
    "lost_after",
    "error_after",
    "hang_after",
    "kill_after",
    "html",
    "text",
    "cut",
    "half",
    "redirect",
    "word",
    "missing",
    "extra",
    "slow",
)
# What is asked for, by the method and the end of the path.
ROUTES = {
    "submit": ("POST", r"/orders"),
    "replace": ("PATCH", r"/orders/[^/]+"),
    "cancel": ("DELETE", r"/orders/[^/]+"),
    "order": ("GET", r"/orders[:/][^/]+"),
    "open_orders": ("GET", r"/orders"),
    "fills": ("GET", r"/activities/FILL"),
}
# The field of each kind of answer whose word the client may not know.
WORDS = {"status": "pondering", "activity_type": "PONDER", "asset_class": "moon_equity"}
# Fields that nobody needs, and that an answer may therefore lack.
NEEDLESS = {
    "accrued_fees", "asset_class", "asset_id", "asset_marginable", "attributes", "balance_asof", "change_today",
    "created_at", "crypto_status", "cum_qty", "currency", "exchange", "expires_at", "extended_hours", "failed_at",
    "group_id", "group_role", "hwm", "initial_margin", "intraday_adjustments", "last_equity", "lastday_price",
    "last_maintenance_margin", "leaves_qty", "maintenance_margin", "marginable", "multiplier", "notional",
    "non_marginable_buying_power", "options_approved_level", "options_buying_power", "options_trading_level",
    "order_class", "order_status", "order_type", "pending_reg_taf_fees", "portfolio_value", "position_intent",
    "regt_buying_power", "session_close", "session_open", "settlement_date", "sma", "source", "subtag",
    "trail_percent", "trail_price", "transfers_blocked", "unrealized_intraday_pl", "unrealized_intraday_plpc",
    "unrealized_plpc", "updated_at",
}  # fmt: skip


@dataclass
class Fault:
    """how: one of BEFORE or AFTER. method, key, symbol, side, route: the requests that it meets, "" for any of
    them; path: a regular expression that their path has to match. route: one of ROUTES. times: how many, None
    without end. probability: that it meets one. status: of an error. message: of an error that is JSON; without
    one it is a page of HTML. seconds: of a slow answer, and until the limit of "busy" is over."""

    how: str
    method: str = ""
    path: str = ""
    key: str = ""
    symbol: str = ""
    side: str = ""
    route: str = ""
    times: int | None = 1
    probability: float = 1.0
    status: int = 502
    message: str = ""
    seconds: float = 1.0
    met: int = 0


@dataclass
class Request:
    """key: whose account. symbol and side: of the order that it is about."""

    method: str
    path: str
    key: str = ""
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    symbol: str = ""
    side: str = ""

    @property
    def route(self) -> str:
        """One of ROUTES, "" for anything else."""
        fits = (
            name
            for name, (method, path) in ROUTES.items()
            if method == self.method and re.search(f"{path}$", self.path)
        )
        return next(fits, "")


@dataclass
class Script:
    """The faults in their order; the first one that fits a request meets it. seed: of their probabilities."""

    seed: int = 1
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), threading.Lock()

    def add(self, how: str, method: str = "", path: str = "", **fields: object) -> Fault:
        assert how in BEFORE + AFTER, how
        fault = Fault(how, method, path, **fields)  # type: ignore[arg-type]
        with self._lock:
            self.faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self.faults.clear()

    def take(self, request: Request) -> Fault | None:
        """The fault that meets this request, which is then used up once."""
        with self._lock:
            for fault in self.faults:
                wanted = (fault.method, fault.key, fault.symbol, fault.side, fault.route)
                given = (request.method, request.key, request.symbol, request.side, request.route)
                fits = all(want in ("", have) for want, have in zip(wanted, given, strict=True))
                fits = fits and re.search(fault.path, request.path) is not None
                if not fits or fault.times == fault.met or self._random.random() >= fault.probability:
                    continue
                fault.met += 1
                return fault
        return None


def changed(answer: Any, how: str) -> Any:
    """The same answer with a word that nobody has documented, without the fields that nobody needs, or with one
    that nobody knows."""
    if isinstance(answer, list):
        return [changed(each, how) for each in answer]
    if not isinstance(answer, dict):
        return answer
    if how == "word":
        return answer | {name: word for name, word in WORDS.items() if name in answer}
    if how == "missing":
        return {name: value for name, value in answer.items() if name not in NEEDLESS}
    return answer | {"moon_phase": {"name": "waning", "share": "0.4"}}
