"""Secrets do not reach a log: what looks like one is replaced, and so is every secret that the desk knows."""

import json
import re
import threading
from collections.abc import Callable, Iterable

REMOVED = "[removed]"
# Shorter ones would also be parts of other words.
SHORTEST = 8
_WORDS = "passw(?:or)?d|secret|token|api_?key|private_?key|authorization|cookie|credentials|sessionid"
# Bounded, so that no text makes the search slow.
_NAMES = rf"[\w-]{{0,40}}(?:{_WORDS})[\w-]{{0,40}}"
_SENSITIVE = re.compile(_NAMES, re.IGNORECASE)
_PATTERNS = (
    # scheme://user:password@host
    (re.compile(r"(?<=://)[^/\s:@\"]*:[^@\s/\"]+(?=@)"), REMOVED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {REMOVED}"),
    # password=..., "token": "...", also inside a quoted JSON text
    (re.compile(rf"\b({_NAMES})(\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\s\"'\\,;&}}]+", re.IGNORECASE), rf"\1\2{REMOVED}"),
)

Scrub = Callable[[str], str]
# The secrets of users that this process has read last, as they are and as JSON writes them.
_learned: dict[str, None] = {}
MOST_LEARNED = 5_000
_lock = threading.Lock()


def is_sensitive(name: str) -> bool:
    """Whether a value of this name is a secret."""
    return _SENSITIVE.fullmatch(name) is not None


def learn(*secrets: str) -> None:
    """From now on no log of this process has these secrets, wherever they turn up."""
    with _lock:
        for form in (form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)):
            _learned.pop(form, None)
            _learned[form] = None
        while len(_learned) > MOST_LEARNED:
            del _learned[next(iter(_learned))]


def without_learned(text: str) -> str:
    """The text without the secrets of users."""
    for secret in tuple(_learned):
        text = text.replace(secret, REMOVED)
    return text


def scrubber(secrets: Iterable[str]) -> Scrub:
    """A function that removes these secrets and what looks like one from a text."""
    known = sorted({form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}, key=len)
    exact = re.compile("|".join(re.escape(form) for form in reversed(known))) if known else None

    def scrub(text: str) -> str:
        if exact is not None:
            text = exact.sub(REMOVED, text)
        text = without_learned(text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    return scrub


def _forms(secret: str) -> set[str]:
    """As it is, and as JSON writes it."""
    return {secret, json.dumps(secret)[1:-1]}
