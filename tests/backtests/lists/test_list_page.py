"""The list of backtests, as Alice sees it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from backtests.lists.listing import PAGE_SIZE
from backtests.models import Backtest
from tests.backtests.pages import HTMX, LIST, NEW, text_of
from tests.backtests.runs import Make

Status = Backtest.Status


def test_the_addresses() -> None:
    assert reverse("backtests:list") == LIST
    assert reverse("backtests:new") == NEW
    assert reverse("backtests:detail", args=[7]) == "/dashboard/backtests/7"


def test_the_list_shows_each_backtest_with_its_figures(completed: Backtest, alices_browser: Client) -> None:
    shown = text_of(alices_browser.get(LIST))
    metrics = completed.metrics
    for words in (
        "Golden cross AAPL, MSFT SMA crossover fast 20, slow 50",
        "Completed",
        "2005-01-03 – 2010-12-31",
        f"+{metrics['total_return']:.2f}%",
        f"{metrics['sharpe_ratio']:.2f} {metrics['max_drawdown_pct']:.2f}% {metrics['num_trades']}",
    ):
        assert words in shown


@pytest.mark.parametrize("status", Status)
def test_the_list_says_how_each_stands(make: Make, alices_browser: Client, status: Status) -> None:
    make()
    Backtest.objects.update(status=status, progress=30)
    shown = text_of(alices_browser.get(LIST))
    assert status.label in shown
    assert ("30%" in shown) == (status == Status.RUNNING)


def test_the_list_starts_with_the_latest_and_is_paged(make: Make, alices_browser: Client) -> None:
    first = make()
    Backtest.objects.bulk_create([copy_of(first) for _ in range(PAGE_SIZE)])
    latest = Backtest.objects.latest("id")
    page, second = (alices_browser.get(LIST, {"page": number}).content.decode() for number in (1, 2))
    assert f"backtest-{latest.pk}" in page
    assert f'id="backtest-{first.pk}"' not in page
    assert f'id="backtest-{first.pk}"' in second
    assert second.count('id="backtest-') == 1


def test_the_list_costs_as_much_for_one_as_for_many(
    completed: Backtest, alices_browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    asked = {"q": "golden", "sort": "-sharpe", "profitable": "on"}
    with CaptureQueriesContext(connection) as for_one:
        alices_browser.get(LIST, asked)
    Backtest.objects.bulk_create([copy_of(completed) for _ in range(PAGE_SIZE - 1)])
    with django_assert_num_queries(len(for_one)):
        assert f"1 to {PAGE_SIZE}" in text_of(alices_browser.get(LIST, asked))


def test_the_list_refreshes_itself_alone(completed: Backtest, alices_browser: Client) -> None:
    fragment = alices_browser.get(LIST, {"page": 1}, headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert fragment.lstrip().startswith('<section id="backtests"')
    assert 'hx-get="/dashboard/backtests?page=1"' in fragment


def test_an_empty_list_offers_the_first_backtest(alices_browser: Client) -> None:
    shown = alices_browser.get(LIST)
    assert "No backtests yet" in text_of(shown)
    assert f'href="{NEW}"' in shown.content.decode()


def copy_of(backtest: Backtest) -> Backtest:
    return Backtest(
        **{
            field.name: getattr(backtest, field.name)
            for field in Backtest._meta.concrete_fields
            if not field.primary_key
        }
    )
