"""The heartbeats of the desk's processes, and the last health that was stored."""

from django.db import models


class Component(models.TextChoices):
    """What must be alive. The workers are named after what their queue does."""

    BEAT = "beat", "Beat"
    WORKER = "worker", "Worker"
    URGENT = "urgent", "Urgent worker"
    RESEARCH = "research", "Research"
    NOTIFICATIONS = "notifications", "Notifications worker"


class Heartbeat(models.Model):
    """The last sign of life of one process; in the database, so that it does not depend on the message queue."""

    component = models.CharField(max_length=13, choices=Component)
    # The host, or the name of the worker with its host.
    instance = models.CharField(max_length=100)
    at = models.DateTimeField(help_text="Wall time.")

    class Meta:
        ordering = ["component", "instance"]
        constraints = [models.UniqueConstraint(fields=["component", "instance"], name="heartbeat_unique")]

    def __str__(self) -> str:
        return f"{self.component} {self.instance}"


class WriteCheck(models.Model):
    """What the health check writes, to know whether the database takes writes; one row for each host."""

    instance = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField(help_text="Wall time.")

    def __str__(self) -> str:
        return self.instance


class StoredHealth(models.Model):
    """The health of the desk as a worker last saw it; one row. The pages read it instead of looking themselves,
    and know by its age that nobody looks any more."""

    # [part, state, text] of each part; a list keeps their order.
    findings = models.JSONField(default=list)
    at = models.DateTimeField(help_text="Wall time.")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class LastBackup(models.Model):
    """When the last backup was made; one row."""

    at = models.DateTimeField(help_text="Wall time.")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
