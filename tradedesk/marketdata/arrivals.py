"""New bars of a feed. What waits for them is told, because this app does not import it."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bars that were stored just now. owner_id: of the series; None for those of all users. timeframes: the one of
    the bars, and those that are made of it."""

    owner_id: int | None
    symbols: Collection[str]
    timeframes: Collection[str]


# Called with the market's time.
Listener = Callable[[Arrival, datetime], object]
_listeners: list[Listener] = []


def on_arrival(listener: Listener) -> None:
    if listener not in _listeners:
        _listeners.append(listener)


def announce(arrival: Arrival, now: datetime) -> None:
    """A listener that fails stops nobody: what waits looks again by itself."""
    for listener in _listeners:
        try:
            listener(arrival, now)
        except Exception:
            log.exception("What waits for new bars could not be told of them.")
