"""The page of one optimizer run that has ended."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from backtests.models import Candidate, OptimizerRun
from tests.backtests.optimizer_pages.conftest import url_of
from tests.backtests.pages import HTMX, text_of
from tests.backtests.runs import NOW
from tests.backtests.searches import MakeRun
from tradedesk.marketdata.clock import market_status
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.sessions import sessions_between


def test_a_search_shows_what_it_tried_and_found(searched: OptimizerRun, alices_browser: Client) -> None:
    said = text_of(alices_browser.get(url_of(searched)))
    first = searched.candidates.filter(universe="AAPL").order_by("-score")[0]
    figures = first.figures
    sessions = sessions_between(date(2005, 1, 3), date(2010, 12, 31))
    last_seen = sessions[int(len(sessions) * 0.7) - 1]
    for words in (
        "Search of Golden cross Completed",
        "ranked by Sharpe ratio",
        "AAPL · best of 26 combinations with a score",
        f"the search saw 2005-01-03 to {last_seen}; the rest, up to 2010-12-31, is held back for the evidence",
        "fewer than 3 trades or never in the market: not ranked",
        f"1 {first.parameters['fast']} {first.parameters['slow']} {first.score:.2f}",
        f"+{figures['total_return']:.2f}% {figures['sharpe_ratio']:.2f} {figures['max_drawdown_pct']:.2f}%",
        "Fast average 5 to 30, step 5",
        "60 over 2 universes, of which 8 break the strategy's own rule",
        "Held back 30.00% of the sessions",
        "Seed 7",
        "starts with 2.00% of equity a position, up to 5 positions; these rows used 95.00%, up to 1.",
    ):
        assert words in said


def test_the_symbols_are_tabs(searched: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(searched), {"symbol": "MSFT"})
    first = searched.candidates.filter(universe="MSFT").order_by("-score")[0]
    assert f'id="candidate-{first.pk}"' in page.content.decode()
    assert 'aria-current="page"' in page.content.decode()
    assert "MSFT · best of 26" in text_of(page)


@pytest.mark.parametrize("query", [{"symbol": "ZZZ"}, {"page": "x"}, {"page": "99"}, {"sort": "\0"}])
def test_an_odd_address_shows_the_run_all_the_same(
    searched: OptimizerRun, alices_browser: Client, query: dict[str, str]
) -> None:
    assert alices_browser.get(url_of(searched), query).status_code == 200


def test_when_it_started_is_told_apart_from_when_it_was_asked_for(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    OptimizerRun.objects.update(started_at=NOW + timedelta(hours=2), finished_at=NOW + timedelta(hours=3))
    said = text_of(alices_browser.get(url_of(searched)))
    assert "Created 2024-05-06 10:30 ET Started 2024-05-06 12:30 ET Ended 2024-05-06 13:30 ET" in said


def test_one_symbol_is_not_called_all_together(ranking: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(ranking), {"symbol": "*"})
    assert "All 1 together" not in text_of(page)
    assert "AAPL, as the only one · best of" in text_of(page)


def test_a_weighted_score_says_what_counts_0(
    queue_search: MakeRun, searched: OptimizerRun, alices_browser: Client
) -> None:
    said = text_of(alices_browser.get(url_of(queue_search(objective="weighted"))))
    assert "each ratio counts from -5 to 5, one that is not defined 0 Trades, at least" in said
    assert "counts 0" not in text_of(alices_browser.get(url_of(searched)))


def test_a_ranking_has_no_landscape(ranking: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(ranking))
    assert "data-plot" not in page.content.decode()
    assert f"Ranking of {len(ranking.candidate_strategies)} strategies" in text_of(page)
    assert "2005-01-03 to 2010-12-31, all of it seen" in text_of(page)
    assert "SMA crossover code" in text_of(page)


def test_the_first_row_is_tinted_and_a_row_with_few_trades_is_not(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    first = searched.candidates.filter(universe="AAPL").order_by("-score")[0]
    row = f'<tr id="candidate-{first.pk}" class="row-best">'
    assert row in " ".join(alices_browser.get(url_of(searched)).content.decode().split())
    Candidate.objects.filter(pk=first.pk).update(eligible=False, figures=first.figures | {"trades": 2})
    page = " ".join(alices_browser.get(url_of(searched), {"page": 2}).content.decode().split())
    assert f'<tr id="candidate-{first.pk}" class="row-below">' in page
    assert "2 trades: too few to rank" in page


def test_the_heads_sort_and_say_so(searched: OptimizerRun, alices_browser: Client) -> None:
    answer = alices_browser.get(url_of(searched), {"symbol": "MSFT", "sort": "-win_rate"})
    page = " ".join(answer.content.decode().split())
    link = '<a class="sort-link" href="?symbol=MSFT&amp;sort=win_rate">Win rate</a>'
    assert page.count("aria-sort") == 1
    assert f'aria-sort="descending"> {link}' in page


def test_the_rows_refresh_alone(searched: OptimizerRun, alices_browser: Client) -> None:
    asked = url_of(searched, "?symbol=MSFT&sort=score")
    fragment = alices_browser.get(asked, headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert fragment.lstrip().startswith('<section id="results"')
    assert f'hx-get="{asked.replace("&", "&amp;")}"' in fragment


def test_it_costs_as_much_for_few_rows_as_for_many(
    searched: OptimizerRun, alices_browser: Client, count_queries: Callable[[Any], int]
) -> None:
    def rows() -> Any:
        return alices_browser.get(url_of(searched), headers=HTMX)

    alices_browser.get(url_of(searched))
    for_many = count_queries(rows)
    keep = searched.candidates.filter(universe="AAPL").values_list("pk", flat=True)[:1]
    searched.candidates.exclude(pk__in=list(keep)).delete()
    assert count_queries(rows) == for_many


def test_what_has_changed_since_is_marked(searched: OptimizerRun, alices_browser: Client) -> None:
    assert "Changed since" not in text_of(alices_browser.get(url_of(searched)))
    BarSeries.objects.filter(symbol="AAPL").update(fingerprint="0" * 64)
    assert text_of(alices_browser.get(url_of(searched))).count("Changed since") == 1


def test_bars_that_are_gone_take_nothing_down(searched: OptimizerRun, alices_browser: Client) -> None:
    BarSeries.objects.all().delete()
    said = text_of(alices_browser.get(url_of(searched)))
    assert "the search saw" in said
    assert "best of 26" in said


def test_a_deleted_strategy_leaves_the_run(searched: OptimizerRun, alices_browser: Client) -> None:
    assert searched.strategy
    searched.strategy.delete()
    assert "Search of Golden cross" in text_of(alices_browser.get(url_of(searched)))


def test_the_top_bar_speaks_of_the_market_and_not_of_the_tab(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    page = alices_browser.get(url_of(searched)).content.decode()
    line = page.partition('class="market-line"')[2].partition("</p>")[0]
    assert str(market_status()) in line
