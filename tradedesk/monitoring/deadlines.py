"""Look at several things at the same time, and wait for none longer than a deadline.

A look that hangs keeps its thread, and is not started a second time: what hangs costs one thread, however often it
is asked for.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from django.db import connections

from tradedesk.monitoring.findings import Finding, Probe, State

log = logging.getLogger(__name__)
Found = TypeVar("Found")


@dataclass(slots=True, eq=False)
class Look(Generic[Found]):
    """found: None until it has ended, and when it failed."""

    begun: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    found: Found | None = None

    def wait_until(self, deadline: float) -> Found | None:
        """deadline: a monotonic time."""
        self.ended.wait(max(0.0, deadline - time.monotonic()))
        return self.found


class Looks(Generic[Found]):
    """The looks of one process that are under way, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[str, Look[Found]] = {}

    def start(self, name: str, read: Callable[[], Found]) -> Look[Found]:
        """Start `read` in a thread, or join the look of this name that has not ended."""
        with self._lock:
            look = self._looks.get(name)
            if look is None or look.ended.is_set():
                look = self._looks[name] = Look[Found]()
                threading.Thread(target=_run, args=(look, read), name=f"look at {name}", daemon=True).start()
            return look


class Watch:
    """The health probes of one process."""

    def __init__(self) -> None:
        self._looks = Looks[Mapping[str, Finding]]()

    def ask(self, probes: Iterable[Probe], wall_now: datetime, seconds: float) -> dict[str, Finding]:
        """The findings of all parts after at most `seconds`."""
        looks = [(probe, self._looks.start(probe.parts[0], partial(run, probe, wall_now))) for probe in probes]
        deadline = time.monotonic() + seconds
        found: dict[str, Finding] = {}
        for probe, look in looks:
            found |= look.wait_until(deadline) or _no_answer(probe, look)
        return found


def run(probe: Probe, wall_now: datetime) -> Mapping[str, Finding]:
    """What the probe finds; it is unknown when it raises anything."""
    try:
        return probe.read(wall_now)
    except Exception:
        log.warning("Health: %s", probe.if_unknown, exc_info=True)
        return dict.fromkeys(probe.parts, Finding(State.ERROR, probe.if_unknown))


def _run(look: Look[Found], read: Callable[[], Found]) -> None:
    try:
        look.found = read()
    except Exception:
        log.warning("A look failed.", exc_info=True)
    finally:
        look.ended.set()
        connections.close_all()


def _no_answer(probe: Probe, look: Look[Mapping[str, Finding]]) -> dict[str, Finding]:
    text = f"No answer for {time.monotonic() - look.begun:,.1f} s. {probe.if_unknown}"
    return dict.fromkeys(probe.parts, Finding(State.ERROR, text))
