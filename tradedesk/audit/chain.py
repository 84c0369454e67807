"""The hash chain of the audit: the content of a record in one form, its hash, and what breaks the chain. Pure."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

# Whole numbers up to it are the same in Python, in JSON and in every database.
LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Content:
    """What a record says. details: as `plain` returns them."""

    sequence: int
    time: datetime
    actor: str
    user_id: int | None
    action: str
    subject_type: str
    subject_id: str
    details: Any


def hash_of(previous: str, content: Content) -> str:
    """SHA-256 of the hash of the record before and of this content, as 64 hex digits."""
    values = [
        content.sequence,
        content.time.astimezone(UTC).isoformat(timespec="microseconds"),
        content.actor,
        content.user_id,
        content.action,
        content.subject_type,
        content.subject_id,
        content.details,
    ]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(f"{previous}\n{text}".encode()).hexdigest()


def plain(value: Any) -> Any:
    """A value as JSON that every database returns unchanged; what JSON does not have becomes text."""
    match value:
        case None | bool():
            return value
        case str():
            return storable(value)
        case int():
            return value if abs(value) <= LARGEST else str(value)
        case float():
            # Plus zero: a database may not tell -0.0 from 0.0.
            return value + 0.0 if math.isfinite(value) and abs(value) <= LARGEST else str(value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case Mapping():
            return {storable(str(key)): plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
        case _:
            return storable(str(value))


def storable(text: str) -> str:
    """Without what a database or UTF-8 refuses."""
    return text.replace("\0", "").encode(errors="replace").decode()


def first_break(records: Iterable[tuple[Content, str]], end: tuple[int, str]) -> str:
    """Where the chain is broken, "" when it is whole. records: each with its stored hash, in their order. end: the
    sequence and the hash of the last record, as they were noted apart from it."""
    sequence, previous = 0, ""
    for content, stored in records:
        if content.sequence != sequence + 1:
            return f"Record {sequence + 1:,} is missing: record {content.sequence:,} follows {sequence:,}."
        sequence = content.sequence
        if stored != hash_of(previous, content):
            return f"Record {sequence:,} was changed: its content does not match its hash."
        previous = stored
    if (sequence, previous) != end:
        return f"The audit ends with record {sequence:,}, but {end[0]:,} were written."
    return ""
