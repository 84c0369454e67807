"""What is known of a part of the desk, and who finds it out.

The apps register their parts, because this package does not import them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class State(IntEnum):
    """The worst part decides about the desk. NOTE: worth knowing, and not ill. WARNING: the desk trades, and
    something needs attention. ERROR: something does not trade."""

    OK = 0
    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """text: what was seen, and for an ill part what to do. lines: more for an operator, such as one line for each
    account."""

    state: State
    text: str
    lines: tuple[str, ...] = ()


Read = Callable[[datetime], Mapping[str, Finding]]


@dataclass(frozen=True, slots=True)
class Probe:
    """A look at some parts. read: their findings at a wall time; it may raise, and it may hang. if_unknown: what
    to say then. owned: those of the parts whose trouble is that of single users."""

    parts: tuple[str, ...]
    read: Read
    if_unknown: str
    owned: tuple[str, ...] = ()


_probes: list[Probe] = []
_LABELS = {
    "broker": "Message queue",
    "urgent": "Urgent worker",
    "notifications": "Notifications worker",
    "failures": "Failing strategies",
}


def register(probe: Probe) -> None:
    """Add a look at further parts to the health of the desk."""
    if probe not in _probes:
        _probes.append(probe)


def probes() -> tuple[Probe, ...]:
    return tuple(_probes)


def owned_parts() -> set[str]:
    return {part for probe in _probes for part in probe.owned}


def label_of(part: str) -> str:
    return _LABELS.get(part, part.replace("_", " ").capitalize())
