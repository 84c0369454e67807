"""The hash chain of the audit: the content of a record in one form, its hash, and what breaks the chain. Pure."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

# Whole numbers up to it are the same in Python, in JSON and in every database.
LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Content:
    """What a record says. details: as `plain` returns them. The last three say from where (see origin.py); records
    of before the desk noted that have none of them."""

    sequence: int
    time: datetime
    actor: str
    user_id: int | None
    action: str
    subject_type: str
    subject_id: str
    details: Any
    via: str = ""
    through: str = ""
    address: str = ""


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
    origin = [content.via, content.through, content.address]
    if any(origin):  # a record without it keeps the hash that it was written with
        values += origin
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


def breaks(records: Iterable[tuple[Content, str]], end: tuple[int, str]) -> Iterator[str]:
    """What breaks the chain, in words and in its order; nothing when it is whole. records: each with its stored
    hash, in their order. end: the sequence and the hash of the last record, as they were noted apart from it."""
    sequence, previous, is_known = 0, "", True
    for content, stored in records:
        if content.sequence != sequence + 1:
            first, last = f"{sequence + 1:,}", f"{content.sequence - 1:,}"
            missing = f"Record {first} is" if first == last else f"Records {first} to {last} are"
            yield f"{missing} missing: record {content.sequence:,} follows {sequence:,}."
            is_known = False
        # After a gap nobody knows the hash before; the records after it still vouch for each other.
        if is_known and stored != hash_of(previous, content):
            yield f"Record {content.sequence:,} was changed: its content does not match its hash."
        sequence, previous, is_known = content.sequence, stored, True
    if (sequence, previous) != end:
        yield f"The audit ends with record {sequence:,}, but {end[0]:,} were written."
