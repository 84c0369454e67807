"""The home page: figures, what needs attention, lists, the equity curve and the examples, by Alice, Bob and
Charlie."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backtests.models import Backtest
from livetrading.models import AccountActivity, AccountDay, BrokerAccount, LiveStrategy, OrderState
from livetrading.pipeline.balance import begin_day
from livetrading.services.examples import STRATEGIES
from livetrading.services.reset import reset_paper
from livetrading.summaries import running
from livetrading.summaries.account import read_account
from livetrading.summaries.attention import SHOWN, read_attention
from livetrading.summaries.equity_curve import MOST_DAYS, read_curve, read_periods
from livetrading.summaries.home import ROWS
from livetrading.summaries.running import FILLS
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    closed,
    make_backtest,
    make_fill,
    make_incident,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_stop,
    report_figures,
)
from tests.livetrading.reading import HOME, text_of
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars
from tradedesk.marketdata.quotes import load_readable
from tradedesk.marketdata.services import load_samples
from tradedesk.notifications.managing import add_webhook
from tradedesk.notifications.models import Channel

JSON, EXAMPLES = "/dashboard/equity.json", "/dashboard/examples"


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


def of_day(account: BrokerAccount, day: date, equity: float) -> None:
    AccountDay.objects.create(account=account, day=day, start=Decimal(100_000), equity=Decimal(str(equity)))


def test_the_addresses() -> None:
    assert (reverse("livetrading:equity_json"), reverse("livetrading:load_examples")) == (JSON, EXAMPLES)


# --- Equity, week and month -----------------------------------------------------------------------------------


def test_each_new_day_keeps_the_last_equity_of_the_day_before(alice: User) -> None:
    """The curve begins with what the account began with. An archive keeps it."""
    account = account_of(alice)
    for day, equity in ((TODAY, 100_000), (TODAY, 100_100), (TODAY + timedelta(days=1), 100_300)):
        begin_day(account, NOW + (day - TODAY))
        account.equity = Decimal(equity)
    account.save()
    assert list(account.days.values_list("day", "start", "equity")) == [(TODAY, 100_000, 100_100)]
    curve = read_curve(account, NOW + timedelta(days=1))
    assert curve.days == [date(2010, 3, 7), TODAY, TODAY + timedelta(days=1)]
    assert curve.equity == [100_000, 100_100, 100_300]
    reset_paper(alice, NOW, WALL, by=alice)
    assert list(AccountDay.objects.values_list("account__archived_at", flat=True)) == [NOW]


def test_the_week_and_the_month_begin_after_the_last_report_before_them(alice: User) -> None:
    account = report_figures(alice, equity=101_000, cash=50_000)
    assert [period.pnl for period in read_periods(account, NOW)] == [1_000, 1_000]
    of_day(account, date(2010, 2, 26), 100_400)
    of_day(account, date(2010, 3, 5), 101_500)
    of_day(account, TODAY, 99_000)
    week, month = read_periods(account, NOW)
    assert (week.pnl, week.base, month.pnl) == (-500, 101_500, 600)
    transfer = {"activity_id": "1", "kind": AccountActivity.Kind.TRANSFER, "amount": Decimal(700)}
    AccountActivity.objects.create(account=account, time=NOW - timedelta(hours=3), **transfer)
    week, month = read_periods(account, NOW)
    assert (week.pnl, month.pnl) == (-1_200, -100)


def test_money_paid_in_on_the_first_day_is_no_loss_of_the_week(alice: User) -> None:
    account = report_figures(alice, equity=55_000, cash=55_000)
    # The booking of a transfer moves what the day began with.
    BrokerAccount.objects.update(equity_day=TODAY, day_start_equity=55_000)
    transfer = {"activity_id": "1", "kind": AccountActivity.Kind.TRANSFER, "amount": Decimal(5_000)}
    AccountActivity.objects.create(account=account, time=NOW - timedelta(hours=3), **transfer)
    account.refresh_from_db()
    assert [period.pnl for period in read_periods(account, NOW)] == [0, 0]
    begun = AccountDay.objects.create(account=account, day=TODAY, start=Decimal(55_000), equity=Decimal(55_000))
    assert [period.pnl for period in read_periods(account, NOW)] == [0, 0]
    AccountDay.objects.filter(pk=begun.pk).update(day=TODAY - timedelta(days=1))
    assert [period.pnl for period in read_periods(account, NOW)] == [-5_000, -5_000]


def test_who_traded_by_hand_alone_sees_what_needs_attention(alices_browser: Client, alice: User) -> None:
    assert "attention" not in alices_browser.get(HOME).context
    order = make_order(user=alice)
    assert "attention" in alices_browser.get(HOME).context
    order.delete()
    make_paper_trade(user=alice, **closed(NOW))
    assert "attention" in alices_browser.get(HOME).context


def test_a_symbol_whose_bars_begin_later_draws_no_line(
    alices_browser: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_live_strategy(user=alice, symbols=["AAPL", "MSFT"])
    for symbol in ("AAPL", "MSFT"):
        make_paper_trade(user=alice, symbol=symbol)

    def later(user_id: int, symbols: set[str], timeframe: str) -> dict[str, Bars]:
        found = load_readable(user_id, symbols, timeframe)
        return found | {"AAPL": found["AAPL"][-10:]}

    monkeypatch.setattr(running, "load_readable", later)
    assert alices_browser.get(HOME).status_code == 200


def test_the_curve_ends_with_the_last_report_and_has_a_benchmark(alices_browser: Client, alice: User) -> None:
    make_live_strategy(user=alice, symbols=["AAPL", "MSFT"])
    account = report_figures(alice, equity=101_000, cash=50_000)
    of_day(account, date(2010, 3, 4), 100_000)
    of_day(account, date(2010, 3, 5), 100_500)
    data = alices_browser.get(JSON).json()
    first = (date(2010, 3, 3) - date(1970, 1, 1)).days
    assert data["time"] == [first, first + 1, first + 2, first + 5]
    assert data["equity"] == [100_000, 100_000, 100_500, 101_000]
    assert data["symbols"] == ["AAPL", "MSFT"]
    assert (len(data["benchmark"]), data["benchmark"][0]) == (4, 100_000)


def test_a_long_history_is_thinned_and_keeps_its_end(alice: User) -> None:
    account = report_figures(alice, equity=5, cash=5)
    days = [TODAY - timedelta(days=number) for number in range(1, 2 * MOST_DAYS)]
    AccountDay.objects.bulk_create([AccountDay(account=account, day=day, start=1, equity=1) for day in days])
    curve = read_curve(account, NOW)
    assert MOST_DAYS / 2 < len(curve.days) <= MOST_DAYS
    assert (curve.days[-1], curve.equity[-1]) == (TODAY, 5)


def test_the_curve_is_that_of_the_user(alice: User, bobs_browser: Client, charlies_browser: Client) -> None:
    report_figures(alice, equity=101_000, cash=50_000)
    assert bobs_browser.get(JSON).json() == {
        "unit": "day",
        "time": [],
        "equity": [],
        "benchmark": [],
        "symbols": [],
    }
    for response in (charlies_browser.get(JSON), charlies_browser.post(EXAMPLES)):
        assert response.headers["Location"].startswith(reverse("account_login"))


# --- The page -------------------------------------------------------------------------------------------------


def test_the_figures_and_the_rows(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    report_figures(alice, equity=100_020, cash=99_700)
    make_stop(trade=make_paper_trade(user=alice, live_strategy=live))
    make_paper_trade(user=alice, symbol="MSFT", stop_price=None)
    context = alices_browser.get(HOME).context
    aapl, msft = (
        next(row for row in context["lists"].held if row.lot.trade.symbol == s) for s in ("AAPL", "MSFT")
    )
    assert context["risk"].without_stop == ("MSFT",)
    assert (
        context["risk"].dollars
        == aapl.lot.risk + msft.lot.risk
        == aapl.lot.market_value - 270 + msft.lot.market_value
    )
    assert (aapl.lot.has_stop, msft.lot.has_stop, aapl.name, msft.name) == (True, False, "Turtle", "By hand")
    assert aapl.line
    assert sum(row.lot.today for row in context["lists"].held) == context["desk"].account.performance.today
    page = text_of(alices_browser, HOME)
    for text in ("Open risk to the stops", "1 without a stop", "Turtle Running", "This week", "+$20.00"):
        assert text in page


def test_the_line_of_a_strategy_needs_a_trade(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    assert alices_browser.get(HOME).context["lists"].running[0].line is None
    trade = make_paper_trade(user=alice, live_strategy=live)
    make_fill(order=trade.opening_order, time=trade.entry_time)
    (running,) = alices_browser.get(HOME).context["lists"].running
    assert len(running.line.values) > 20


@pytest.mark.parametrize(
    ("fields", "light"),
    [
        ({}, "Running"),
        ({"status": "paused"}, "Paused"),
        ({"status": "error"}, "Error"),
        ({"status": "stopped", "failures": 2, "last_error": "x"}, "Stopped"),
        ({"failures": 1, "last_error": "x"}, "Degraded"),
        ({"missed_checks_at": NOW}, "Degraded"),
    ],
)
def test_the_light_of_a_strategy(alices_browser: Client, alice: User, fields: dict[str, Any], light: str) -> None:
    make_live_strategy(user=alice, **fields)
    assert [row.light for row in alices_browser.get(HOME).context["lists"].running] == [light]


def test_more_rows_than_are_shown_are_counted_and_cost_no_query(alices_browser: Client, alice: User) -> None:
    counts = []
    for rows in (2, ROWS + 3):
        for _ in range(rows):
            live = make_live_strategy(user=alice, failures=1, last_error="x")
            trade = make_paper_trade(user=alice, live_strategy=live)
            make_fill(order=trade.opening_order, time=trade.entry_time)
            make_incident(account=live.account, key=str(live.pk))
            make_order(user=alice, live_strategy=live, state="blocked", reason="x")
        alices_browser.get(HOME)
        with CaptureQueriesContext(connection) as queries:
            context = alices_browser.get(HOME).context
        counts.append(len(queries))
    assert counts[0] == counts[1] < 45
    lists = context["lists"]
    assert (len(lists.held), lists.more_held, len(lists.running), lists.more_running) == (ROWS, 5, ROWS, 5)
    assert (len(context["attention"].items), context["attention"].more > 0) == (SHOWN, True)


def test_the_lines_read_a_limited_number_of_fills(
    alices_browser: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path then begins after the oldest fill that was read."""
    monkeypatch.setattr("livetrading.summaries.running.FILLS", 2)
    live = make_live_strategy(user=alice)
    trade = make_paper_trade(user=alice, live_strategy=live)
    for days in (30, 20, 4):
        make_fill(order=trade.opening_order, time=NOW - timedelta(days=days, hours=1))
    (running,) = alices_browser.get(HOME).context["lists"].running
    assert FILLS > 2
    assert len(running.line.values) == 14  # the sessions of 20 days without Presidents' Day


# --- Needs attention ------------------------------------------------------------------------------------------


def attention_of(user: User) -> list[tuple[str, str]]:
    account = read_account(user, user.mode, NOW)
    return [(item.level, item.url) for item in read_attention(user, account, account.risk, NOW).items]


def test_nothing_needs_attention(alice: User) -> None:
    make_live_strategy(user=alice)
    make_stop(trade=make_paper_trade(user=alice))
    assert attention_of(alice) == []


def test_everything_that_is_wrong_is_listed_the_worst_first(alice: User, bob: User) -> None:
    account = account_of(alice)
    live, brokers, detail = "/dashboard/live-trading", "/settings/brokers", "/dashboard/live-trading/{}"
    expected: list[tuple[str, str]] = []
    make_order(user=alice, state=OrderState.ACCEPTED)
    expected.append(("waiting", live))
    assert attention_of(alice) == expected
    channel, _ = add_webhook(alice, "Hook", "https://example.com/hook", WALL)
    Channel.objects.filter(pk=channel.pk).update(failing_since=WALL, last_error="404")
    expected.insert(0, ("warning", "/settings/notifications"))
    assert attention_of(alice) == expected
    make_order(user=alice, state=OrderState.BLOCKED, reason="The limit is reached.")
    expected.insert(0, ("warning", "/signals"))
    assert attention_of(alice) == expected
    degraded = make_live_strategy(user=alice, failures=2, last_error="No bars.")
    expected.insert(0, ("warning", detail.format(degraded.pk)))
    assert attention_of(alice) == expected
    failed = make_live_strategy(user=alice, status=LiveStrategy.Status.ERROR, last_error="Unknown kind.")
    expected.insert(0, ("error", detail.format(failed.pk)))
    assert attention_of(alice) == expected
    BrokerAccount.objects.filter(pk=account.pk).update(state="degraded", state_reason="No answer.")
    expected.insert(0, ("error", brokers))
    assert attention_of(alice) == expected
    BrokerAccount.objects.filter(pk=account.pk).update(entries_stopped_at=NOW, entries_stopped_by="alice")
    expected = [("error", "/dashboard/stop-trading"), *expected[:-1]]  # six are shown
    assert attention_of(alice) == expected
    assert attention_of(bob) == []


# --- Examples -------------------------------------------------------------------------------------------------


def test_the_examples_are_loaded_once(alices_browser: Client, alice: User, bob: User) -> None:
    for page in (HOME, "/dashboard/strategies"):
        assert f'action="{EXAMPLES}"' in alices_browser.get(page).content.decode()
    for _ in range(2):
        assert alices_browser.post(EXAMPLES).headers["Location"] == HOME
        assert alice.strategies.count() == len(STRATEGIES)
        backtest = Backtest.objects.get()
    assert (backtest.user, backtest.status, backtest.strategy_name) == (alice, "queued", STRATEGIES[0][0])
    assert bob.strategies.count() == 0
    assert alices_browser.get(EXAMPLES).status_code == 405


def test_a_finished_example_is_offered_for_deployment(alices_browser: Client, alice: User) -> None:
    alices_browser.post(EXAMPLES)
    page = alices_browser.get(HOME).content.decode()
    assert "<progress" in page
    assert "Load examples" not in page
    metrics = {"total_return": 0.125, "sharpe": 0.8, "max_drawdown": 0.091, "trades": 31}
    Backtest.objects.update(status="completed", progress=100, metrics=metrics)
    page = alices_browser.get(HOME).content.decode()
    assert f'value="backtest:{Backtest.objects.get().pk}"' in page
    assert 'data-chart="equity"' in page
    assert "+12.50%" in page


def test_a_failed_example_can_be_loaded_again(alices_browser: Client, alice: User) -> None:
    alices_browser.post(EXAMPLES)
    Backtest.objects.update(status="failed", error="x")
    assert "Load examples" in alices_browser.get(HOME).content.decode()
    alices_browser.post(EXAMPLES)
    assert sorted(alice.backtests.values_list("status", flat=True)) == ["failed", "queued"]


def test_without_their_bars_the_strategies_come_alone(alices_browser: Client, alice: User) -> None:
    from tradedesk.marketdata.models import BarSeries

    BarSeries.objects.all().delete()
    response = alices_browser.post(EXAMPLES, follow=True)
    assert alice.strategies.count() == len(STRATEGIES)
    assert not Backtest.objects.exists()
    assert "was not backtested" in response.content.decode()


def test_own_strategies_are_kept(alices_browser: Client, alice: User) -> None:
    make_backtest(user=alice)
    name = STRATEGIES[0][0]
    own = alice.strategies.get()
    own.name = name
    own.save()
    alices_browser.post(EXAMPLES)
    assert alice.strategies.filter(name=name).count() == 1
    assert alice.strategies.count() == len(STRATEGIES)
