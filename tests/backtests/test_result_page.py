"""The result page beyond its metrics: returns, drawdowns, costs, notes and unusual results."""

import json
import re
from datetime import date

import numpy as np
import pytest
from django.test import Client

from backtests.models import Backtest, BacktestCurve
from backtests.reports import backtest as report
from backtests.research.analysis import Drawdown, worst_drawdowns
from backtests.services import run_backtest
from backtests.templatetags import results
from backtests.views import result
from strategies.models import Strategy
from tests.backtests.pages import HTMX, facts_of, row_of, tags_of, text_of, url_of
from tests.backtests.runs import Clock, Make


def run(backtest: Backtest, clock: Clock) -> Backtest:
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Backtest.Status.COMPLETED, backtest.error
    return backtest


# --- Costs ---------------------------------------------------------------------------------------------------


def test_the_page_shows_the_run_at_doubled_costs(make: Make, clock: Clock, alices_browser: Client) -> None:
    backtest = run(make(commission_bps=10), clock)
    page = alices_browser.get(url_of(backtest))
    assert row_of(page, "Figure") == ["Strategy", "Buy and hold", "Doubled costs"]
    assert row_of(page, "Total return")[2] == f"{backtest.doubled_costs['total_return']:+,.2%}"
    assert row_of(page, "Closed trades")[1:] == ["—", str(backtest.doubled_costs["trades"])]


def test_without_costs_the_column_has_slippage(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed))
    assert row_of(page, "Figure")[2] == "5 bps slippage"


def test_a_result_without_that_run_has_dashes(completed: Backtest, alices_browser: Client) -> None:
    Backtest.objects.update(doubled_costs={})
    assert row_of(alices_browser.get(url_of(completed)), "Sharpe ratio")[2] == "—"


# --- Returns and drawdowns -----------------------------------------------------------------------------------


def test_returns_are_shown_by_month_and_year(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed))
    curve = BacktestCurve.objects.get(backtest=completed)
    years = curve.sessions().astype("datetime64[Y]").astype(str)
    last_of = dict(zip(years.tolist(), curve.equity, strict=True))
    before = 100_000.0
    for year, equity in last_of.items():
        cells = row_of(page, year)
        assert len(cells) == 13
        assert cells[-1] == results.percent_number(equity / before - 1)
        before = equity
    # The period starts and ends with a year, so no year is partial.
    assert " *" not in "".join(row_of(page, "2005") + row_of(page, "2010"))


def test_partial_months_and_years_have_a_star(make: Make, clock: Clock, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(run(make(start_date=date(2005, 1, 4), end_date=date(2006, 2, 14)), clock)))
    first, second = row_of(page, "2005"), row_of(page, "2006")
    assert [cell.endswith("*") for cell in first] == [True] + [False] * 11 + [True]
    assert second[1].endswith("*")
    assert second[2:12] == ["none"] * 10


def test_the_worst_drawdowns_have_dates_and_a_chart_button(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed), {"tab": "risk"})
    curve = BacktestCurve.objects.get(backtest=completed)
    drawdowns = [Drawdown.from_dict(each) for each in curve.drawdowns]
    # Of daily bars those of the stored equity, one value for each session.
    assert drawdowns == worst_drawdowns(curve.sessions(), np.array(curve.equity), 100_000)
    assert len(drawdowns) == 5
    for drawdown in drawdowns:
        cells = row_of(page, f"-{drawdown.depth:.2%}")
        assert cells[:3] == [str(drawdown.peak), str(drawdown.bottom), str(drawdown.recovery or "Not yet")]
        assert cells[3] == str(drawdown.days)
    assert f'data-chart-show="#equity-chart" data-time="{drawdowns[0].peak}"' in tags_of(page)
    assert completed.metrics["max_drawdown"] == pytest.approx(drawdowns[0].depth)


# --- Provenance ----------------------------------------------------------------------------------------------


def test_the_page_shows_the_provenance(completed: Backtest, alices_browser: Client) -> None:
    facts = facts_of(alices_browser.get(url_of(completed), {"tab": "provenance"}))
    recorded = completed.provenance
    assert facts["Strategy"] == "SMA crossover (fast 20, slow 50)"
    assert facts["Strategy code"] == recorded["kind_code"]
    assert facts["Engine code"] == recorded["engine_code"]
    known = f"sample {recorded['data']['AAPL']['fingerprint'][:12]}"
    assert facts["AAPL bars"] == f"{known} 2,727 bars, 1,511 of them in the period"
    assert facts["Result"] == recorded["result"][:12]


# --- Unusual results-----------------------------------------------------------------------------------------


def test_notes_of_a_period_too_short_for_the_warmup(
    make: Make, strategy: Strategy, clock: Clock, alices_browser: Client
) -> None:
    strategy.parameters = {"fast": 100, "slow": 300}
    backtest = run(
        make(strategy=strategy, symbols=["FB"], start_date=date(2012, 1, 3), end_date=date(2012, 12, 31)), clock
    )
    needed = backtest.make_kind().warmup()
    data = backtest.provenance["data"]["FB"]
    bars = data["count"] - data["bars_before"]
    shown = text_of(alices_browser.get(url_of(backtest)))
    assert bars < needed
    assert f"FB: {bars} bars in the period and none before it." in shown
    assert f"needs {needed} bars, so there are no signals." in shown
    assert "FB has bars from 2012-05-18 and was not traded before." in shown


def test_a_first_signal_inside_the_period_is_noted(
    make: Make, strategy: Strategy, clock: Clock, alices_browser: Client
) -> None:
    backtest = run(make(start_date=date(2000, 3, 1), end_date=date(2001, 3, 1)), clock)
    data, needed = backtest.provenance["data"], backtest.make_kind().warmup()
    assert data["AAPL"]["bars_before"] == data["MSFT"]["bars_before"] < needed - 1
    first = needed - data["AAPL"]["bars_before"]
    shown = text_of(alices_browser.get(url_of(backtest)))
    assert f"so the first signal is on bar {first} of the period." in shown
    assert shown.count("The strategy needs") == 1


def test_a_backtest_with_enough_bars_has_no_note(completed: Backtest, alices_browser: Client) -> None:
    assert "The strategy needs" not in text_of(alices_browser.get(url_of(completed)))


@pytest.mark.parametrize(
    ("start", "end"),
    # A Friday and a Saturday: one bar. A Monday and a Tuesday: two bars without a trade.
    [(date(2012, 3, 2), date(2012, 3, 3)), (date(2012, 3, 5), date(2012, 3, 6))],
)
def test_a_result_of_one_or_two_bars_has_a_page(
    make: Make, clock: Clock, alices_browser: Client, start: date, end: date
) -> None:
    backtest = run(make(start_date=start, end_date=end), clock)
    page = alices_browser.get(url_of(backtest))
    assert page.status_code == 200
    assert row_of(page, "2012")[2] == "0.0 *"
    for tab in result.TABS:
        page = alices_browser.get(url_of(backtest), {"tab": tab})
        assert page.status_code == 200
        assert 'data-url="{}"'.format(url_of(backtest, "rolling-sharpe")) not in tags_of(page)
    for chart in ("equity", "rolling-sharpe", "exposure", "profit", "r-multiples", "price"):
        answer = alices_browser.get(url_of(backtest, chart))
        json.loads(answer.content)
        assert answer.status_code == 200


def test_a_result_without_a_curve_has_a_page(completed: Backtest, alices_browser: Client) -> None:
    BacktestCurve.objects.all().delete()
    assert alices_browser.get(url_of(completed)).status_code == 200
    page = alices_browser.get(url_of(completed), {"tab": "risk"})
    assert page.status_code == 200
    assert 'data-url="{}"'.format(url_of(completed, "exposure")) not in tags_of(page)


# --- The trade in the address --------------------------------------------------------------------------------


def test_an_address_can_show_a_trade(completed: Backtest, alices_browser: Client) -> None:
    trade = completed.trades.filter(symbol="MSFT").exclude(exit_time=None)[0]
    page = alices_browser.get(url_of(completed), {"symbol": "MSFT", "trade": str(trade.pk)})
    assert trade.exit_time
    assert f'data-time="{trade.entry_time:%Y-%m-%d}" data-until="{trade.exit_time:%Y-%m-%d}"' in tags_of(page)


@pytest.mark.parametrize("trade", ["", "x", "-1", "9" * 30, "٣", "1.5"])
def test_an_invalid_trade_in_the_address_is_ignored(
    completed: Backtest, alices_browser: Client, trade: str
) -> None:
    page = alices_browser.get(url_of(completed), {"trade": trade})
    assert page.status_code == 200
    chart = re.search(r'<div id="price-chart".*?>', page.content.decode(), re.DOTALL)
    assert chart
    assert "data-time" not in chart[0]


def test_a_trade_of_another_backtest_is_not_shown(
    make: Make, clock: Clock, completed: Backtest, alices_browser: Client
) -> None:
    other = run(make(end_date=date(2007, 1, 3)), clock)
    trade = completed.trades.all()[0]
    assert report.shown_trade(other, str(trade.pk)) is None


def test_the_list_opens_on_the_page_of_the_shown_trade(
    completed: Backtest, alices_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backtests.reports.trades.PAGE_SIZE", 3)
    closed = list(completed.trades.exclude(exit_time=None).order_by("-exit_time", "-entry_time", "-symbol", "-id"))
    shown = closed[7]
    listed = alices_browser.get(url_of(completed), {"trade": shown.pk}).context["list"]
    assert (listed.number, shown in listed.object_list) == (3, True)
    # A page that the address names wins.
    assert alices_browser.get(url_of(completed), {"trade": shown.pk, "page": 1}).context["list"].number == 1


def test_the_list_beside_the_chart_is_a_fragment_of_its_own(completed: Backtest, alices_browser: Client) -> None:
    query = {"part": "list", "of": "MSFT"}
    fragment = alices_browser.get(url_of(completed), query, headers=HTMX)
    assert fragment.content.decode().lstrip().startswith('<section id="trade-list"')
    assert {trade.symbol for trade in fragment.context["list"]} == {"MSFT"}
    assert f'data-chart-url="{url_of(completed, "price")}?symbol=MSFT"' in tags_of(fragment)


@pytest.mark.parametrize("tab", ["", "trades", "risk", "evidence", "provenance", "../x"])
def test_the_address_keeps_the_tab(completed: Backtest, alices_browser: Client, tab: str) -> None:
    page = alices_browser.get(url_of(completed), {"tab": tab} if tab else {})
    shown = tab if tab in result.TABS else "performance"
    assert page.context["tab"] == shown
    (current,) = re.findall(
        r'<a href="([^"]*)" aria-current="page">', tags_of(page).split('aria-label="Result"')[1]
    )
    assert current == (f"?tab={shown}" if shown != "performance" else url_of(completed))
    # One tab is one page: the others are not read.
    assert ("result-charts" in page.content.decode()) == (shown == "performance")


def test_the_notes_are_one_line(make: Make, clock: Clock, alices_browser: Client) -> None:
    backtest = run(make(symbols=["AAPL", "FB"], stop_loss_pct=None), clock)
    page = alices_browser.get(url_of(backtest))
    assert page.context["note_count"] == len(page.context["notes"]) + len(page.context["doubts"]) + 1
    summary = re.search(r'<details class="notes">\s*<summary>(.*?)</summary>', page.content.decode(), re.DOTALL)
    assert summary
    assert f"{page.context['note_count']} notes" in " ".join(summary[1].split())


def test_the_verdict_is_asked_for_until_it_is_there(completed: Backtest, alices_browser: Client) -> None:
    url = url_of(completed)
    asked = f'hx-get="{url}?part=verdict"'
    assert asked in tags_of(alices_browser.get(url))
    fragment = alices_browser.get(url, {"part": "verdict"}, headers=HTMX)
    assert (fragment.status_code, asked in tags_of(fragment)) == (200, True)


# --- Formats -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"), [(0.0124, "+1.2"), (-0.1, "−10.0"), (0.0, "0.0"), (-0.0004, "0.0"), (None, "—")]
)
def test_a_return_has_one_decimal(value: float | None, text: str) -> None:
    assert results.percent_number(value) == text


@pytest.mark.parametrize(
    ("value", "span", "css_class"),
    [
        (0.01, "month", "heat-gain-1"),
        (-0.021, "month", "heat-loss-2"),
        (0.06, "month", "heat-gain-3"),
        (-0.5, "month", "heat-loss-4"),
        (0.06, "year", "heat-gain-1"),
        (0.0, "month", ""),
        (None, "year", ""),
    ],
)
def test_the_colour_of_a_return_depends_on_its_size(value: float | None, span: str, css_class: str) -> None:
    assert results.heat_class(value, span) == css_class


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (0.01234, "percent", "1.23%"),
        (0.01234, "signed percent", "+1.23%"),
        (1065, "days", "1,065 days"),
        (1, "days", "1 day"),
        (1234, "number", "1,234"),
        (None, "number", "—"),
        (None, "days", "—"),
    ],
)
def test_a_figure_has_its_format(value: float | None, name: str, text: str) -> None:
    assert results.in_format(value, name) == text
