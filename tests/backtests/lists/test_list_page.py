"""The page of the list of backtests."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from backtests.lists.table import PAGE_SIZE
from backtests.models import Backtest
from tests.backtests.pages import HTMX, LIST, NEW, cells_of, has_id, text_in, text_of
from tests.backtests.runs import Make

Status = Backtest.Status


def test_the_addresses() -> None:
    assert reverse("backtests:list") == LIST
    assert reverse("backtests:new") == NEW
    assert reverse("backtests:detail", args=[7]) == "/dashboard/backtests/7"


def test_the_list_shows_each_backtest_with_its_figures(completed: Backtest, alices_browser: Client) -> None:
    metrics = completed.metrics
    _, subject, status, period, *figures = cells_of(alices_browser.get(LIST), f"backtest-{completed.pk}")
    assert subject == "Golden cross AAPL, MSFT SMA crossover fast 20, slow 50"
    assert (status, period) == ("Completed", "2005-01-03 – 2010-12-31")
    assert figures[:5] == [
        f"{metrics['total_return']:+.2%}",
        f"{metrics['buy_and_hold_return']:+.2%}",
        f"{metrics['sharpe']:.2f}",
        f"{metrics['max_drawdown']:.2%}",
        str(metrics["trades"]),
    ]


@pytest.mark.parametrize("status", Status)
def test_the_list_shows_the_status(make: Make, alices_browser: Client, status: Status) -> None:
    backtest = make()
    Backtest.objects.update(status=status, progress=30)
    shown = cells_of(alices_browser.get(LIST), f"backtest-{backtest.pk}")[2]
    assert shown == (f"{status.label} 30%" if status == Status.RUNNING else status.label)


def test_the_latest_is_first_and_the_list_is_paged(make: Make, alices_browser: Client) -> None:
    first = make()
    Backtest.objects.bulk_create([copy_of(first) for _ in range(PAGE_SIZE)])
    latest = Backtest.objects.latest("id")
    page, second = (alices_browser.get(LIST, {"page": number}).content.decode() for number in (1, 2))
    assert f"backtest-{latest.pk}" in page
    assert f'id="backtest-{first.pk}"' not in page
    assert f'id="backtest-{first.pk}"' in second
    assert second.count('id="backtest-') == 1


def test_the_number_of_queries_is_constant(
    completed: Backtest, alices_browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    query = {"q": "golden", "sort": "-sharpe", "profitable": "on"}
    with CaptureQueriesContext(connection) as for_one:
        alices_browser.get(LIST, query)
    Backtest.objects.bulk_create([copy_of(completed) for _ in range(PAGE_SIZE - 1)])
    with django_assert_num_queries(len(for_one)):
        assert f"1 to {PAGE_SIZE}" in text_of(alices_browser.get(LIST, query))


def test_the_poll_returns_the_list_as_a_fragment(completed: Backtest, alices_browser: Client) -> None:
    fragment = alices_browser.get(LIST, {"page": 1}, headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert fragment.lstrip().startswith('<section id="backtests"')
    assert 'hx-get="/dashboard/backtests?page=1"' in fragment


def test_an_empty_list_links_to_a_new_backtest(alices_browser: Client) -> None:
    page = alices_browser.get(LIST)
    assert not has_id(page, "filters")
    assert "New backtest" in text_in(page, "backtests")
    assert page.content.decode().count(f'href="{NEW}"') == 2  # above the list, and in its empty state


def copy_of(backtest: Backtest) -> Backtest:
    return Backtest(
        **{
            field.name: getattr(backtest, field.name)
            for field in Backtest._meta.concrete_fields
            if not field.primary_key
        }
    )
