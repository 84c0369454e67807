"""The page of a completed optimizer run."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from backtests.models import Candidate, OptimizerRun
from backtests.services.optimizer import create_search
from strategies.services import save_strategy
from tests.backtests.optimizer_pages.conftest import URL, url_of
from tests.backtests.pages import HTMX, cells_of, facts_of, tags_of, text_of, value_of
from tests.backtests.runs import NOW
from tests.backtests.searches import TERMS, MakeRun
from tests.backtests.stored_bars import UP_TO_THE_END, store_changed
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import market_status
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.sessions import sessions_between

SETTINGS = {"view": "settings"}


def test_a_search_shows_its_settings_and_rows(searched: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(searched))
    first = searched.candidates.filter(universe="AAPL").order_by("-score")[0]
    figures = first.figures
    sessions = sessions_between(date(2005, 1, 3), date(2010, 12, 31))
    last_searched = sessions[int(len(sessions) * 0.7) - 1]
    rank, fast, slow, score, _, total_return, sharpe, max_drawdown, *_ = cells_of(page, f"candidate-{first.pk}")
    assert (rank, fast, slow) == ("1", str(first.parameters["fast"]), str(first.parameters["slow"]))
    assert (score, sharpe) == (f"{first.score:.2f}", f"{figures['sharpe']:.2f}")
    assert (total_return, max_drawdown) == (f"{figures['total_return']:+.2%}", f"{figures['max_drawdown']:.2%}")
    facts = facts_of(alices_browser.get(url_of(searched), SETTINGS))
    assert facts["Fast average"] == "5 to 30, step 5"
    assert facts["Combinations"].startswith("60 over 2 universes, 8 of them invalid")
    assert facts["Holdout"].startswith("30.00%")
    assert (facts["Seed"], facts["Minimum trades"]) == ("7", "3")
    shown = text_of(page)
    assert "Search of Golden cross Completed" in shown
    assert "AAPL · best of 26 combinations with a score" in shown
    assert f"searched 2005-01-03 to {last_searched}; holdout period to 2010-12-31" in shown
    assert "Position size 2.00% (tested 95.00%), Max positions 5 (tested 1)" in shown


def test_each_symbol_has_a_tab(searched: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(searched), {"symbol": "MSFT"})
    first = searched.candidates.filter(universe="MSFT").order_by("-score")[0]
    assert f'id="candidate-{first.pk}"' in page.content.decode()
    assert 'aria-current="page" href="?symbol=MSFT"' in tags_of(page)


@pytest.mark.parametrize("query", [{"symbol": "ZZZ"}, {"page": "x"}, {"page": "99"}, {"sort": "\0"}])
def test_an_invalid_address_shows_the_run(
    searched: OptimizerRun, alices_browser: Client, query: dict[str, str]
) -> None:
    assert alices_browser.get(url_of(searched), query).status_code == 200


def test_created_started_and_ended_are_shown(searched: OptimizerRun, alices_browser: Client) -> None:
    OptimizerRun.objects.update(started_at=NOW + timedelta(hours=2), finished_at=NOW + timedelta(hours=3))
    facts = facts_of(alices_browser.get(url_of(searched), SETTINGS))
    assert (facts["Created"], facts["Started"], facts["Ended"]) == (
        "2024-05-06 10:30 ET",
        "2024-05-06 12:30 ET",
        "2024-05-06 13:30 ET",
    )


def test_the_universe_of_all_symbols_names_a_single_symbol(ranking: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(ranking), {"symbol": "*"})
    tab = tags_of(page).partition('aria-current="page" href="?symbol=%2A">')[2].partition("</a>")[0]
    assert "AAPL" in tab


def test_a_weighted_score_shows_its_formula(
    queue_search: MakeRun, searched: OptimizerRun, alices_browser: Client
) -> None:
    weighted = facts_of(alices_browser.get(url_of(queue_search(objective="weighted")), SETTINGS))
    assert "x Sharpe ratio +" in weighted["Ranked by"]
    assert facts_of(alices_browser.get(url_of(searched), SETTINGS))["Ranked by"] == "Sharpe ratio"


def test_a_ranking_has_no_charts_and_no_holdout(ranking: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(ranking))
    assert "view=plots" not in page.content.decode()
    assert "data-plot" not in alices_browser.get(url_of(ranking), {"view": "plots"}).content.decode()
    assert f"Ranking of {len(ranking.ranked_strategies)} strategies" in text_of(page)
    assert "2005-01-03 to 2010-12-31, no holdout period" in text_of(page)
    assert "SMA crossover code" in facts_of(alices_browser.get(url_of(ranking), SETTINGS))


def test_the_best_row_and_rows_that_are_not_ranked_have_a_class(
    searched: OptimizerRun, alices_browser: Client
) -> None:
    first = searched.candidates.filter(universe="AAPL").order_by("-score")[0]
    row = f'<tr id="candidate-{first.pk}" class="row-best">'
    assert row in tags_of(alices_browser.get(url_of(searched)))
    Candidate.objects.filter(pk=first.pk).update(eligible=False, figures=first.figures | {"trades": 2})
    page = tags_of(alices_browser.get(url_of(searched), {"page": 2}))
    assert f'<tr id="candidate-{first.pk}" class="row-below">' in page


def test_the_column_headings_sort_the_rows(searched: OptimizerRun, alices_browser: Client) -> None:
    page = tags_of(alices_browser.get(url_of(searched), {"symbol": "MSFT", "sort": "-win_rate"}))
    link = '<a class="sort-link" href="?symbol=MSFT&amp;sort=win_rate">Win rate</a>'
    assert page.count("aria-sort") == 1
    assert f'aria-sort="descending"> {link}' in page


def test_the_poll_returns_the_rows_as_a_fragment(searched: OptimizerRun, alices_browser: Client) -> None:
    url = url_of(searched, "?symbol=MSFT&sort=score")
    fragment = alices_browser.get(url, headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert fragment.lstrip().startswith('<section id="results"')
    assert f'hx-get="{url.replace("&", "&amp;")}"' in fragment


def test_the_number_of_queries_is_constant(
    searched: OptimizerRun, alices_browser: Client, count_queries: Callable[[Any], int]
) -> None:
    def rows() -> Any:
        return alices_browser.get(url_of(searched), headers=HTMX)

    alices_browser.get(url_of(searched))
    for_many = count_queries(rows)
    keep = searched.candidates.filter(universe="AAPL").values_list("pk", flat=True)[:1]
    searched.candidates.exclude(pk__in=list(keep)).delete()
    assert count_queries(rows) == for_many


def test_bars_that_changed_since_the_run_are_marked(searched: OptimizerRun, alices_browser: Client) -> None:
    def changed() -> list[str]:
        facts = facts_of(alices_browser.get(url_of(searched), SETTINGS))
        return [label for label, value in facts.items() if value.endswith("Changed since")]

    assert changed() == []
    store_changed(UP_TO_THE_END["changed"])
    assert changed() == ["AAPL bars"]


def test_the_page_works_without_bars(searched: OptimizerRun, alices_browser: Client) -> None:
    BarSeries.objects.all().delete()
    shown = text_of(alices_browser.get(url_of(searched)))
    assert "searched 2005-01-03 to" in shown
    assert "best of 26" in shown


def test_the_page_works_without_its_strategy(searched: OptimizerRun, alices_browser: Client) -> None:
    assert searched.strategy
    searched.strategy.delete()
    assert "Search of Golden cross" in text_of(alices_browser.get(url_of(searched)))


def test_the_top_bar_shows_the_market_status(searched: OptimizerRun, alices_browser: Client) -> None:
    page = alices_browser.get(url_of(searched)).content.decode()
    line = page.partition('id="market-detail"')[2].partition("</p>")[0]
    assert str(market_status()) in line


def test_the_page_says_that_the_best_row_is_at_the_edge_and_widens_the_range(
    queue_search: MakeRun, work: Callable[[OptimizerRun], OptimizerRun], alices_browser: Client
) -> None:
    run = work(queue_search(symbols=["AAPL"], grid={"fast": (10, 12, 2), "slow": (50, 60, 5)}))
    best = run.candidates.order_by("-eligible", "-score")[0]
    link = f"/dashboard/optimizer?run={run.pk}&amp;widen=AAPL"
    assert link in alices_browser.get(url_of(run)).content.decode()
    form = alices_browser.get("/dashboard/optimizer", {"run": str(run.pk), "widen": "AAPL"})
    low, high = float(value_of(form, "low_fast")), float(value_of(form, "high_fast"))
    assert (low, high) == ((8, 12) if best.parameters["fast"] == 10 else (10, 14))


def test_an_annual_return_as_the_score_is_a_percent(
    queue_search: MakeRun, work: Callable[[OptimizerRun], OptimizerRun], alices_browser: Client
) -> None:
    run = work(queue_search(symbols=["AAPL"], objective="cagr"))
    best = run.candidates.filter(eligible=True).order_by("-score")[0]
    assert cells_of(alices_browser.get(url_of(run)), f"candidate-{best.pk}")[3] == f"{best.score:+.2%}"


def test_it_says_where_all_rows_begin(
    searched: OptimizerRun, queue_search: MakeRun, alices_browser: Client
) -> None:
    shown = text_of(alices_browser.get(url_of(searched)))
    assert "all rows scored from the start: the longest warm-up, 61 bars, ends before it" in shown
    early = queue_search(start_date=date(2000, 3, 1))
    shown = text_of(alices_browser.get(url_of(early)))
    assert "scored from 2000-05-25, after the longest warm-up, 61 bars" in shown


def test_a_varied_choice_is_shown_by_its_words(alice: User, samples: list[str], alices_browser: Client) -> None:
    strategy = save_strategy(
        alice, name="Dips", kind="rsi_mean_reversion", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    run = create_search(alice, strategy, method="grid", grid={"enter_on": (0, 1, 1)}, **TERMS)
    shown = text_of(alices_browser.get(url_of(run), SETTINGS))
    assert "Enter on touch to return, step 1" in shown
    fields = alices_browser.get(f"{URL}/grid?job=search&strategy={strategy.pk}", headers=HTMX)
    form = fields.context["form"]
    assert [row.vary.initial for row in form.grid_rows] == [True, True, True, False]
    assert form.fields["low_enter_on"].choices == [(0, "touch"), (1, "return")]
    assert "touch or return" in text_of(fields)
