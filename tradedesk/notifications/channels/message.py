"""What is sent to a channel: plain values, which also go to the child process. Pure."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """id: the same at every attempt, so that a receiver can tell what it has already. priority: low, normal, high
    or critical. time: market time, ISO 8601. link: the address of the page about it, "" for none."""

    id: str
    event: str
    label: str
    priority: str
    text: str
    time: str
    link: str
    test: bool = False

    @property
    def title(self) -> str:
        """With the priority in words where somebody should look soon."""
        urgent = self.priority in ("high", "critical")
        return f"{self.priority.upper()}: {self.label}" if urgent else self.label

    @property
    def body(self) -> str:
        return "\n".join(filter(None, (self.text, self.link)))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outcome:
    """error: why a message was not sent, as a sentence without secrets; "" when it was."""

    id: str
    error: str = ""
