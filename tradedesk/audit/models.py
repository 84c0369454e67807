"""The audit: who did what, one row after the other, each with the hash of the row before it."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models


class AppendOnly(Exception):
    """A stored audit record is neither changed nor deleted."""


class _Records(models.QuerySet["AuditRecord"]):
    """Without the methods that change or delete stored rows."""

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The audit is append-only.")

    update = delete = bulk_update = bulk_create = update_or_create = _refuse


class AuditRecord(models.Model):
    """Written by tradedesk.audit.services only."""

    sequence = models.PositiveBigIntegerField(unique=True)
    time = models.DateTimeField(help_text="Wall time.")
    # Who acted: an email address, or the name of a command or of the desk's own part.
    actor = models.CharField(max_length=254)
    # Whose desk it is about. Without a constraint, because a record stays as it is when the user is deleted.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="audit_records"
    )
    action = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=40)
    details = models.JSONField(default=dict)
    # From where; see tradedesk.audit.origin. Empty in records of before the desk noted it.
    via = models.CharField(max_length=8, blank=True)
    through = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=64, blank=True)
    # SHA-256 of the hash of the record before it and of this one's content; see tradedesk.audit.chain.
    hash = models.CharField(max_length=64)

    objects = _Records.as_manager()

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["user", "-sequence"]),
            models.Index(fields=["user", "action", "-sequence"]),
            models.Index(fields=["user", "time"]),
            models.Index(fields=["subject_type", "subject_id", "-sequence"]),
        ]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.actor} {self.action} {self.subject_type} {self.subject_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("The audit is append-only: a stored record is not changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The audit is append-only: a stored record is not deleted.")


class AuditEnd(models.Model):
    """The last record: one row, whose lock orders the writers, and which shows when the last ones are missing."""

    sequence = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.sequence}: {self.hash}"
