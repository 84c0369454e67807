"""A live strategy: the deployed snapshot, its trading rules and the progress of its checks."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from backtests.models import Backtest, Candidate
from livetrading.models.account import FAILING, BrokerAccount
from livetrading.models.deployed_rules import RULE_CONSTRAINTS, DeployedRules, within
from livetrading.models.kept_totals import KeptTotals
from strategies.configured_kind import ConfiguredKind
from strategies.models import Strategy
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.models import TIMEFRAMES

NAME_LENGTH = 100
# Seconds of market time.
MIN_CHECK_INTERVAL, MAX_CHECK_INTERVAL = 60, 3600
# The smallest part of its size that a promoted strategy may begin with.
MIN_SIZE_FRACTION = 0.05


def _dollars(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=20, decimal_places=6, **options)


class ShownStrategies(models.Manager["LiveStrategy"]):
    """All but the deleted ones."""

    def get_queryset(self) -> "models.QuerySet[LiveStrategy]":
        return super().get_queryset().filter(deleted_at=None)


class LiveStrategy(ConfiguredKind, DeployedRules, KeptTotals):
    """A deleted one keeps its row, so its signals, orders and trades keep its name. `objects`, and the live
    strategies of a user or an account, leave it out."""

    class Status(models.TextChoices):
        """A paused one is checked and sends exits; a stopped one, and one with an error, is not checked. What is
        held keeps its protection in every status."""

        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        ERROR = "error", "Error"
        STOPPED = "stopped", "Stopped"

    class OnLeaving(models.TextChoices):
        """What follows when the profit leaves the expected range."""

        NOTIFY = "notify", "Notify me"
        PAUSE_BELOW = "pause_below", "Notify me, and pause entries below it"
        PAUSE = "pause", "Notify me, and pause entries on either side"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="live_strategies")
    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="live_strategies")
    name = models.CharField(max_length=NAME_LENGTH)
    strategy = models.ForeignKey(Strategy, models.SET_NULL, null=True, blank=True, related_name="deployments")
    backtest = models.ForeignKey(Backtest, models.SET_NULL, null=True, blank=True, related_name="deployments")
    candidate = models.ForeignKey(Candidate, models.SET_NULL, null=True, blank=True, related_name="deployments")
    # One for each press of the button, so that a double click deploys once.
    deploy_key = models.CharField(max_length=64)
    # The one that this one replaced: the same strategy with other parameters, symbols or limits.
    previous_version = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="next_versions"
    )
    # The paper deployment that was promoted to this live one.
    promoted_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="promoted_to")

    # The snapshot: never edited after the deployment.
    symbols = models.JSONField(default=list)
    timeframe = models.CharField(max_length=6, choices=TIMEFRAMES, default=Timeframe.DAY.value)
    provenance = models.JSONField(default=dict)
    # SHA-256 of strategy, kind, parameters, symbols and timeframe: equal for identical deployments.
    fingerprint = models.CharField(max_length=64)
    deployed_at = models.DateTimeField()
    # The account's equity at the deployment; drawdowns of this strategy are measured from it.
    starting_equity = _dollars()

    # Not part of the snapshot. The trading rules are the columns of DeployedRules.
    status = models.CharField(max_length=7, choices=Status, default=Status.ACTIVE)
    auto_execute = models.BooleanField(default=True)
    check_interval = models.PositiveIntegerField(default=300, help_text="Seconds of market time between checks.")
    on_leaving = models.CharField(max_length=11, choices=OnLeaving, default=OnLeaving.NOTIFY)
    # Entries have this part of the size that the rules give. Below 1 only after a promotion.
    size_fraction = models.FloatField(default=1.0)

    # Progress of the checks, in market time.
    next_check_at = models.DateTimeField()
    last_check_at = models.DateTimeField(null=True, blank=True)
    # The newest evaluated bar of any symbol, and of each symbol: on a real market bars arrive one after the other.
    last_bar_time = models.DateTimeField(null=True, blank=True)
    evaluated_bars = models.JSONField(default=dict, blank=True)
    # What the last check saw of each symbol: {"bar_time", "close", "side", "code", "sentence"}.
    last_seen = models.JSONField(default=dict, blank=True)
    last_error = models.CharField(max_length=300, blank=True)
    # Checks in a row that failed, and of these the last ones in which the kind's own code failed in the same way.
    failures = models.PositiveIntegerField(default=0)
    kind_failures = models.PositiveIntegerField(default=0)
    # Since when the desk knows that checks are missed; NULL while they are made.
    missed_checks_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")

    # Profit and loss of this strategy at its last check, in dollars since the deployment.
    session = models.DateField(null=True, blank=True)
    session_start_pnl = _dollars(default=Decimal(0))
    last_pnl = _dollars(default=Decimal(0))
    peak_pnl = _dollars(default=Decimal(0))
    # The session in which the daily loss limit tripped last, and why in words: no entries until the next session.
    tripped_session = models.DateField(null=True, blank=True)
    tripped_reason = models.CharField(max_length=300, blank=True)
    # The peak whose drawdown has reached the limit and was reported.
    reported_drawdown_peak = _dollars(null=True, blank=True)

    objects = ShownStrategies()
    with_deleted: "models.Manager[LiveStrategy]" = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "live strategies"
        indexes = [
            models.Index(fields=["account", "status", "next_check_at"]),
            models.Index(fields=["status", "next_check_at"]),
            models.Index(fields=["user", "-id"]),
            # The list of the live pages.
            models.Index(
                "user", "status", F("id").desc(), condition=Q(deleted_at=None), name="live_strategy_listed"
            ),
            models.Index(
                fields=["failures"],
                condition=Q(status__in=["active", "paused"], failures__gte=FAILING),
                name="live_strategy_failing",
            ),
            models.Index(
                fields=["user"],
                condition=Q(missed_checks_at__isnull=False),
                name="live_strategy_missed_checks",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "deploy_key"], name="live_strategy_unique_deploy_key"),
            models.UniqueConstraint(
                fields=["account", "fingerprint"],
                condition=Q(status="active"),
                name="live_strategy_unique_active_fingerprint",
            ),
            within("check_interval", MIN_CHECK_INTERVAL, MAX_CHECK_INTERVAL),
            within("size_fraction", MIN_SIZE_FRACTION, 1.0),
            *RULE_CONSTRAINTS,
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def mode(self) -> str:
        return self.account.mode

    @property
    def traded_size_pct(self) -> float:
        """The part of the account's equity that an entry has."""
        return self.risk_rules().position_size_pct * self.size_fraction

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def has_tripped(self) -> bool:
        """Whether the daily loss limit has tripped in the session of the last check, also when it was raised
        since."""
        return self.tripped_session is not None and self.tripped_session == self.session

    @property
    def is_checked(self) -> bool:
        return self.status in CHECKED

    @property
    def degraded(self) -> str:
        """Why the last checks failed, while they are tried again; "" when all is well."""
        return self.last_error if self.is_checked and self.failures else ""

    def last_evaluated(self, symbol: str) -> datetime | None:
        """The time of the last evaluated bar of `symbol`; None before the first check."""
        evaluated = self.evaluated_bars.get(symbol)
        return datetime.fromisoformat(evaluated) if evaluated else self.last_bar_time


# The statuses in which the signals are checked. A query of the failing ones uses this list: SQLite uses a partial
# index only for the same one.
CHECKED = (LiveStrategy.Status.ACTIVE, LiveStrategy.Status.PAUSED)
