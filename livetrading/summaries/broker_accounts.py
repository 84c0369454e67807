"""A user's broker accounts with their last tests, for the settings and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, Q, QuerySet

from livetrading.models import BrokerAccount, ConnectionTest, LiveStrategy
from tradedesk.accounts.models import User

SHOWN = 4
# The revoked accounts that the page names.
REVOKED = 50


class Connection(StrEnum):
    """In words whether the desk can trade with the account, with the tone of its badge."""

    label: str
    tone: str

    REVOKED = "revoked", "Revoked", "neutral"
    TESTING = "testing", "Testing", "info"
    UNTESTED = "untested", "Not tested", "warning"
    FAILED = "failed", "Not connected", "error"
    BLOCKED = "blocked", "Blocked by the broker", "error"
    DEGRADED = "degraded", "Degraded", "warning"
    CONNECTED = "connected", "Connected", "success"

    def __new__(cls, key: str, label: str, tone: str) -> "Connection":
        member = str.__new__(cls, key)
        member._value_ = key
        member.label, member.tone = label, tone
        return member


@dataclass(frozen=True, slots=True)
class AccountRow:
    """running: the live strategies that are active in it."""

    account: BrokerAccount
    test: ConnectionTest | None
    running: int
    under_way: bool

    @property
    def lost(self) -> bool:
        """No worker has run the test, or it was killed."""
        return self.test is not None and self.test.finished_at is None and not self.under_way

    @property
    def connection(self) -> Connection:
        account = self.account
        if account.revoked:
            return Connection.REVOKED
        if account.state == BrokerAccount.State.BLOCKED:
            return Connection.BLOCKED
        if not account.usable:
            if self.under_way:
                return Connection.TESTING
            return Connection.FAILED if self.test is not None else Connection.UNTESTED
        return Connection.DEGRADED if account.state == BrokerAccount.State.DEGRADED else Connection.CONNECTED

    @property
    def number(self) -> str:
        """The last characters; "" before the first test that passed."""
        return self.account.number[-SHOWN:]

    @property
    def outside(self) -> str:
        """What the broker holds that the desk did not buy, as the last test found it; "" for nothing."""
        report = self.test.report if self.test is not None else {}
        named = [f"{held['symbol']} {held['quantity']}" for held in report.get("outside", [])]
        more = report.get("outside_count", 0) - len(named)
        return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")

    @property
    def can_be_active(self) -> bool:
        return self.account.usable and not self.account.active and not self.account.revoked


def accounts_of(user: User) -> "QuerySet[BrokerAccount]":
    """Those that are not revoked: live before paper, the active one of each mode first. With what `rows_of` reads,
    in one query."""
    own = BrokerAccount.objects.filter(user=user, revoked_at=None)
    return _with_details(own).order_by("mode", "-active", "pk")


def revoked_accounts(user: User) -> "QuerySet[BrokerAccount]":
    """The latest ones, the last one first."""
    revoked = BrokerAccount.objects.filter(user=user, archived_at=None).exclude(revoked_at=None)
    return revoked.order_by("-revoked_at", "-pk")[:REVOKED]


def rows_of(accounts: Sequence[BrokerAccount], wall_now: datetime) -> list[AccountRow]:
    """accounts: of `accounts_of`. No query."""
    return [_row(account, wall_now) for account in accounts]


def _with_details(accounts: "QuerySet[BrokerAccount]") -> "QuerySet[BrokerAccount]":
    active = Q(live_strategies__status=LiveStrategy.Status.ACTIVE, live_strategies__deleted_at=None)
    return accounts.select_related("connection_test").annotate(running=Count("live_strategies", filter=active))


def _row(account: BrokerAccount, wall_now: datetime) -> AccountRow:
    test: ConnectionTest | None = getattr(account, "connection_test", None)
    running: int = getattr(account, "running", 0)
    return AccountRow(account, test, running, test is not None and test.is_under_way(wall_now))
