"""The script of a hostile broker: which of the next requests is answered how."""

import random
import threading
from dataclasses import dataclass, field

# How a request can be answered besides honestly. Before: it does not take effect. Blind: the broker does not find
# its orders yet.
BEFORE = ("lost_before", "error_before", "hang_before", "kill_before", "busy", "blind")
AFTER = ("lost_after", "error_after", "hang_after", "kill_after", "html", "cut", "text", "word")


@dataclass
class Fault:
    """how: one of BEFORE or AFTER. route, key, symbol, side: the requests that it meets, "" for any of them; only
    orders have a symbol and a side. times: how many of them, None without end. probability: that it meets one.
    seconds: until the broker takes requests again, of "busy"."""

    how: str
    route: str = ""
    key: str = ""
    symbol: str = ""
    side: str = ""
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 1.0
    met: int = 0


@dataclass
class Request:
    """What the script looks at. key: whose account."""

    route: str
    key: str
    symbol: str = ""
    side: str = ""


@dataclass
class Script:
    """The faults in their order; the first one that fits a request meets it. seed: of their probabilities."""

    seed: int = 1
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), threading.Lock()

    def add(self, how: str, route: str = "", **fields: object) -> Fault:
        fault = Fault(how, route, **fields)  # type: ignore[arg-type]
        assert how in BEFORE + AFTER, how
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
                wanted = (fault.route, fault.key, fault.symbol, fault.side)
                given = (request.route, request.key, request.symbol, request.side)
                fits = all(want in ("", have) for want, have in zip(wanted, given, strict=True))
                if not fits or fault.times == fault.met or self._random.random() >= fault.probability:
                    continue
                fault.met += 1
                return fault
        return None
