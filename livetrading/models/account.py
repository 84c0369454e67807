"""A broker account: the identity of everything that has money, and the desk's last picture of it."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from livetrading.models.kept_totals import TOTALS, KeptTotals
from tradedesk.accounts.models import Mode
from tradedesk.core.money import SHARE_PLACES
from tradedesk.encryption import Place
from tradedesk.wall_time import has_passed


def _dollars() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)


# Failures in a row from which on a check or an account counts as failing.
FAILING = 3
# A test of a connection is over after this wall time, with or without a result.
LONGEST_TEST = timedelta(seconds=60)


REPLAY = (
    "This desk plays sample prices of the past, so it uses no account at a broker, paper or live. Start it with "
    "MARKET=alpaca."
)


def in_this_market(account: str = "") -> Q:
    """A condition on accounts that the desk's market can be traded in, or on what has an account ("account__")."""
    if settings.TRADES_AT_BROKERS:
        return Q(**{f"{account}pk__isnull": False})  # an empty Q is dropped from an "or"
    return Q(**{f"{account}broker": BrokerAccount.Broker.PAPER})


# What the booking of a fill or an activity changes, and saves under the lock.
BOOKED = ("booked_cash", *TOTALS)


class BrokerAccount(KeptTotals):
    """One account of a user at one broker. Deployments, orders, fills, trades and positions point at it.

    A user may have several; the active one of each mode is used for new deployments and shown on the pages. The
    row lock (`locked`) orders everything that changes the desk's books of the account.
    """

    class Broker(models.TextChoices):
        PAPER = "paper", "Simulation of the desk"
        ALPACA = "alpaca", "Alpaca"

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        DEGRADED = "degraded", "Degraded"
        BLOCKED = "blocked", "Blocked"

    # A user who has traded is deactivated, never deleted: what was traded stays.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="broker_accounts")
    broker = models.CharField(max_length=10, choices=Broker)
    mode = models.CharField(max_length=5, choices=Mode)
    name = models.CharField(max_length=60)
    active = models.BooleanField(default=True)
    # Encrypted (livetrading/credentials.py); the simulation needs none.
    credentials = models.TextField(blank=True, editable=False)
    # What a page may show of the key: its last characters.
    key_hint = models.CharField(max_length=4, blank=True, editable=False)
    # The broker's number of the account, from the first test that passed; pages show its last four characters.
    number = models.CharField(max_length=64, blank=True, editable=False)
    # Wall times. Verified: the last test that passed; empty again once the broker refuses the keys.
    verified_at = models.DateTimeField(null=True, blank=True)
    # A revoked account has no keys, is never active again, and keeps its history.
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Of a paper account that was reset: its history, which is no account of the user's any more.
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    # Increases when the account's records are emptied; an order of an earlier epoch is refused at submit.
    epoch = models.PositiveIntegerField(default=1)

    # The broker's ids of the last fill and of the last other activity that were taken over; opaque to the desk.
    fill_cursor = models.CharField(max_length=128, blank=True)
    activity_cursor = models.CharField(max_length=128, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    # A lease, in wall time: until then one worker works on the account.
    claimed_until = models.DateTimeField(null=True, blank=True)
    # Wall time: until then the broker asked for no more requests. Exits are sent all the same.
    quiet_until = models.DateTimeField(null=True, blank=True)

    # The account as the broker last reported it, in dollars; NULL before the first report.
    cash = _dollars()
    equity = _dollars()
    buying_power = _dollars()
    snapshot_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    # The highest equity, from which drawdowns are measured; after a kill switch was lifted, since then.
    peak_equity = _dollars()
    peak_restarted_at = models.DateTimeField(null=True, blank=True, help_text="Market time.")
    # The day in New York of the last report, and the equity of the last report before it.
    equity_day = models.DateField(null=True, blank=True)
    day_start_equity = _dollars()
    # The cash by the desk's own records: the cash of the first report, and every fill and activity since.
    booked_cash = _dollars()

    # While it is set, no strategy of the account sends entries. Exits are still sent.
    entries_stopped_at = models.DateTimeField(null=True, blank=True)
    entries_stopped_by = models.CharField(max_length=150, blank=True)
    entries_stopped_reason = models.CharField(max_length=300, blank=True)

    state = models.CharField(max_length=9, choices=State, default=State.CONNECTED)
    # In words, why the account is degraded or blocked.
    state_reason = models.CharField(max_length=300, blank=True)
    # Ticks in a row that could not reconcile the account.
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["claimed_until"]),
            models.Index(fields=["failures"], condition=Q(failures__gte=FAILING), name="broker_account_failing"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "mode"], condition=Q(active=True), name="broker_account_one_active_for_each_mode"
            ),
            models.CheckConstraint(
                condition=~Q(broker="paper") | Q(mode=Mode.PAPER, credentials=""),
                name="broker_account_simulation_is_paper",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None) | Q(active=False, credentials=""),
                name="broker_account_revoked_has_no_keys",
            ),
            # Two accounts of the desk with the books of one account at the broker would both be wrong.
            models.UniqueConstraint(
                fields=["broker", "mode", "number"],
                condition=~Q(number="") & Q(revoked_at=None),
                name="broker_account_number_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_paper(self) -> bool:
        return self.mode == Mode.PAPER

    @property
    def is_simulation(self) -> bool:
        return self.broker == self.Broker.PAPER

    @property
    def market_problem(self) -> str:
        """Why the desk's market cannot be traded in this account, and it is left alone; "" when it can."""
        return "" if self.is_simulation or settings.TRADES_AT_BROKERS else REPLAY

    @property
    def revoked(self) -> bool:
        return self.revoked_at is not None

    @property
    def usable(self) -> bool:
        """Whether it can be the active account: its test has passed, which the simulation does not need."""
        return self.is_simulation or self.verified_at is not None

    @property
    def credentials_place(self) -> Place:
        """Where the keys are stored: in another row, or of another user, they do not decrypt."""
        return Place(self.user_id, f"broker_account:{self.pk}", "credentials")

    @property
    def entries_stopped(self) -> bool:
        return self.entries_stopped_at is not None

    @classmethod
    def locked(cls, account_id: int) -> "BrokerAccount":
        """The account with its row locked until the end of the transaction. Raises DoesNotExist."""
        return cls._default_manager.select_for_update(of=("self",)).select_related("user").get(pk=account_id)


class ConnectionTest(models.Model):
    """The last test of an account's connection: asked for by its user, run by a worker, shown on the page.

    It tests the account's keys, or new ones, which replace them only when they pass: so the desk can trade until
    then, and never with the keys of another account. All times are wall times. A run writes its result only while
    `run` is its own."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Testing"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"

    account = models.OneToOneField(BrokerAccount, models.CASCADE, related_name="connection_test")
    run = models.UUIDField(default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    # The new keys, stored as in the account itself; empty once the test has ended.
    new_credentials = models.TextField(blank=True, editable=False)
    new_key_hint = models.CharField(max_length=4, blank=True, editable=False)
    # Whether the account becomes the active one of its mode when the test passes.
    activates = models.BooleanField(default=False)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    # In words, why it failed.
    problem = models.CharField(max_length=300, blank=True)
    # What the broker reported, as the page shows it.
    report = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.state}"

    def is_under_way(self, wall_now: datetime) -> bool:
        """A test whose worker is gone is over after a while; so is one that began in the future."""
        open_states = (self.State.QUEUED, self.State.RUNNING)
        return self.state in open_states and not has_passed(self.requested_at, LONGEST_TEST, wall_now)


class AccountActivity(models.Model):
    """Money or shares that moved without a fill, as the broker reported it; unique by the broker's activity id."""

    class Kind(models.TextChoices):
        FEE = "fee", "Fee"
        DIVIDEND = "dividend", "Dividend"
        INTEREST = "interest", "Interest"
        SPLIT = "split", "Split"
        TRANSFER = "transfer", "Transfer"
        BUST = "bust", "Fill undone"
        CORRECTION = "correction", "Fill corrected"
        OTHER = "other", "Other"

    account = models.ForeignKey(BrokerAccount, models.CASCADE, related_name="activities")
    activity_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=10, choices=Kind)
    # Longer than a symbol that the desk trades: an option held by hand, for example.
    symbol = models.CharField(max_length=40, blank=True)
    # What it added to the account's cash, in dollars; negative for a fee.
    amount = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    time = models.DateTimeField(help_text="Market time.")
    description = models.CharField(max_length=200, blank=True)
    # A bust or a correction: the activity id of the fill that it changes, and the shares and the price afterwards.
    previous_id = models.CharField(max_length=128, blank=True)
    quantity = models.DecimalField(max_digits=20, decimal_places=SHARE_PLACES, default=Decimal(0))
    price = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    # Whether the desk's books have it. A correction may have to wait for another fill.
    booked = models.BooleanField(default=True)

    class Meta:
        ordering = ["-time", "-id"]
        verbose_name_plural = "account activities"
        indexes = [
            models.Index(fields=["account", "-time"]),
            models.Index(fields=["account"], condition=Q(booked=False), name="account_activity_unbooked"),
        ]
        constraints = [models.UniqueConstraint(fields=["account", "activity_id"], name="account_activity_unique")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount:,.2f} {self.symbol}".strip()
