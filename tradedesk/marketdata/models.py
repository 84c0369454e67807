"""The series of the bar store, the versions kept for undoing, and the state of the replay market."""

import uuid
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tradedesk.core.bars import Timeframe, session_dates, to_datetime64
from tradedesk.marketdata.pacing import SPEEDS
from tradedesk.marketdata.parts import TAIL, Part
from tradedesk.marketdata.quality import Finding, from_json
from tradedesk.marketdata.store import bars_path

TIMEFRAMES = [(timeframe.value, timeframe.value) for timeframe in Timeframe]


class StoredBars(models.Model):
    """The bars of one symbol in one timeframe from one provider, as the parts that are in the bar store."""

    provider = models.CharField(max_length=20)
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    # The only user who sees these bars; NULL for bars that all users see.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    # Opening times of the first and the last bar.
    first = models.DateTimeField()
    last = models.DateTimeField()
    count = models.PositiveIntegerField()
    adjusted = models.BooleanField()
    # What Alpaca's bars are of: "iex" or "sip", whose prices and volumes differ; "" of others, and where unknown.
    feed = models.CharField(max_length=4, blank=True, default="")
    # The parts in their order, each as [period, length, fingerprint]; the tail, if there is one, is the last.
    part_rows = models.JSONField()
    # fingerprint_of_parts: it changes with every bar.
    fingerprint = models.CharField(max_length=64)
    # What is doubtful about the bars, as quality.as_json writes it.
    findings = models.JSONField(default=list, blank=True)
    # Wall time of the last change.
    updated_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} ({self.provider})"

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(Part(*row) for row in self.part_rows)

    @property
    def history(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.period != TAIL)

    @property
    def tail(self) -> Part | None:
        """The bars since the last compaction; None if there are none."""
        return next((part for part in self.parts if part.period == TAIL), None)

    @property
    def for_all(self) -> bool:
        """Whether all users see these bars, and not only their owner."""
        return self.owner_id is None

    def path_of(self, part: Part) -> str:
        """The path of a part's file in the bar store."""
        return bars_path(
            self.provider, self.symbol, self.timeframe, part.period, part.fingerprint, owner_id=self.owner_id
        )

    @property
    def paths(self) -> list[str]:
        """The paths of all its files in the bar store."""
        return [self.path_of(part) for part in self.parts]

    @property
    def is_dated(self) -> bool:
        """Whether its bars have dates and not times of day."""
        return Timeframe(self.timeframe).is_dated

    @property
    def days(self) -> tuple[date, date]:
        """The sessions of the first and the last bar; a bar after midnight UTC belongs to the session before."""
        first, last = session_dates(np.array([to_datetime64(self.first), to_datetime64(self.last)])).tolist()
        return first, last

    @property
    def doubts(self) -> list[Finding]:
        """What is doubtful about the bars, hard findings first."""
        return from_json(self.findings)

    @property
    def short_fingerprint(self) -> str:
        return self.fingerprint[:12]

    def stored_values(self) -> dict[str, Any]:
        """Every column that a series and its previous version have in common."""
        fields = StoredBars._meta.local_fields
        return {field.attname: getattr(self, field.attname) for field in fields}


def _unique(name: str) -> list[models.BaseConstraint]:
    """One row for each key and owner, and one for all users. Two constraints: SQLite takes NULLs as distinct."""
    key = ["provider", "symbol", "timeframe"]
    return [
        models.UniqueConstraint(fields=[*key, "owner"], name=f"{name}_unique"),
        models.UniqueConstraint(fields=key, condition=Q(owner=None), name=f"{name}_unique_for_all"),
    ]


class BarSeries(StoredBars):
    """What is read today."""

    # Of a series that is not stored: its bars are made from this one's when they are read (library.find_series).
    source: "BarSeries | None" = None

    class Meta:
        # Databases differ in where they sort NULL.
        ordering = ["symbol", "timeframe", "provider", F("owner").asc(nulls_last=True)]
        verbose_name_plural = "bar series"
        constraints = [
            *_unique("bar_series"),
            models.CheckConstraint(condition=Q(count__gt=0), name="bar_series_has_bars"),
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="bar_series_times_in_order"),
        ]
        indexes = [models.Index(fields=["symbol", "timeframe"]), models.Index(fields=["owner"])]


class PreviousVersion(StoredBars):
    """A series as it was before its last import, restoration or deletion. It has no series if that was deleted."""

    # Wall time.
    kept_at = models.DateTimeField()

    class Meta:
        ordering = ["-kept_at", "-id"]
        constraints = _unique("previous_version")
        indexes = [models.Index(fields=["owner", "-kept_at"])]


class Upload(models.Model):
    """A file that a user has sent, between its preview and its import; uploads.py keeps and deletes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    # Wall time.
    sent_at = models.DateTimeField(db_index=True)
    # How to read and store it; see import_files.ImportOptions.
    symbol = models.CharField(max_length=15, blank=True)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    # Whether the bars are for all users, and not only for the one who has sent them.
    for_all = models.BooleanField(default=False)
    adjusted = models.BooleanField()
    replace = models.BooleanField()
    date_order = models.CharField(max_length=3, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_dated(self) -> bool:
        """Whether its bars have dates and not times of day."""
        return Timeframe(self.timeframe).is_dated

    @property
    def path(self) -> str:
        """The path of the file in the bar store."""
        return f"uploads/{self.id}"


class Download(models.Model):
    """Bars that someone has asked to download, as a list of steps (downloading.py). Each change of its state is
    one conditional UPDATE."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Downloading"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    # Who sees it; NULL for what the desk itself downloads for all users.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    # Whose series the bars become; NULL for those of all users.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    symbols = models.JSONField()
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    start = models.DateField()
    # The day of the request, so that the list of steps stays the same.
    end = models.DateField()
    # Made by the desk: after each session, or after a split. replace: the whole history in one step.
    automatic = models.BooleanField(default=False)
    replace = models.BooleanField(default=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    steps = models.PositiveIntegerField()
    steps_done = models.PositiveIntegerField(default=0)
    bars = models.PositiveIntegerField(default=0)
    # What the running step does, what was remarkable, and why it has failed.
    stage = models.CharField(max_length=200, blank=True)
    notes = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=300, blank=True)
    # How often the current step was begun.
    attempts = models.PositiveSmallIntegerField(default=0)
    # Wall times. leased_until: the lease of the worker that has it, or the pause before the next attempt.
    created_at = models.DateTimeField()
    served_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"]),
            models.Index(fields=["served_at"], condition=Q(finished_at=None), name="download_unfinished"),
        ]

    def __str__(self) -> str:
        more = f" and {len(self.symbols) - 3} more" if len(self.symbols) > 3 else ""
        return f"{', '.join(self.symbols[:3])}{more} {self.timeframe}"

    @property
    def percent(self) -> int:
        return 100 * self.steps_done // self.steps if self.steps else 0

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


class KeptSeries(models.Model):
    """A series that a user keeps up to date: its bars are downloaded again after each session."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    symbol = models.CharField(max_length=15)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    # The last session for which that was done.
    refreshed_for = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["symbol", "timeframe"]
        constraints = [models.UniqueConstraint(fields=["user", "symbol", "timeframe"], name="kept_series_once")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe}"


class BarUpdate(models.Model):
    """How the series in use of one owner and one timeframe are kept up to date; only updating.py writes it.

    All times are wall times, which the market has too where a feed serves it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES)
    # When the next request is made, and the lease of the worker that makes it.
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    # Requests in a row that did not bring a bar that is due, and that failed; and why the last one failed.
    repeats = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    # The last request that was answered.
    answered_at = models.DateTimeField(null=True, blank=True)
    # Of the newest bar: its close, and when it was stored.
    newest_close = models.DateTimeField(null=True, blank=True)
    stored_at = models.DateTimeField(null=True, blank=True)
    symbols = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["timeframe", F("owner").asc(nulls_first=True)]
        constraints = [
            models.UniqueConstraint(fields=["owner", "timeframe"], name="bar_update_once"),
            models.UniqueConstraint(fields=["timeframe"], condition=Q(owner=None), name="bar_update_once_for_all"),
        ]

    def __str__(self) -> str:
        return f"{self.timeframe} of {self.owner_id or 'all'}"

    @property
    def delay(self) -> float | None:
        """Seconds from the close of the newest bar until it was stored."""
        if self.newest_close is None or self.stored_at is None:
            return None
        return (self.stored_at - self.newest_close).total_seconds()

    @property
    def delay_text(self) -> str:
        """ "1.6 s" or "17 min"; "" when it is not known."""
        if self.delay is None:
            return ""
        return f"{self.delay:,.1f} s" if self.delay < 120 else f"{self.delay / 60:,.0f} min"


class Asset(models.Model):
    """A share that Alpaca knows, as its list said last."""

    symbol = models.CharField(max_length=15, primary_key=True)
    name = models.CharField(max_length=200)
    exchange = models.CharField(max_length=20)
    tradable = models.BooleanField()
    fractionable = models.BooleanField()
    # Wall time.
    listed_at = models.DateTimeField()

    class Meta:
        ordering = ["symbol"]

    def __str__(self) -> str:
        return self.symbol


class ReplayMarket(models.Model):
    """The one row with the state of the replay; only replay.py writes it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # The session whose close is "now".
    session = models.DateField()
    # Wall time since which this session has been shown.
    advanced_at = models.DateTimeField()
    ended = models.BooleanField(default=False)
    # What keeps it from moving on, the wall seconds it has waited for that, and when it last asked.
    waiting_for = models.CharField(max_length=200, blank=True)
    waited_seconds = models.FloatField(default=0.0)
    asked_at = models.DateTimeField(null=True, blank=True)
    # What it did not wait for any longer when it moved to this session.
    moved_without = models.CharField(max_length=200, blank=True)
    # How it plays (pacing.Play).
    paused = models.BooleanField(default=False)
    speed = models.PositiveSmallIntegerField(default=1)
    jump_to = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = "replay market"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="replay_market_is_one"),
            models.CheckConstraint(condition=Q(speed__in=SPEEDS), name="replay_market_speed"),
        ]

    def __str__(self) -> str:
        return f"{self.session}{' (ended)' if self.ended else ''}"
