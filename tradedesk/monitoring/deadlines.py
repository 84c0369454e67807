"""Look at all parts at the same time, and wait for none longer than a deadline.

A look that hangs keeps its thread, and is not started a second time: a hanging part costs one thread, however
often it is asked for.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connections

from tradedesk.monitoring.findings import Finding, Probe, State

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Look:
    """One run of a probe. findings: None until it has ended."""

    begun: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    findings: Mapping[str, Finding] | None = None


class Watch:
    """The probes of one process with the looks that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[Probe, _Look] = {}

    def ask(self, probes: Iterable[Probe], wall_now: datetime, seconds: float) -> dict[str, Finding]:
        """The findings of all parts after at most `seconds`."""
        looks = [(probe, self._look(probe, wall_now)) for probe in probes]
        deadline = time.monotonic() + seconds
        found: dict[str, Finding] = {}
        for probe, look in looks:
            look.ended.wait(max(0.0, deadline - time.monotonic()))
            found |= look.findings if look.findings is not None else _no_answer(probe, look)
        return found

    def _look(self, probe: Probe, wall_now: datetime) -> _Look:
        with self._lock:
            look = self._looks.get(probe)
            if look is None or look.ended.is_set():
                look = self._looks[probe] = _Look()
                threading.Thread(
                    target=_run, args=(probe, look, wall_now), name=f"health {probe.parts[0]}", daemon=True
                ).start()
            return look


def run(probe: Probe, wall_now: datetime) -> Mapping[str, Finding]:
    """What the probe finds; it is unknown when it raises anything."""
    try:
        return probe.read(wall_now)
    except Exception:
        log.warning("Health: %s", probe.if_unknown, exc_info=True)
        return dict.fromkeys(probe.parts, Finding(State.ERROR, probe.if_unknown))


def _run(probe: Probe, look: _Look, wall_now: datetime) -> None:
    try:
        look.findings = run(probe, wall_now)
    finally:
        look.ended.set()
        connections.close_all()


def _no_answer(probe: Probe, look: _Look) -> dict[str, Finding]:
    text = f"No answer for {time.monotonic() - look.begun:,.1f} s. {probe.if_unknown}"
    return dict.fromkeys(probe.parts, Finding(State.ERROR, text))
