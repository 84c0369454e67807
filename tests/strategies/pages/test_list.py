import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.strategies.examples import a_backtest, a_deployment, a_strategy, element_text, page_text
from tradedesk.accounts.models import User

LIST = "/dashboard/strategies"
NEW = "/dashboard/strategies/new"
HTMX = {"HX-Request": "true"}


def test_the_addresses() -> None:
    assert reverse("strategies:list") == LIST
    assert reverse("strategies:new") == NEW
    assert reverse("strategies:detail", args=[7]) == f"{LIST}/7"
    assert reverse("strategies:edit", args=[7]) == f"{LIST}/7/edit"
    assert reverse("strategies:delete", args=[7]) == f"{LIST}/7/delete"
    assert reverse("strategies:checks", args=[7]) == f"{LIST}/7/checks"


def test_an_empty_list_links_to_the_form(alices_browser: Client) -> None:
    response = alices_browser.get(LIST)
    assert response.context["rows"] == []
    assert "New strategy Load examples" in element_text(response, 'id="strategies"')
    assert f'href="{NEW}"' in response.content.decode()


def test_a_row_summarises_a_strategy(alices_browser: Client, alice: User, samples: None) -> None:
    strategy = a_strategy(alice, symbols=["AAPL", "TSLA"])
    page = alices_browser.get(LIST)
    text = element_text(page, f'id="strategy-{strategy.pk}"')
    assert text.startswith("Tech 1Day")
    assert "SMA crossover fast 5, slow 20 AAPL TSLA: no bars None — No evidence None" in text
    for button in ("Deploy to Live", "Backtest"):
        assert button in text
    html = page.content.decode()
    assert f'href="{LIST}/{strategy.pk}"' in html
    assert f'href="/dashboard/backtests/new?strategy={strategy.pk}"' in html


def test_a_row_shows_the_last_backtest(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_backtest(strategy, metrics={"total_return": -0.99})
    last = a_backtest(strategy)
    response = alices_browser.get(LIST)
    text = element_text(response, f'id="strategy-{strategy.pk}"')
    assert "+34.21% 1.02 Computing" in text
    assert "99.00" not in text
    assert f'href="/dashboard/backtests/{last.pk}"' in response.content.decode()


@pytest.mark.parametrize("status", ["queued", "running", "failed", "cancelled"])
def test_a_row_shows_a_backtest_without_results(alices_browser: Client, alice: User, status: str) -> None:
    a_backtest(a_strategy(alice), status=status, metrics={})
    assert f"{status.capitalize()} — No evidence" in page_text(alices_browser.get(LIST))


def test_a_row_lists_the_current_deployments(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_deployment(strategy, name="Live - stopped", status=LiveStrategy.Status.STOPPED)
    paused = a_deployment(strategy, name="Live - paused", status=LiveStrategy.Status.PAUSED)
    response = alices_browser.get(LIST)
    assert "Paper, paused : Live - paused" in page_text(response)
    assert "Live - stopped" not in page_text(response)
    assert reverse("livetrading:detail", args=[paused.pk]) in response.content.decode()


def test_a_row_stays_short_with_many_symbols(alices_browser: Client, alice: User) -> None:
    a_strategy(alice, symbols=[f"S{number}" for number in range(50)])
    text = page_text(alices_browser.get(LIST))
    assert "S2: no bars and 47 more" in text
    assert "S3" not in text


def test_a_strategy_without_symbols_cannot_be_deployed(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice, symbols=[])
    html = alices_browser.get(LIST).content.decode()
    assert re.search(r"<button[^>]*\bdisabled\b[^>]*>(?:(?!</button>).)*Deploy to Live", html, re.DOTALL)
    assert f'href="{LIST}/{strategy.pk}#strategy-form"' in html


def test_a_strategy_whose_kind_is_not_installed_is_still_shown(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    Strategy.objects.update(kind="astrology", parameters={"moon": 3})
    assert "astrology moon 3" in page_text(alices_browser.get(LIST))
    for page in ("", "/checks"):
        response = alices_browser.get(f"{LIST}/{strategy.pk}{page}")
        assert response.context["kind"] is None
        assert response.context["parameters_error"] == "There is no strategy kind “astrology”."
        assert response.context["parameters_error"] in page_text(response)
    assert alices_browser.get(f"{LIST}/{strategy.pk}/edit").status_code == 200


def test_names_are_escaped(alices_browser: Client, alice: User) -> None:
    name = "<script>alert(1)</script> & co"
    strategy = a_strategy(alice, name)
    a_deployment(strategy)
    for page in ("", f"/{strategy.pk}", f"/{strategy.pk}/edit", f"/{strategy.pk}/delete"):
        html = alices_browser.get(LIST + page).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in html


def test_a_page_holds_24(alices_browser: Client, alice: User) -> None:
    for number in range(25):
        a_strategy(alice, f"Number {number:02}")
    first, second = (alices_browser.get(LIST, {"page": page}) for page in (1, 2))
    assert [len(page.context["rows"]) for page in (first, second)] == [24, 1]
    assert "1 to 24 of 25" in page_text(first)
    assert "Number 24" in page_text(second)
    assert f'hx-get="{LIST}?page=2"' in second.content.decode()
    for odd in ("0", "99", "-1", "x", ""):
        assert alices_browser.get(LIST, {"page": odd}).status_code == 200


def test_with_htmx_only_the_table_is_rendered(alices_browser: Client, alice: User) -> None:
    a_strategy(alice)
    fragment = alices_browser.get(LIST, headers=HTMX).content.decode()
    assert fragment.strip().startswith("<section")
    assert "<html" not in fragment
    assert 'hx-trigger="every 5s, sse:changed"' in fragment


def make_busy(user: User, count: int) -> None:
    for number in range(count):
        strategy = a_strategy(user, f"{number}", symbols=["AAPL", f"S{number}"])
        for _ in range(3):
            a_backtest(strategy)
            a_deployment(strategy)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_the_number_of_queries_does_not_depend_on_the_rows(
    alices_browser: Client, bobs_browser: Client, alice: User, bob: User, headers: dict[str, str]
) -> None:
    make_busy(alice, 3)
    make_busy(bob, 30)
    for browser in (alices_browser, bobs_browser):
        browser.get(LIST, headers=headers)
    with CaptureQueriesContext(connection) as few:
        assert len(alices_browser.get(LIST, headers=headers).context["rows"]) == 3
    with CaptureQueriesContext(connection) as many:
        assert len(bobs_browser.get(LIST, headers=headers).context["rows"]) == 24
    assert len(few) == len(many) <= 22


def test_the_list_reads_one_backtest_per_row(alices_browser: Client, alice: User) -> None:
    make_busy(alice, 2)
    strategies = [row["strategy"] for row in alices_browser.get(LIST).context["rows"]]
    assert [len(strategy.latest_backtests) for strategy in strategies] == [1, 1]
