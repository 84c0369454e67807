"""The budget of requests of one account: so many in any minute, the urgent ones first.

The requests are counted in slots of some seconds in the cache, which all processes share: Redis, or the database
while Redis does not respond; on the embedded desk the memory of its one process. The rule itself is pure.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

from django.core.cache import cache

from livetrading.brokers.protocol import NotSent

log = logging.getLogger(__name__)

MINUTE = 60.0
# Seconds of a slot. Those of a minute, and the one that has just begun.
SLOT = 10.0
SLOTS = int(MINUTE / SLOT) + 1
# To wait when the broker does not say how long, in seconds.
UNSAID = 10.0
BUSY = "Alpaca takes no more requests of this account for now."
USED_UP = "The desk has used up its requests to Alpaca for now; more urgent ones go first."


class Urgency(Enum):
    """How much of the budget a request leaves to more urgent ones. Exits, cancellations and the question what
    became of an order are never held back by the desk, unless it is an entry that was not answered."""

    EXIT = 0.0
    REPORT = 0.1
    ENTRY = 0.3


@dataclass(frozen=True, slots=True)
class Heard:
    """What the broker said last: the requests that are left until `reset`, in seconds since 1970 by the desk's
    clock."""

    remaining: int
    reset: float


def pause_before(
    slots: Sequence[int], into_slot: float, most: int, urgency: Urgency, heard: Heard | None, now: float
) -> float:
    """Seconds until a request may be sent, 0 for now. Pure.

    slots: the requests of the last SLOTS slots, with this one, the newest first; into_slot: seconds since the
    newest began. most: requests in a minute.
    """
    if urgency is Urgency.EXIT:
        return 0.0
    free = max(1, int(most * (1.0 - urgency.value)))
    pause, used, counted = 0.0, sum(slots), len(slots)
    while used > free and counted > 1:
        counted -= 1
        used -= slots[counted]
        pause = (len(slots) - counted) * SLOT - into_slot
    if used > free:
        pause = len(slots) * SLOT - into_slot
    if heard is not None and now < heard.reset and heard.remaining <= most * urgency.value:
        pause = max(pause, min(heard.reset - now, MINUTE))
    return pause


def heard_from(headers: Mapping[str, str], status: int, now: float) -> Heard | None:
    """What an answer says of the limit; None when it says nothing. Pure."""
    remaining, left = _whole(headers.get("X-RateLimit-Remaining")), _until_reset(headers, now)
    if status == 429:
        return Heard(0, now + pause_of(headers, now))
    return None if remaining is None or left is None else Heard(remaining, now + min(left, MINUTE))


def pause_of(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait after a refusal for too many requests: what the broker says, at most a minute. Pure."""
    after, left = _whole(headers.get("Retry-After")), _until_reset(headers, now)
    said = UNSAID
    if after is not None:
        said = float(after)
    elif left is not None:
        said = left
    return min(max(said, 1.0), MINUTE)


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds by the broker's clock, which the answer states; the desk's may be wrong. None when not said."""
    reset = _whole(headers.get("X-RateLimit-Reset"))
    if reset is None:
        return None
    try:
        return reset - parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except ValueError:
        return reset - now


def _whole(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


class RequestBudget:
    """Of one account. clock: wall time, in seconds since 1970."""

    def __init__(self, account: str, most: int, clock: Callable[[], float] = time.time) -> None:
        self._place, self._most, self._clock = f"alpaca-requests:{account}", most, clock

    def take(self, urgency: Urgency) -> None:
        """Count one request. Raises NotSent, and counts none, when it has to wait."""
        now = self._clock()
        slot = int(now // SLOT)
        try:
            slots = self._count(slot)
            pause = pause_before(slots, now - slot * SLOT, self._most, urgency, self._heard(), now)
            if pause > 0:
                cache.decr(self._key(slot))
        except Exception:
            # Counting is a courtesy; without it the broker itself says when it is too much.
            log.warning("The requests of account %s could not be counted.", self._place, exc_info=True)
            return
        if pause > 0:
            raise NotSent(USED_UP, timedelta(seconds=pause))

    def note(self, headers: Mapping[str, str], status: int) -> None:
        """Remember what an answer says of the limit."""
        heard = heard_from(headers, status, self._clock())
        if heard is None:
            return
        try:
            cache.set(f"{self._place}:heard", (heard.remaining, heard.reset), int(MINUTE) * 2)
        except Exception:
            log.warning("The limit of account %s could not be kept.", self._place, exc_info=True)

    def _count(self, slot: int) -> list[int]:
        cache.add(self._key(slot), 0, int(MINUTE) * 2)
        return [cache.incr(self._key(slot)), *(int(cache.get(self._key(slot - n), 0)) for n in range(1, SLOTS))]

    def _heard(self) -> Heard | None:
        found = cache.get(f"{self._place}:heard")
        return None if found is None else Heard(int(found[0]), float(found[1]))

    def _key(self, slot: int) -> str:
        return f"{self._place}:{slot}"
