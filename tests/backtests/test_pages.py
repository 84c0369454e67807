"""The page of a backtest while it runs, its result and its charts."""

import json
import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest
from backtests.reports.trades import PAGE_SIZE as TRADES_PER_PAGE
from backtests.services import run_backtest
from backtests.views import result
from strategies.models import Strategy
from tests.backtests.pages import HTMX, LIST, NEW, cells_of, facts_of, row_of, text_in, text_of, url_of
from tests.backtests.runs import Clock, Make
from tests.backtests.stored_bars import UP_TO_THE_END, store_changed
from tradedesk.accounts.models import User
from tradedesk.core.rules import COSTS, RULES
from tradedesk.marketdata.models import BarSeries

Status = Backtest.Status


# --- While it runs -------------------------------------------------------------------------------------------


def test_a_queued_backtest_waits_and_can_be_cancelled(make: Make, alices_browser: Client) -> None:
    backtest = make()
    page = alices_browser.get(url_of(backtest))
    assert f'action="{url_of(backtest, "cancel")}"' in page.content.decode()
    assert f'hx-get="{url_of(backtest, "progress")}"' in page.content.decode()
    assert 'hx-trigger="every 1s, sse:changed"' in page.content.decode()


def test_the_fragment_shows_the_progress(make: Make, alices_browser: Client) -> None:
    backtest = make()
    Backtest.objects.update(status=Status.RUNNING, stage="Computing signals", progress=30, attempts=2)
    fragment = alices_browser.get(url_of(backtest, "progress"), headers=HTMX)
    assert "<html" not in fragment.content.decode()
    shown = text_in(fragment, "progress")
    assert "Computing signals" in shown
    assert "30%" in shown
    assert "Attempt 2" in shown


@pytest.mark.parametrize("status", Backtest.FINISHED)
def test_the_poll_of_a_finished_backtest_stops_and_reloads_the_page(
    make: Make, alices_browser: Client, status: Status
) -> None:
    backtest = make()
    Backtest.objects.update(status=status)
    answer = alices_browser.get(url_of(backtest, "progress"), headers=HTMX)
    assert (answer.status_code, answer["HX-Refresh"]) == (286, "true")


def test_without_htmx_the_progress_redirects_to_the_page(make: Make, alices_browser: Client) -> None:
    backtest = make()
    assert alices_browser.get(url_of(backtest, "progress"))["Location"] == url_of(backtest)


def test_it_is_cancelled_by_the_button(make: Make, alices_browser: Client) -> None:
    backtest = make()
    answer = alices_browser.post(url_of(backtest, "cancel"), follow=True)
    backtest.refresh_from_db()
    assert backtest.status == Status.CANCELLED
    assert f'href="{NEW}?backtest={backtest.pk}"' in answer.content.decode()


def test_a_late_cancellation_says_so(completed: Backtest, alices_browser: Client) -> None:
    answer = alices_browser.post(url_of(completed, "cancel"), follow=True)
    assert "Nothing to cancel: the backtest has already ended." in text_of(answer)


def test_a_failed_backtest_shows_its_error(make: Make, alices_browser: Client) -> None:
    backtest = make()
    Backtest.objects.update(status=Status.FAILED, error="No 1Day bars for <TSLA>.")
    page = alices_browser.get(url_of(backtest))
    assert "No 1Day bars for <TSLA>." in text_of(page)
    assert "<TSLA>" not in page.content.decode()
    assert f'href="{NEW}?backtest={backtest.pk}"' in page.content.decode()


# --- The result ----------------------------------------------------------------------------------------------


def test_the_result_shows_the_metrics_of_strategy_and_benchmark(
    completed: Backtest, alices_browser: Client
) -> None:
    page = alices_browser.get(url_of(completed))
    metrics, benchmark = completed.metrics, completed.buy_and_hold
    for label, name, form in (
        ("Total return", "total_return", "{:+.2%}"),
        ("CAGR", "cagr", "{:+.2%}"),
        ("Sharpe ratio", "sharpe", "{:.2f}"),
        ("Sortino ratio", "sortino", "{:.2f}"),
        ("Calmar ratio", "calmar", "{:.2f}"),
        ("Max drawdown", "max_drawdown", "{:.2%}"),
        ("Time in market", "exposure", "{:.2%}"),
        ("Final equity", "final_equity", "${:,.2f}"),
    ):
        assert row_of(page, label)[:2] == [form.format(metrics[name]), form.format(benchmark[name])]
    for label, value in (
        ("Closed trades", f"{metrics['trades']}"),
        ("Win rate", f"{metrics['win_rate']:.2%}"),
        ("Profit factor", f"{metrics['profit_factor']:.2f}"),
        ("Expectancy per trade", f"+${metrics['expectancy']:,.2f}"),
    ):
        assert row_of(page, label)[:2] == [value, "—"]


def test_the_result_shows_rules_costs_and_what_a_deployment_changes(
    make: Make, clock: Clock, alices_browser: Client
) -> None:
    backtest = make(take_profit_pct=0.5, commission_per_share=0.005, slippage_bps=2)
    run_backtest(backtest.pk, clock)
    page = alices_browser.get(url_of(backtest), {"tab": "risk"})
    facts = facts_of(page)
    assert {name: facts[name] for name in (rule.label for rule in (*RULES.values(), *COSTS.values()))} == {
        "Position size": "47.50%",
        "Max position size": "Off",
        "Max positions": "2",
        "Fractional shares": "No",
        "Stop loss": "10.00%",
        "Trailing stop": "Off",
        "Trailing stop by ATR": "Off",
        "Take profit": "50.00%",
        "Signal threshold": "0.60",
        "Daily loss limit": "Off",
        "Max drawdown limit": "Off",
        "Cooldown": "Off",
        "Commission": "0 bps",
        "Slippage": "2 bps",
        "Commission per order": "$0.00",
        "Commission per share": "$0.005",
    }
    assert "Position size 2.00% (tested 47.50%), Max positions 5 (tested 2)" in text_of(page)


def test_the_trades_are_listed_latest_first_with_their_figures(
    completed: Backtest, alices_browser: Client
) -> None:
    page = alices_browser.get(url_of(completed), {"tab": "trades"})
    closed = list(completed.trades.exclude(exit_time=None).order_by("-exit_time", "-entry_time"))
    order = re.findall(r'<tr id="trade-(\d+)"', page.content.decode())
    assert [int(pk) for pk in order[-len(closed) :]] == [trade.pk for trade in closed]
    last = closed[0]
    assert last.exit_time
    assert set(" ".join(cells_of(page, f"trade-{last.pk}")).split()) >= {
        str(completed.metrics["trades"]),
        last.symbol,
        f"{last.quantity:,.0f}",
        f"{last.entry_time:%Y-%m-%d}",
        f"{last.entry_price:.2f}",
        f"{last.exit_time:%Y-%m-%d}",
        f"{last.exit_price:.2f}",
        *last.get_exit_reason_display().split(),
        f"{last.return_fraction:+.2%}".replace("-", "−"),
    }
    assert f"{completed.metrics['trades']} total" in text_in(page, "trades")


def test_open_positions_have_their_own_table(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed), {"tab": "trades"})
    html = page.content.decode()
    for position in completed.trades.filter(exit_time=None):
        row = html.index(f'<tr id="trade-{position.pk}"')
        assert html.index('aria-label="Open positions"') < row < html.index('<section id="trades"')
        assert set(" ".join(cells_of(page, f"trade-{position.pk}")).split()) >= {
            position.symbol,
            f"{position.quantity:,.0f}",
            f"{position.entry_time:%Y-%m-%d}",
            f"{position.exit_price:.2f}",
            f"{position.stop_price:.2f}",
            f"{position.return_fraction:+.2%}",
        }


def test_the_fragment_shows_a_page_of_the_trades(
    make: Make, strategy: Strategy, clock: Clock, alices_browser: Client
) -> None:
    strategy.kind, strategy.parameters = "macd", {"fast": 5, "slow": 10, "signal": 5}
    backtest = make(strategy=strategy)
    run_backtest(backtest.pk, clock)
    count = backtest.trades.exclude(exit_time=None).count()
    assert count > TRADES_PER_PAGE
    fragment = alices_browser.get(url_of(backtest), {"page": 2}, headers=HTMX)
    assert fragment.content.decode().lstrip().startswith('<section id="trades"')
    assert f"{TRADES_PER_PAGE + 1} to {min(2 * TRADES_PER_PAGE, count)} of {count}" in text_of(fragment)
    restored = alices_browser.get(
        url_of(backtest), {"page": 2}, headers=HTMX | {"HX-History-Restore-Request": "true"}
    )
    assert "<html" in restored.content.decode()


def test_the_number_of_queries_is_constant(
    make: Make, clock: Clock, alices_browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    few, many = make(end_date=date(2006, 1, 3)), make()
    run_backtest(few.pk, clock)
    run_backtest(many.pk, clock)
    assert many.trades.count() > few.trades.count() + 10
    for tab in result.TABS:
        with CaptureQueriesContext(connection) as for_few:
            alices_browser.get(url_of(few), {"tab": tab})
        with django_assert_num_queries(len(for_few)):
            alices_browser.get(url_of(many), {"tab": tab})


def test_the_charts_are_those_of_the_selected_symbol(completed: Backtest, alices_browser: Client) -> None:
    first, second, unknown = (
        alices_browser.get(url_of(completed), {"symbol": symbol}).content.decode()
        for symbol in ("AAPL", "MSFT", "../x")
    )
    assert f'data-url="{url_of(completed, "equity")}"' in first
    assert f'data-url="{url_of(completed, "price")}?symbol=AAPL"' in first
    assert f'data-url="{url_of(completed, "price")}?symbol=MSFT"' in second
    assert f'data-url="{url_of(completed, "price")}?symbol=AAPL"' in unknown


def test_bars_that_changed_since_the_run_are_marked(completed: Backtest, alices_browser: Client) -> None:
    assert "Changed since" not in text_of(alices_browser.get(url_of(completed), {"tab": "provenance"}))
    store_changed(UP_TO_THE_END["changed"], "MSFT")
    facts = facts_of(alices_browser.get(url_of(completed), {"tab": "provenance"}))
    assert [label for label, value in facts.items() if value.endswith("Changed since")] == ["MSFT bars"]


def test_a_symbol_without_bars_in_the_period_is_noted(make: Make, clock: Clock, alices_browser: Client) -> None:
    backtest = make(symbols=["AAPL", "FB"])
    run_backtest(backtest.pk, clock)
    assert "FB has no bars in this period" in text_of(alices_browser.get(url_of(backtest)))


def test_a_profitable_backtest_can_be_deployed_and_a_losing_one_not(
    completed: Backtest, alices_browser: Client
) -> None:
    assert 'name="deploy_key"' in alices_browser.get(url_of(completed)).content.decode()
    completed.metrics["total_return"] = 0.0
    completed.save()
    assert 'name="deploy_key"' not in alices_browser.get(url_of(completed)).content.decode()


def test_the_page_works_without_its_strategy_and_its_kind(
    completed: Backtest, strategy: Strategy, alices_browser: Client
) -> None:
    strategy.delete()
    Backtest.objects.update(kind="not_installed")
    page = alices_browser.get(url_of(completed))
    assert page.status_code == 200
    assert "Golden cross" in text_of(page)
    assert alices_browser.get(NEW, {"backtest": completed.pk}).status_code == 200


# --- The charts ----------------------------------------------------------------------------------------------


def test_the_charts_are_json(completed: Backtest, alices_browser: Client) -> None:
    for name, keys in (
        ("equity", {"unit", "name", "time", "equity", "benchmark", "benchmark_name", "drawdown"}),
        ("price", {"unit", "bars", "lines", "trades", "fills"}),
        ("rolling-sharpe", {"unit", "lines"}),
        ("exposure", {"unit", "lines"}),
        ("profit", {"edges", "counts"}),
        ("r-multiples", {"edges", "counts"}),
    ):
        answer = alices_browser.get(url_of(completed, name))
        assert answer["Content-Type"] == "application/json"
        assert json.loads(answer.content).keys() == keys


def test_a_symbol_of_another_backtest_is_not_found(completed: Backtest, alices_browser: Client) -> None:
    answer = alices_browser.get(url_of(completed, "price"), {"symbol": "IBM"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "This backtest has the symbols AAPL, MSFT."})


def test_missing_bars_are_not_found(completed: Backtest, alices_browser: Client) -> None:
    BarSeries.objects.all().delete()
    answer = alices_browser.get(url_of(completed, "price"))
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("No 1Day bars for AAPL, MSFT")
    assert alices_browser.get(url_of(completed)).status_code == 200


def test_no_page_has_inline_scripts_or_styles(completed: Backtest, alices_browser: Client, alice: User) -> None:
    for url in (LIST, NEW, *(f"{url_of(completed)}?tab={tab}" for tab in result.TABS)):
        page = alices_browser.get(url).content.decode()
        assert " style=" not in page
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
