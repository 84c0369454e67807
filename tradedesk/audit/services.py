"""Writing to the audit and checking it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max, Model

from tradedesk.audit.chain import Content, first_break, hash_of, plain, storable
from tradedesk.audit.models import AuditEnd, AuditRecord

ROWS = 2000


def record(
    actor: AbstractBaseUser | str,
    action: str,
    subject: Model,
    details: Mapping[str, Any],
    wall_now: datetime,
) -> AuditRecord:
    """Append one record. actor: the user who acted, or the name of a command or of a part of the desk. details:
    what changed, with "before" and "after" where there was a change.

    Call it last in the transaction that makes the change: the record is written with it or not at all, and the
    lock of the last record, which every writer takes, is held for the shortest time.
    """
    with transaction.atomic():
        AuditEnd.objects.get_or_create(pk=1)
        end = AuditEnd.objects.select_for_update().get(pk=1)
        content = Content(
            sequence=end.sequence + 1,
            time=wall_now,
            actor=storable(str(actor))[:254],
            user_id=_user_id(actor, subject),
            action=action[:40],
            subject_type=str(subject._meta.model_name),
            subject_id=str(subject.pk),
            details=plain(details),
        )
        end.sequence, end.hash = content.sequence, hash_of(end.hash, content)
        end.save()
        return AuditRecord.objects.create(**_columns(content), hash=end.hash)


def broken_at() -> str:
    """Where the chain is broken, in words; "" when it is whole. Holds up no writer."""
    newest = AuditRecord.objects.aggregate(newest=Max("sequence"))["newest"] or 0
    # Read second: a record and the end are written together, so the end is never behind.
    end = last_record()
    if newest > end[0]:
        return f"Record {end[0] + 1:,} was not written by the desk."
    return first_break(_stored(up_to=end[0]), end)


def last_record() -> tuple[int, str]:
    """The sequence and the hash of the last record; (0, "") without one. Who notes the hash elsewhere can later
    see that no record before it was changed."""
    end = AuditEnd.objects.filter(pk=1).first()
    return (end.sequence, end.hash) if end else (0, "")


def _user_id(actor: AbstractBaseUser | str, subject: Model) -> int | None:
    """Whose desk it is about: the owner of the subject, the subject itself, otherwise who acted."""
    owner: int | None = getattr(subject, "user_id", None)
    if owner is not None:
        return owner
    user = subject if isinstance(subject, AbstractBaseUser) else actor
    return user.pk if isinstance(user, AbstractBaseUser) else None


def _columns(content: Content) -> dict[str, Any]:
    return {name: getattr(content, name) for name in Content.__slots__}


def _stored(up_to: int) -> Iterator[tuple[Content, str]]:
    rows = AuditRecord.objects.filter(sequence__lte=up_to).order_by("sequence").values(*Content.__slots__, "hash")
    for row in rows.iterator(chunk_size=ROWS):
        stored = row.pop("hash")
        yield Content(**row), stored
