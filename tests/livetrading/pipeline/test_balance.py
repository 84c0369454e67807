"""The balance of an account: the snapshot, lasting differences from the desk's records, and activities."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from livetrading.brokers.protocol import AccountReport, OutcomeUnknown
from livetrading.models import AccountDay, BrokerAccount, Incident, LiveStrategy, PaperPosition
from tests.livetrading.factories import make_live_strategy
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.pipeline.scripted_broker import ScriptedBroker, account_now, entry_of, run_reconcile
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import NEW_YORK
from tradedesk.notifications.models import Notification

START = CLOSES[1]
Kind, State = Incident.Kind, BrokerAccount.State


@pytest.fixture
def broker() -> ScriptedBroker:
    return ScriptedBroker()


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


# --- The snapshot ----------------------------------------------------------------------------------------------


def test_the_report_of_the_broker_is_the_snapshot_of_the_account(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.cash = Decimal("100000.25")
    BrokerAccount.objects.update(booked_cash=broker.cash)  # what is not explained raises no peak
    reconciled = run_reconcile(live, broker)
    account = account_now(live)
    assert reconciled.equity == 100_000.25
    assert account.cash == account.equity == account.buying_power == Decimal("100000.25")
    assert account.snapshot_at == account.reconciled_at == START
    broker.cash = Decimal(90_000)
    run_reconcile(live, broker, after(1))
    account = account_now(live)
    assert (account.equity, account.peak_equity) == (90_000, Decimal("100000.25"))


def test_each_day_keeps_its_last_report_and_what_it_began_with(live: LiveStrategy, broker: ScriptedBroker) -> None:
    BrokerAccount.objects.update(equity_day=None, day_start_equity=None, equity=None)
    day = timedelta(days=1)
    for hours, cash in ((0, 100_000), (1, 101_000), (24, 99_000), (25, 100_500), (72, 100_500)):
        broker.cash = Decimal(cash)
        BrokerAccount.objects.update(booked_cash=broker.cash)  # gains, and no money that came in
        run_reconcile(live, broker, START + hours * timedelta(hours=1))
    first = START.astimezone(NEW_YORK).date()
    days = AccountDay.objects.order_by("day").values_list("day", "start", "equity")
    assert list(days) == [(first, 100_000, 101_000), (first + day, 101_000, 100_500)]


def test_the_first_report_is_the_cash_that_the_bookings_start_from(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    """An account at a broker is connected with whatever cash it has."""
    BrokerAccount.objects.update(booked_cash=None)
    broker.cash = Decimal(1_234)
    broker.filled(entry_of(live), 10)  # its cash is part of the first report
    run_reconcile(live, broker)
    assert account_now(live).booked_cash == broker.cash == 234
    broker.filled(entry_of(live), 1)
    run_reconcile(live, broker, after(60))
    assert account_now(live).booked_cash == broker.cash == 134
    assert not Incident.objects.exists()


def test_what_is_paid_while_the_first_report_is_made_is_counted_once(
    live: LiveStrategy, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    BrokerAccount.objects.update(booked_cash=None)
    real = ScriptedBroker.account

    def account(self: ScriptedBroker) -> AccountReport:
        if len(self.activities) < 2:
            self.pay("dividend", 25)
        return real(self)

    monkeypatch.setattr(ScriptedBroker, "account", account)
    for seconds in range(4):
        run_reconcile(live, broker, after(seconds))
    assert account_now(live).booked_cash == broker.cash == 100_050
    assert not Incident.objects.exists()


def test_a_blocked_account_is_blocked_until_the_broker_reports_otherwise(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.blocked = "Pattern day trader."
    assert run_reconcile(live, broker).changed
    account = account_now(live)
    assert (account.state, account.state_reason) == (State.BLOCKED, "Pattern day trader.")
    broker.blocked = ""
    run_reconcile(live, broker)
    account = account_now(live)
    assert (account.state, account.state_reason) == (State.CONNECTED, "")


@pytest.mark.parametrize("method", ["account", "positions"])
def test_a_balance_that_cannot_be_read_degrades_the_account_and_books_the_fills(
    live: LiveStrategy, broker: ScriptedBroker, method: str
) -> None:
    run_reconcile(live, broker)
    broker.filled(entry_of(live), 10)
    broker.failing[method] = OutcomeUnknown("timed out")
    reconciled = run_reconcile(live, broker, after(5))
    account = account_now(live)
    assert (reconciled.equity, reconciled.changed) == (None, True)
    assert (account.state, account.reconciled_at) == (State.DEGRADED, after(5))
    assert "timed out" in account.state_reason
    assert (account.equity, account.snapshot_at) == (100_000, START), "the last snapshot stays"
    assert PaperPosition.objects.get().quantity == 100
    assert not run_reconcile(live, broker, after(10)).changed
    broker.failing = {}
    assert run_reconcile(live, broker, after(15)).equity == 99_000
    assert account_now(live).state == State.CONNECTED


# --- Differences -----------------------------------------------------------------------------------------------


def differ(broker: ScriptedBroker, kind: str, by: object) -> None:
    if kind == Kind.CASH:
        broker.cash += Decimal(str(by))
    else:
        broker.held["AAPL"] += Decimal(str(by))


@pytest.mark.parametrize(("kind", "key"), [(Kind.CASH, ""), (Kind.POSITION, "AAPL")])
@pytest.mark.parametrize("by", [5, -5])
def test_a_difference_is_reported_once_when_it_lasts_and_closed_when_it_is_gone(
    live: LiveStrategy, broker: ScriptedBroker, kind: str, key: str, by: int
) -> None:
    broker.filled(entry_of(live), 10)
    run_reconcile(live, broker)
    Notification.objects.all().delete()
    differ(broker, kind, by)
    run_reconcile(live, broker, START)
    incident = Incident.objects.get()
    assert (incident.kind, incident.key, incident.reported_at) == (kind, key, None)
    assert Decimal(incident.facts["difference"]) == by
    run_reconcile(live, broker, after(9.999))
    incident.refresh_from_db()
    assert (incident.reported_at, Notification.objects.count()) == (None, 0)
    assert run_reconcile(live, broker, after(10)).changed
    incident.refresh_from_db()
    assert (incident.reported_at, incident.resolved_at) == (after(10), None)
    assert Notification.objects.get().text == incident.text
    assert not run_reconcile(live, broker, after(3600)).changed
    assert (Notification.objects.count(), Incident.objects.count()) == (1, 1)
    # The desk's records are as they were.
    assert account_now(live).booked_cash == 99_000
    assert PaperPosition.objects.get().quantity == 100
    differ(broker, kind, -by)
    assert run_reconcile(live, broker, after(3601)).changed
    incident.refresh_from_db()
    assert (incident.resolved_at, Notification.objects.count()) == (after(3601), 1)
    # The same difference is a new incident when it comes back.
    differ(broker, kind, by)
    run_reconcile(live, broker, after(3602))
    assert Incident.objects.filter(resolved_at=None).count() == 1


def test_a_difference_that_was_never_reported_leaves_no_trace(live: LiveStrategy, broker: ScriptedBroker) -> None:
    differ(broker, Kind.CASH, 5)
    differ(broker, Kind.POSITION, 5)
    run_reconcile(live, broker)
    assert Incident.objects.count() == 2
    differ(broker, Kind.CASH, -5)
    differ(broker, Kind.POSITION, -5)
    run_reconcile(live, broker, after(9))
    assert (Incident.objects.count(), Notification.objects.count()) == (0, 0)


@pytest.mark.parametrize("kind", [Kind.CASH, Kind.POSITION])
def test_a_difference_that_changes_starts_again(live: LiveStrategy, broker: ScriptedBroker, kind: str) -> None:
    differ(broker, kind, 5)
    run_reconcile(live, broker)
    differ(broker, kind, 1)
    run_reconcile(live, broker, after(9))
    run_reconcile(live, broker, after(18))
    incident = Incident.objects.get()
    assert (incident.first_seen_at, incident.reported_at) == (after(9), None)
    assert Decimal(incident.facts["difference"]) == 6
    run_reconcile(live, broker, after(19))
    incident.refresh_from_db()
    assert incident.reported_at == after(19)
    # Reported already: it follows the figure and is not reported a second time.
    differ(broker, kind, 1)
    run_reconcile(live, broker, after(40))
    run_reconcile(live, broker, after(60))
    incident.refresh_from_db()
    assert Decimal(incident.facts["difference"]) == 7
    assert (incident.reported_at, Notification.objects.count()) == (after(19), 1)


@pytest.mark.parametrize("kind", [Kind.CASH, Kind.POSITION])
def test_a_broker_that_is_ahead_by_one_fill_after_the_other_is_no_lasting_difference(
    live: LiveStrategy, broker: ScriptedBroker, kind: str
) -> None:
    """The figures of its report hold one fill more than its list of fills, each time another one."""
    entry = entry_of(live, quantity=100)
    differ(broker, kind, 30 if kind == Kind.POSITION else -300)
    run_reconcile(live, broker, after(0))
    for beat in range(1, 4):
        broker.fill(entry, 30, 10)
        run_reconcile(live, broker, after(10 * beat))
        assert Incident.objects.get().reported_at is None
    run_reconcile(live, broker, after(40))
    assert Incident.objects.get().reported_at == after(40)


@pytest.mark.parametrize(
    ("kind", "by", "differs"),
    [
        (Kind.CASH, "0.009999", False),
        (Kind.CASH, "0.01", True),
        (Kind.CASH, "-0.01", True),
        (Kind.POSITION, "0.000000999", False),
        (Kind.POSITION, "0.000001", True),
        (Kind.POSITION, "-0.000001", True),
    ],
)
def test_less_than_a_cent_or_a_millionth_of_a_share_is_no_difference(
    live: LiveStrategy, broker: ScriptedBroker, kind: str, by: str, differs: bool
) -> None:
    differ(broker, kind, by)
    run_reconcile(live, broker)
    assert Incident.objects.exists() is differs


def test_a_short_position_and_an_unknown_symbol_are_differences(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    broker.held["TSLA"] = Decimal(-3)
    run_reconcile(live, broker)
    incident = Incident.objects.get()
    assert (incident.kind, incident.key, incident.facts) == (
        Kind.POSITION,
        "TSLA",
        {"difference": "-3", "own": "0"},
    )


@pytest.mark.parametrize("kind", [Kind.CASH, Kind.POSITION])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_reported_difference_is_reported_again_when_it_has_doubled_and_lasts(
    live: LiveStrategy, broker: ScriptedBroker, kind: str, sign: int
) -> None:
    def reconcile_at(*seconds: float) -> int:
        for each in seconds:
            run_reconcile(live, broker, after(each))
        return Notification.objects.count()

    differ(broker, kind, 5 * sign)
    assert reconcile_at(0, 10) == 1
    differ(broker, kind, "4.99" if sign > 0 else "-4.99")
    assert reconcile_at(20, 30, 40) == 1, "less than the double"
    differ(broker, kind, "0.01" if sign > 0 else "-0.01")
    assert reconcile_at(50, 59.999) == 1, "not lasting yet"
    assert reconcile_at(60) == 2
    incident = Incident.objects.get()
    assert Notification.objects.order_by("pk").last().text == incident.text  # type: ignore[union-attr]
    assert Decimal(incident.facts["reported"]) == 10 * sign
    assert incident.reported_at == after(60)
    # Twice the first one is not news a second time; twice the second one is.
    differ(broker, kind, 5 * sign)
    assert reconcile_at(70, 80, 90) == 2
    differ(broker, kind, 5 * sign)
    assert reconcile_at(100, 110) == 3


def test_a_difference_that_doubles_and_changes_all_the_time_is_reported_when_it_rests(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    differ(broker, Kind.CASH, 5)
    for seconds in (0, 10):
        run_reconcile(live, broker, after(seconds))
    for seconds in range(15, 60, 5):
        differ(broker, Kind.CASH, 5)
        run_reconcile(live, broker, after(seconds))
    assert Notification.objects.count() == 1
    run_reconcile(live, broker, after(65))
    assert Notification.objects.count() == 2
