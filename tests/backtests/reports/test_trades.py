"""The trades of a backtest: sorting, paging and the CSV file."""

import csv
import re
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backtests.models import Backtest, BacktestTrade
from backtests.reports.trades import COLUMNS, PAGE_SIZE, closed_trades_page
from tests.backtests.pages import HTMX, url_of
from tests.backtests.runs import NOW, Clock, Make
from tests.livetrading.factories import make_backtest
from tradedesk.accounts.models import User


@pytest.fixture
def backtest(alice: User) -> Backtest:
    return make_backtest(user=alice)


def add(backtest: Backtest, **fields: Any) -> BacktestTrade:
    """A closed trade, bought at NOW and sold a day later."""
    values: dict[str, Any] = {
        "symbol": "AAPL",
        "quantity": Decimal(10),
        "entry_time": NOW,
        "entry_price": Decimal(100),
        "initial_stop_price": Decimal(90),
        "stop_price": Decimal(95),
        "exit_time": NOW + timedelta(days=1),
        "exit_price": Decimal(110),
        "exit_reason": "signal",
        "commission": Decimal(1),
        "pnl": Decimal(99),
        "return_fraction": 0.099,
        "r_multiple": 0.99,
    }
    return BacktestTrade.objects.create(backtest=backtest, **(values | fields))


def test_a_trade_keeps_its_number_in_every_order(backtest: Backtest) -> None:
    """Trades are numbered by exit time, then by entry time, then by symbol; open positions have no number."""
    late = add(backtest, exit_time=NOW + timedelta(days=9), pnl=Decimal(-5))
    msft = add(backtest, symbol="MSFT", pnl=Decimal(7))
    ibm = add(backtest, symbol="IBM", pnl=Decimal(1))
    early = add(backtest, entry_time=NOW - timedelta(days=3), pnl=Decimal(3))
    add(backtest, exit_time=None, exit_reason="")

    def listed(sort: str) -> list[tuple[int, int]]:
        return [(trade.pk, trade.number) for trade in closed_trades_page(backtest, sort, None).page]

    assert listed("number") == [(early.pk, 1), (ibm.pk, 2), (msft.pk, 3), (late.pk, 4)]
    assert listed("") == [(late.pk, 4), (msft.pk, 3), (ibm.pk, 2), (early.pk, 1)]
    assert listed("-pnl") == [(msft.pk, 3), (early.pk, 1), (ibm.pk, 2), (late.pk, 4)]
    assert listed("pnl") == listed("-pnl")[::-1]
    # Equal values sort by latest first.
    assert listed("-commission") == listed("")


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_every_column_sorts_both_ways(backtest: Backtest, column: Any) -> None:
    first = add(backtest, symbol="A", exit_reason="signal", r_multiple=None)
    fields = {"quantity": 11, "entry_price": 101, "exit_price": 111, "commission": 2, "pnl": 100}
    later = {"entry_time": NOW + timedelta(days=1), "exit_time": NOW + timedelta(days=2)}
    last = add(backtest, symbol="B", exit_reason="stop_loss", return_fraction=0.2, **fields, **later)
    orders = [
        [trade.pk for trade in closed_trades_page(backtest, sort, None).page]
        for sort in (column.key, f"-{column.key}")
    ]
    both = [[last.pk, first.pk]] * 2 if column.key == "r_multiple" else [[first.pk, last.pk], [last.pk, first.pk]]
    assert orders == both


def test_the_address_sorts_the_page(completed: Backtest, alices_browser: Client) -> None:
    closed = completed.trades.exclude(exit_time=None)
    for headers in ({}, HTMX):
        answer = alices_browser.get(url_of(completed), {"tab": "trades", "sort": "-pnl"}, headers=headers)
        html = answer.content.decode().partition('<section id="trades"')[2]
        order = [int(pk) for pk in re.findall(r'<tr id="trade-(\d+)"', html)]
        assert order == [trade.pk for trade in closed.order_by("-pnl")]
        assert html.count('aria-sort="descending"') == 1
        # Links to the opposite order, and of each trade to the chart.
        assert "?tab=trades&amp;sort=pnl" in html
        assert f"?view=price&amp;trade={order[0]}" in html


def test_paging_keeps_the_order(backtest: Backtest) -> None:
    for number in range(PAGE_SIZE + 2):
        add(backtest, pnl=Decimal(number))
    least = [trade.pnl for trade in closed_trades_page(backtest, "-pnl", "2").page]
    assert least == [1, 0]


def test_the_number_of_queries_is_constant(completed: Backtest, alices_browser: Client) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            alices_browser.get(url_of(completed), {"sort": "-pnl"}, headers=HTMX)
        counts.append(len(captured))
        for _ in range(PAGE_SIZE):
            add(completed)
    assert counts[0] == counts[1]


# --- The file ------------------------------------------------------------------------------------------------


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(answer.getvalue().decode())))


def test_the_file_has_closed_trades_then_open_positions(backtest: Backtest, alices_browser: Client) -> None:
    add(backtest, exit_time=None, exit_reason="", r_multiple=None, pnl=Decimal("-1.5"))
    add(backtest, quantity=Decimal("10.5"), target_price=Decimal("120.25"))
    answer = alices_browser.get(url_of(backtest, "trades_csv"))
    name = f"backtest-{backtest.pk}-trades.csv"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    closed, open_position = rows(answer)
    assert closed == {
        "symbol": "AAPL",
        "shares": "10.5",
        "entry_time": "2024-05-06T14:30:00+00:00",
        "entry_price": "100.000000",
        "initial_stop_price": "90.000000",
        "stop_price": "95.000000",
        "target_price": "120.250000",
        "exit_time": "2024-05-07T14:30:00+00:00",
        "exit_price": "110.000000",
        "exit_reason": "signal",
        "pnl": "99.000000",
        "return": "0.099",
        "r_multiple": "0.99",
        "no_r_reason": "",
        "commission": "1.000000",
    }
    assert [open_position[name] for name in ("exit_time", "exit_reason", "target_price", "r_multiple")] == [""] * 4
    assert open_position["no_r_reason"] == ""
    assert (open_position["exit_price"], open_position["pnl"]) == ("110.000000", "-1.500000")


def test_the_file_matches_the_metrics(completed: Backtest, alices_browser: Client) -> None:
    assert f'href="{url_of(completed, "trades_csv")}"' in alices_browser.get(url_of(completed)).content.decode()
    found = rows(alices_browser.get(url_of(completed, "trades_csv")))
    assert len(found) == completed.trades.count()
    assert sum(row["exit_time"] != "" for row in found) == completed.metrics["trades"]
    assert sorted(row["exit_time"] or "z" for row in found) == [row["exit_time"] or "z" for row in found]
    total_pnl = sum(Decimal(row["pnl"]) for row in found)
    assert float(completed.initial_capital + total_pnl) == pytest.approx(completed.metrics["final_equity"])
    assert all(datetime.fromisoformat(row["entry_time"]).tzinfo for row in found)


def test_without_a_result_the_file_has_only_a_header(make: Make, clock: Clock, alices_browser: Client) -> None:
    answer = alices_browser.get(url_of(make(), "trades_csv"))
    assert answer.getvalue().decode().count("\r\n") == 1


def test_a_page_without_trades_has_no_link_to_the_file(backtest: Backtest, alices_browser: Client) -> None:
    fragment = alices_browser.get(url_of(backtest), headers=HTMX)
    assert "trades.csv" not in fragment.content.decode()
