"""Restart of the replay: empty paper accounts for all users, and the clock at its start."""

import builtins
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from livetrading.brokers.protocol import BarMatching, OrderRefused, OrderRequest
from livetrading.models import (
    BrokerAccount,
    Fill,
    Incident,
    LiveStrategy,
    LiveTrade,
    Order,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
from livetrading.models.order import WORKING
from livetrading.models.trade import trades_of
from livetrading.services.accounts import broker_for
from livetrading.services.reset import NotReset, planned_reset, reset_paper, reset_replay
from livetrading.services.trade_totals import differences
from livetrading.summaries.account import read_account
from livetrading.summaries.archives import paper_archives
from livetrading.summaries.broker_accounts import revoked_accounts
from livetrading.summaries.performance import Performance
from livetrading.summaries.signal_list import filter_signals
from strategies.models import Strategy
from tests.livetrading.factories import (
    NOW,
    WALL,
    account_of,
    at_day,
    make_desk_rows,
    make_fill,
    make_incident,
    make_live_strategy,
    make_live_trade,
    make_order,
)
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.models import AuditRecord
from tradedesk.core.bars import Timeframe
from tradedesk.core.rules import Costs
from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.replay import replay_state
from tradedesk.notifications.models import Notification

TABLES = (
    SignalHistory,
    Order,
    Fill,
    PaperTrade,
    PaperPosition,
    PaperOrder,
    PaperFill,
    Incident,
    Notification,
)


@pytest.fixture
def traded_desk(alice: User, bob: User, settings: Any) -> User:
    """Two users with rows in all tables, on the replay of 2010."""
    settings.REPLAY_START = "2010-01-04"
    at_day(date(2012, 3, 9))
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5, 11.5))
    for user in (alice, bob):
        open_account(user, 70_000, Costs(slippage_bps=5))
        live = make_two_bar_strategy(user, "AAPL")
        for now in CLOSES[2:5]:
            step(live, now)
        make_desk_rows(user, 2)
        make_incident(account=account_of(user))
    assert all(model._default_manager.exists() for model in TABLES)
    return alice


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in TABLES}


def test_the_paper_accounts_of_all_users_are_empty(traded_desk: User) -> None:
    deployments = LiveStrategy.objects.count()
    assert reset_replay(WALL) == deployments
    assert set(counts().values()) == {0}
    assert LiveStrategy.objects.count() == 0


def test_accounts_have_their_starting_cash_again_and_keep_their_costs(traded_desk: User) -> None:
    assert PaperAccount.objects.exclude(cash=70_000).exists()
    reset_replay(WALL)
    figures = PaperAccount.objects.values_list("starting_cash", "cash", "slippage_bps")
    assert list(figures) == [(70_000, 70_000, 5)] * 2


def test_an_account_has_no_snapshot_and_no_trouble_and_its_next_epoch(traded_desk: User) -> None:
    trouble = {"state": "degraded", "state_reason": "The broker is away.", "failures": 7}
    BrokerAccount.objects.update(**trouble, activity_cursor="9")
    before = BrokerAccount.objects.earliest("pk")
    assert before.snapshot_at
    assert before.fill_cursor
    reset_replay(WALL)
    for account in BrokerAccount.objects.all():
        figures = (account.cash, account.equity, account.buying_power, account.peak_equity, account.booked_cash)
        assert figures == (70_000,) * 5
        assert (account.snapshot_at, account.reconciled_at) == (None, None)
        assert (account.fill_cursor, account.activity_cursor) == ("", "")
        assert (account.state, account.state_reason, account.failures) == ("connected", "", 0)
        assert account.epoch == before.epoch + 1


def test_stopped_entries_stay_stopped(traded_desk: User) -> None:
    """A person has stopped them, not the market."""
    BrokerAccount.objects.update(entries_stopped_at=WALL, entries_stopped_by="alice@example.com")
    reset_replay(WALL)
    stopped = BrokerAccount.objects.values_list("entries_stopped_at", "entries_stopped_by")
    assert list(stopped) == [(WALL, "alice@example.com")] * 2


def test_an_order_that_is_just_sent_is_refused_by_the_emptied_account(traded_desk: User) -> None:
    """The worker has read the account before the reset."""
    broker = broker_for(account_of(traded_desk), CLOSES[4])
    request = OrderRequest(
        client_order_id="late",
        symbol="AAPL",
        side="buy",
        quantity=Decimal(1),
        matching=BarMatching(bar_minutes=Timeframe.DAY.minutes),
    )
    reset_replay(WALL)
    with pytest.raises(OrderRefused):
        broker.submit(request)
    assert not PaperOrder.objects.exists()
    broker_for(account_of(traded_desk), CLOSES[4]).submit(request)


def test_the_replay_is_at_its_start(traded_desk: User) -> None:
    reset_replay(WALL)
    assert replay_state().session == date(2010, 1, 4)
    assert (ReplayMarket.objects.get().advanced_at, replay_state().ended) == (WALL, False)


def test_strategies_and_backtests_stay(traded_desk: User) -> None:
    strategies, backtests = Strategy.objects.count(), traded_desk.backtests.count()
    assert strategies
    assert backtests
    reset_replay(WALL)
    assert (Strategy.objects.count(), traded_desk.backtests.count()) == (strategies, backtests)


def test_live_records_stay(traded_desk: User) -> None:
    live = make_live_strategy(user=traded_desk, mode=Mode.LIVE)
    trade = make_live_trade(user=traded_desk, live_strategy=live)
    order = make_order(user=traded_desk, mode=Mode.LIVE, live_strategy=live)
    fill = make_fill(order=order)
    incident = make_incident(account=live.account)
    epoch = live.account.epoch
    reset_replay(WALL)
    assert list(LiveStrategy.objects.all()) == [live]
    assert list(LiveTrade.objects.all()) == [trade]
    assert set(Order.objects.all()) == {order, trade.opening_order}
    assert list(Fill.objects.all()) == [fill]
    assert list(Incident.objects.all()) == [incident]
    assert BrokerAccount.objects.get(mode=Mode.LIVE).epoch == epoch


def test_a_crash_during_the_reset_changes_nothing(traded_desk: User, monkeypatch: pytest.MonkeyPatch) -> None:
    before = counts()

    def crash(*_: object) -> None:
        assert set(counts().values()) == {0}
        raise SystemExit

    monkeypatch.setattr(replay, "restart", crash)
    with pytest.raises(SystemExit):
        reset_replay(WALL)
    assert counts() == before


def test_the_desk_trades_again_after_the_reset(traded_desk: User) -> None:
    reset_replay(WALL)
    live = make_two_bar_strategy(traded_desk, "AAPL")
    for now in CLOSES[2:6]:
        step(live, now)
    trade = PaperTrade.objects.get()
    assert (trade.quantity, trade.exit_reason) == (116, "signal")  # 2% of 70,000 / 12 = 116.67


# --- The paper account of one user -----------------------------------------------------------------------------


def test_only_the_paper_account_of_this_user_starts_anew(traded_desk: User, bob: User) -> None:
    others = {model: model._default_manager.filter(account__user=bob).count() for model in (Order, PaperTrade)}
    own = account_of(traded_desk)
    tables = (Order, Fill, PaperTrade, PaperPosition, Incident)
    before = {model: model._default_manager.filter(account=own).count() for model in tables}
    deployments = LiveStrategy.objects.filter(account=own).count()
    live = make_live_strategy(user=traded_desk, mode=Mode.LIVE)
    plan = planned_reset(traded_desk)
    assert reset_paper(traded_desk, NOW, WALL, by=traded_desk) == plan
    assert (plan.strategies, plan.trades, plan.balance) == (deployments, before[PaperTrade], 70_000)
    assert list(LiveStrategy.objects.filter(user=traded_desk)) == [live]
    own.refresh_from_db()
    assert (own.cash, own.booked_cash, own.fill_cursor, own.epoch) == (70_000, 70_000, "", 2)
    assert (own.paper_account.cash, own.paper_account.orders.count()) == (70_000, 0)
    archive = BrokerAccount.objects.exclude(archived_at=None).get()
    assert (archive.user, archive.active, archive.revoked, archive.archived_at) == (traded_desk, False, True, NOW)
    for model, count in before.items():
        assert not model._default_manager.filter(account=own).exists()
        assert model._default_manager.filter(account=archive).count() == count > 0
    assert not Order.objects.filter(account=archive, state__in=WORKING).exists()
    assert set(LiveStrategy.with_deleted.filter(account=archive).values_list("status", flat=True)) == {"stopped"}
    assert archive.paper_account.orders.exists()
    for model, count in others.items():
        assert model._default_manager.filter(account__user=bob).count() == count > 0
    assert PaperOrder.objects.filter(account__broker_account__user=bob, status="working").exists()
    assert account_of(bob).epoch == 1
    assert replay_state().session == date(2012, 3, 9)
    assert AuditRecord.objects.filter(action="paper_reset", user_id=traded_desk.pk).count() == 1


def test_what_is_archived_is_in_no_list_and_no_figure(traded_desk: User) -> None:
    reset_paper(traded_desk, NOW, WALL, by=traded_desk)
    assert not trades_of(traded_desk, Mode.PAPER).exists()
    assert not filter_signals(traded_desk.signals.all(), unheld=True).exists()
    assert read_account(traded_desk, Mode.PAPER, NOW).performance == Performance()
    # Nor in the totals, which the archive keeps.
    assert list(differences()) == []
    ((count, realized),) = paper_archives(traded_desk).values_list("trade_count", "realized")  # type: ignore[misc] # annotated
    assert (count > 0, realized is not None) == (True, True)
    assert not revoked_accounts(traded_desk).exists()
    reset_paper(traded_desk, NOW, WALL, by=traded_desk)
    assert paper_archives(traded_desk).count() == 1  # nothing was traded since
    reset_replay(WALL)
    assert not paper_archives(traded_desk).exists()


def test_a_reset_sets_the_balance_and_the_desk_trades_again(traded_desk: User) -> None:
    for balance in ("0", "99", "1e12", "NaN"):
        with pytest.raises(NotReset):
            reset_paper(traded_desk, NOW, WALL, by=traded_desk, balance=Decimal(balance))
    assert not BrokerAccount.objects.exclude(archived_at=None).exists()
    assert reset_paper(traded_desk, NOW, WALL, by=traded_desk, balance=Decimal(35_000)).balance == 35_000
    books = account_of(traded_desk).paper_account
    assert (books.starting_cash, books.cash) == (35_000, 35_000)
    live = make_two_bar_strategy(traded_desk, "AAPL")
    for now in CLOSES[2:6]:
        step(live, now)
    assert trades_of(traded_desk, Mode.PAPER).get().quantity == 58  # 2% of 35,000 / 12 = 58.3


def test_live_records_are_not_touched(traded_desk: User) -> None:
    trade = make_live_trade(user=traded_desk, live_strategy=make_live_strategy(user=traded_desk, mode=Mode.LIVE))
    order = make_order(user=traded_desk, mode=Mode.LIVE)
    epoch = trade.account.epoch
    reset_paper(traded_desk, NOW, WALL, by=traded_desk)
    trade.refresh_from_db()
    order.refresh_from_db()
    assert (trade.account.mode, trade.account.epoch, order.state) == (Mode.LIVE, epoch, "pending")
    assert LiveStrategy.objects.get(account__mode=Mode.LIVE).is_active


def test_without_an_account_of_the_desk_there_is_nothing_to_reset(alice: User) -> None:
    with pytest.raises(NotReset):
        reset_paper(alice, NOW, WALL, by=alice)
    assert planned_reset(alice).accounts == 0


def test_the_command_empties_the_account_of_the_user_it_names(
    traded_desk: User, bob: User, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError):
        call_command("reset_paper", "nobody@example.com", "--yes")
    confirm_with(monkeypatch, "no")
    with pytest.raises(CommandError):
        call_command("reset_paper", traded_desk.email)
    assert LiveStrategy.objects.filter(user=traded_desk).exists()
    with pytest.raises(CommandError):
        call_command("reset_paper", traded_desk.email, "--yes", "--balance", "x")
    call_command("reset_paper", traded_desk.email.upper(), "--yes", "--balance", "5000")
    assert account_of(traded_desk).paper_account.cash == 5000
    assert not LiveStrategy.objects.filter(user=traded_desk).exists()
    assert LiveStrategy.objects.filter(user=bob).exists()


# --- The command -----------------------------------------------------------------------------------------------


def confirm_with(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(builtins, "input", lambda _prompt: text)


@pytest.mark.parametrize("text", ["", "y", "yes", "no", "Reset"])
def test_the_command_requires_the_confirmation(
    traded_desk: User, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    before = counts()
    confirm_with(monkeypatch, text)
    with pytest.raises(CommandError):
        call_command("reset_replay")
    assert counts() == before
    assert replay_state().session == date(2012, 3, 9)


def test_the_command_prints_what_it_deletes(
    traded_desk: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    confirm_with(monkeypatch, " reset ")
    call_command("reset_replay")
    assert capsys.readouterr().out.splitlines() == [
        "This deletes every paper trade, order, signal and paper deployment of all users.",
        "The replay was restarted; 6 paper deployments were deleted.",
    ]
    assert replay_state().session == date(2010, 1, 4)


def test_the_command_can_skip_the_confirmation(traded_desk: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("reset_replay", "--yes")
    assert capsys.readouterr().out == "The replay was restarted; 6 paper deployments were deleted.\n"
    assert set(counts().values()) == {0}


def test_a_reset_of_an_empty_desk_only_sets_the_clock(db: None) -> None:
    at_day(date(2012, 3, 9))
    assert reset_replay(WALL) == 0
    assert replay_state().session != date(2012, 3, 9)
