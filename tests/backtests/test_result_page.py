"""What the result page says beyond the headline: returns, drawdowns, distributions, costs, notes, odd results."""

import json
import re
from datetime import date
from typing import Any

import numpy as np
import pytest
from django.test import Client

from backtests.models import Backtest, BacktestCurve
from backtests.reports import backtest as report
from backtests.research.analysis import worst_drawdowns
from backtests.services import run_backtest
from backtests.templatetags import results
from strategies.models import Strategy
from tests.backtests.pages import text_of, url_of
from tests.backtests.runs import Clock, Make

Page = Any


def ran(backtest: Backtest, clock: Clock) -> Backtest:
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Backtest.Status.COMPLETED, backtest.error
    return backtest


def row_of(page: Page, heading: str) -> list[str]:
    """The cells of the first table row that begins with this heading."""
    for row in re.findall(r"<tr.*?</tr>", page.content.decode(), re.DOTALL):
        cells = [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
        ]
        if cells[0] == heading:
            return cells[1:]
    raise AssertionError(heading)


def tags_of(page: Page) -> str:
    return " ".join(page.content.decode().split())


# --- Costs ---------------------------------------------------------------------------------------------------


def test_the_run_at_doubled_costs_stands_beside_it(make: Make, clock: Clock, alices_browser: Client) -> None:
    backtest = ran(make(commission_bps=10), clock)
    page = alices_browser.get(url_of(backtest))
    assert row_of(page, "Figure") == ["Strategy", "Buy and hold", "Costs doubled"]
    assert row_of(page, "Total return")[2] == f"{backtest.doubled_costs['total_return']:+,.2f}%"
    assert row_of(page, "Closed trades")[1:] == ["—", str(backtest.doubled_costs["trades"])]
    assert "every commission and the slippage twice as high" in text_of(page)


def test_without_costs_it_says_what_the_column_is(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed))
    assert row_of(page, "Figure")[2] == "At 5 bps slippage"
    assert "No costs were set, so the last column shows the same signals with 5 bps slippage" in text_of(page)


def test_a_result_from_before_there_was_such_a_run_has_dashes(completed: Backtest, alices_browser: Client) -> None:
    Backtest.objects.update(doubled_costs={})
    assert row_of(alices_browser.get(url_of(completed)), "Sharpe ratio")[2] == "—"


# --- Returns and drawdowns -----------------------------------------------------------------------------------


def test_returns_are_told_by_month_and_year(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed))
    curve = BacktestCurve.objects.get(backtest=completed)
    years = curve.sessions().astype("datetime64[Y]").astype(str)
    last_of = dict(zip(years.tolist(), curve.equity, strict=True))
    before = 100_000.0
    for year, equity in last_of.items():
        cells = row_of(page, year)
        assert len(cells) == 13
        assert cells[-1] == results.tenths(equity / before - 1)
        before = equity
    # From the first session of 2005 to the last of 2010: nothing is in part.
    assert "whole months gained" in text_of(page)
    assert " *" not in "".join(row_of(page, "2005") + row_of(page, "2010"))


def test_months_and_years_in_part_carry_a_star(make: Make, clock: Clock, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(ran(make(start_date=date(2005, 1, 4), end_date=date(2006, 2, 14)), clock)))
    first, second = row_of(page, "2005"), row_of(page, "2006")
    assert [cell.endswith("*") for cell in first] == [True] + [False] * 11 + [True]
    assert second[1].endswith("*")
    assert second[2:12] == ["none"] * 10


def test_the_worst_drawdowns_are_dated_and_lead_to_the_chart(completed: Backtest, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(completed))
    curve = BacktestCurve.objects.get(backtest=completed)
    falls = worst_drawdowns(curve.sessions(), np.array(curve.equity), 100_000)
    assert len(falls) == 5
    for fall in falls:
        cells = row_of(page, f"-{fall.depth:.2%}")
        assert cells[:3] == [str(fall.peak), str(fall.bottom), str(fall.recovery or "Not yet")]
        assert cells[3] == str(fall.days)
    assert f'data-chart-show="#equity-chart" data-time="{falls[0].peak}"' in " ".join(
        page.content.decode().split()
    )
    assert f"-{completed.metrics['max_drawdown_pct']:.2f}%" == f"-{falls[0].depth:.2%}"


# --- Provenance ----------------------------------------------------------------------------------------------


def test_the_page_says_what_the_result_was_made_from(completed: Backtest, alices_browser: Client) -> None:
    shown = text_of(alices_browser.get(url_of(completed)))
    recorded = completed.provenance
    for words in (
        "Strategy SMA crossover (fast 20, slow 50)",
        f"Strategy code {recorded['kind_code']}",
        f"Engine code {recorded['engine_code']}",
        f"AAPL bars sample {recorded['data']['AAPL']['fingerprint'][:12]} 1,511 in the period",
        "Seed None: no chance is involved",
        f"Result {recorded['result'][:12]}",
    ):
        assert words in shown


# --- Odd results ---------------------------------------------------------------------------------------------


def test_a_period_too_short_for_the_warmup_says_so(
    make: Make, strategy: Strategy, clock: Clock, alices_browser: Client
) -> None:
    strategy.parameters = {"fast": 100, "slow": 300}
    backtest = ran(
        make(strategy=strategy, symbols=["FB"], start_date=date(2012, 1, 3), end_date=date(2012, 12, 31)), clock
    )
    needed = backtest.make_kind().warmup()
    bars = backtest.provenance["data"]["FB"]["bars"]
    shown = text_of(alices_browser.get(url_of(backtest)))
    assert bars < needed
    assert f"FB: the period has {bars} bars and none before it. The strategy needs {needed} to begin, so" in shown
    assert "so it never decides." in shown
    assert "FB has bars from 2012-05-18 on and was not traded before." in shown
    assert "No closed trades" in shown
    assert "The equity never fell below its highest point." in shown


def test_a_first_decision_within_the_period_is_told(
    make: Make, strategy: Strategy, clock: Clock, alices_browser: Client
) -> None:
    backtest = ran(make(start_date=date(2000, 3, 1), end_date=date(2001, 3, 1)), clock)
    data, needed = backtest.provenance["data"], backtest.make_kind().warmup()
    assert data["AAPL"]["bars_before"] == data["MSFT"]["bars_before"] < needed - 1
    first = needed - data["AAPL"]["bars_before"]
    shown = text_of(alices_browser.get(url_of(backtest)))
    assert f"so its first decision is on bar {first} of the period." in shown
    assert shown.count("The strategy needs") == 1


def test_a_warmed_up_backtest_has_no_note(completed: Backtest, alices_browser: Client) -> None:
    assert "The strategy needs" not in text_of(alices_browser.get(url_of(completed)))


@pytest.mark.parametrize(
    ("start", "end"),
    # A Friday and the Saturday after it: one bar; then two bars without a trade.
    [(date(2012, 3, 2), date(2012, 3, 3)), (date(2012, 3, 5), date(2012, 3, 6))],
)
def test_a_result_of_one_bar_can_be_read(
    make: Make, clock: Clock, alices_browser: Client, start: date, end: date
) -> None:
    backtest = ran(make(start_date=start, end_date=end), clock)
    page = alices_browser.get(url_of(backtest))
    assert page.status_code == 200
    assert "The period has fewer than 126 sessions." in text_of(page)
    assert row_of(page, "2012")[2] == "0.0 *"
    for chart in ("equity", "rolling-sharpe", "exposure", "profit", "r-multiples", "price"):
        answer = alices_browser.get(url_of(backtest, chart))
        json.loads(answer.content)
        assert answer.status_code == 200


def test_a_completed_result_whose_curve_is_gone_can_be_read(completed: Backtest, alices_browser: Client) -> None:
    BacktestCurve.objects.all().delete()
    page = alices_browser.get(url_of(completed))
    assert page.status_code == 200
    assert "This backtest was run before the exposure was kept." in text_of(page)


# --- The chosen trade ----------------------------------------------------------------------------------------


def test_an_address_can_show_a_trade(completed: Backtest, alices_browser: Client) -> None:
    trade = completed.trades.filter(symbol="MSFT").exclude(exit_time=None)[0]
    page = alices_browser.get(url_of(completed), {"symbol": "MSFT", "trade": str(trade.pk)}).content.decode()
    assert trade.exit_time
    assert f'data-time="{trade.entry_time:%Y-%m-%d}" data-until="{trade.exit_time:%Y-%m-%d}"' in " ".join(
        page.split()
    )


@pytest.mark.parametrize("trade", ["", "x", "-1", "9" * 30, "٣", "1.5"])
def test_an_address_that_names_no_trade_shows_none(
    completed: Backtest, alices_browser: Client, trade: str
) -> None:
    page = alices_browser.get(url_of(completed), {"trade": trade})
    assert page.status_code == 200
    chart = re.search(r'<div id="price-chart".*?>', page.content.decode(), re.DOTALL)
    assert chart
    assert "data-time" not in chart[0]


def test_an_address_cannot_show_the_trade_of_another_backtest(
    make: Make, clock: Clock, completed: Backtest, alices_browser: Client
) -> None:
    other = ran(make(end_date=date(2007, 1, 3)), clock)
    trade = completed.trades.all()[0]
    assert report.result_of(other, str(trade.pk))["shown"] is None


# --- How figures are written ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"), [(0.0124, "+1.2"), (-0.1, "-10.0"), (0.0, "0.0"), (-0.0004, "0.0"), (None, "—")]
)
def test_a_return_is_written_with_one_decimal(value: float | None, text: str) -> None:
    assert results.tenths(value) == text


@pytest.mark.parametrize(
    ("value", "span", "tint"),
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
def test_a_return_is_tinted_by_its_size(value: float | None, span: str, tint: str) -> None:
    assert results.tint(value, span) == tint


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1.234, "percent", "1.23%"),
        (1.234, "signed percent", "+1.23%"),
        (1065, "days", "1,065 days"),
        (1, "days", "1 day"),
        (1234, "number", "1,234"),
        (None, "number", "—"),
        (None, "days", "—"),
    ],
)
def test_a_figure_is_written_in_its_form(value: float | None, form: str, text: str) -> None:
    assert results.written(value, form) == text
