"""Writing to the audit and checking it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max, Model

from tradedesk.audit import origin
from tradedesk.audit.chain import Content, breaks, hash_of, plain, storable
from tradedesk.audit.models import AuditEnd, AuditRecord

ROWS = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """What one record will say. actor: the user who acted, or the name of a command or of a part of the desk; None
    for whoever acts on the desk now (origin.py).
    subject: None for the desk as a whole. details: what changed, with "before" and "after" where there was a
    change. user_id: whose desk it is about, where the subject does not say it."""

    actor: AbstractBaseUser | str | None
    action: str
    subject: Model | None
    details: Mapping[str, Any] = field(default_factory=dict)
    user_id: int | None = None


def record(
    actor: AbstractBaseUser | str,
    action: str,
    subject: Model,
    details: Mapping[str, Any],
    wall_now: datetime,
) -> AuditRecord:
    """Append one record; see Entry and record_all."""
    return record_all([Entry(actor, action, subject, details)], wall_now)[0]


def record_all(entries: Sequence[Entry], wall_now: datetime) -> list[AuditRecord]:
    """Append a record for each entry, with three queries; none without entries. Each says from where the desk was
    acted on (origin.py).

    Call it last in the transaction that makes the changes: the records are written with them or not at all, and
    the lock of the last record, which every writer takes, is held for the shortest time.
    """
    if not entries:
        return []
    # Without a savepoint: it has nothing to undo by itself.
    with transaction.atomic(savepoint=False):
        end = _locked_end()
        rows = []
        for entry in entries:
            content = _content(entry, end.sequence + 1, wall_now)
            end.sequence, end.hash = content.sequence, hash_of(end.hash, content)
            rows.append(AuditRecord(**_columns(content), hash=end.hash))
        end.save(force_update=True)
        return AuditRecord._base_manager.bulk_create(rows)


def broken_at() -> str:
    """What breaks the chain first, in words; "" when it is whole."""
    return next(all_breaks(), "")


def all_breaks() -> Iterator[str]:
    """What breaks the chain, in words. Holds up no writer, and needs the memory of ROWS records."""
    newest = AuditRecord.objects.aggregate(newest=Max("sequence"))["newest"] or 0
    # Read second: a record and the end are written together, so the end is never behind.
    end = last_record()
    if newest > end[0]:
        yield f"Record {end[0] + 1:,} was not written by the desk."
    yield from breaks(_stored(up_to=end[0]), end)


def last_record() -> tuple[int, str]:
    """The sequence and the hash of the last record; (0, "") without one. Who notes the hash elsewhere can later
    see that no record before it was changed."""
    end = AuditEnd.objects.filter(pk=1).first()
    return (end.sequence, end.hash) if end else (0, "")


def _locked_end() -> AuditEnd:
    ends = AuditEnd.objects.select_for_update().filter(pk=1)
    if (end := ends.first()) is not None:
        return end
    AuditEnd.objects.get_or_create(pk=1)
    return ends.get()


def _content(entry: Entry, sequence: int, wall_now: datetime) -> Content:
    where = origin.current()
    actor = where.who() if entry.actor is None else entry.actor
    return Content(
        sequence=sequence,
        time=wall_now,
        actor=storable(str(actor))[:254],
        user_id=_user_id(entry, actor),
        action=entry.action[:40],
        subject_type=str(entry.subject._meta.model_name) if entry.subject else "desk",
        subject_id=str(entry.subject.pk)[:40] if entry.subject else "",
        details=plain(entry.details),
        via=where.via.value,
        through=storable(where.through)[:100],
        address=storable(where.address)[:64],
    )


def _user_id(entry: Entry, actor: object) -> int | None:
    """Whose desk it is about: the owner of the subject, the subject itself, otherwise who acted."""
    owner: int | None = entry.user_id or getattr(entry.subject, "user_id", None)
    if owner is not None:
        return owner
    user = entry.subject if isinstance(entry.subject, AbstractBaseUser) else actor
    return user.pk if isinstance(user, AbstractBaseUser) else None


def _columns(content: Content) -> dict[str, Any]:
    return {name: getattr(content, name) for name in Content.__slots__}


def _stored(up_to: int) -> Iterator[tuple[Content, str]]:
    """In short reads: a long one keeps SQLite from emptying its log of writes."""
    last = 0
    while rows := list(
        AuditRecord.objects.filter(sequence__gt=last, sequence__lte=up_to)
        .order_by("sequence")
        .values(*Content.__slots__, "hash")[:ROWS]
    ):
        for row in rows:
            stored = row.pop("hash")
            yield Content(**row), stored
        last = row["sequence"]
