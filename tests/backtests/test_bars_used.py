"""A result depends on the bars up to the end of its period: later bars change nothing, all other changes count."""

from collections.abc import Callable
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from backtests import bars_used, provenance
from backtests.bars_used import stored_bars_used
from backtests.models import Backtest, OptimizerRun
from backtests.reports.backtest import repeat_outcome
from backtests.services import bars as bar_services
from backtests.services import repeat_backtest, run_backtest
from backtests.services.evidence import compute_for_backtest, compute_for_candidate
from backtests.services.optimizer import create, create_ranking, create_search, ranked, run_chunk
from strategies.models import Strategy
from tests.backtests.evidence.reading import scorecard_of
from tests.backtests.pages import facts_of, url_of
from tests.backtests.runs import NOW, Clock, Make
from tests.backtests.searches import GRID, TERMS, work_through
from tests.backtests.stored_bars import AFTER_THE_END, APPENDED, UP_TO_THE_END, Change, store_changed
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import CACHE, find_series, load_bars, load_many
from tradedesk.marketdata.store import DamagedBars, fingerprint_of

after_the_end = pytest.mark.parametrize("change", AFTER_THE_END.values(), ids=AFTER_THE_END)
up_to_the_end = pytest.mark.parametrize("change", UP_TO_THE_END.values(), ids=UP_TO_THE_END)


@pytest.fixture
def search(strategy: Strategy, monkeypatch: pytest.MonkeyPatch) -> OptimizerRun:
    """A queued search of 30 combinations in three chunks."""
    monkeypatch.setattr(create, "MIN_CHUNK", 10)
    return create_search(
        strategy.user, strategy, symbols=["AAPL"], method="grid", grid=GRID, seed=7, min_trades=3, **TERMS
    )


@pytest.fixture
def ranking(strategy: Strategy) -> OptimizerRun:
    """A queued ranking of one strategy on two symbols, in two chunks."""
    return create_ranking(strategy.user, strategies=[strategy], all_kinds=False, symbols=["AAPL", "MSFT"], **TERMS)


def marked(page: Any) -> list[str]:
    """The inputs that the page marks as changed."""
    return [label for label, value in facts_of(page).items() if value.endswith("Changed since")]


def page_of(run: OptimizerRun) -> str:
    return f"/dashboard/optimizer/{run.pk}?view=settings"


# --- Running searches and rankings ---------------------------------------------------------------------------


@after_the_end
def test_a_running_search_goes_on(search: OptimizerRun, clock: Clock, change: Change) -> None:
    run_chunk(search.pk, 0, clock)
    store_changed(change)
    work_through(search, clock)
    assert (search.status, search.error) == (OptimizerRun.Status.COMPLETED, "")
    assert (search.done, search.chunks.count(), ranked(search, "AAPL").count()) == (30, 3, 26)


@up_to_the_end
def test_a_running_search_fails(search: OptimizerRun, clock: Clock, change: Change) -> None:
    run_chunk(search.pk, 0, clock)
    store_changed(change)
    work_through(search, clock)
    assert (search.status, search.done) == (OptimizerRun.Status.FAILED, 10)
    assert search.error == "Since this run was created, the bars of AAPL changed. Start it again."


def test_a_running_ranking_depends_on_the_bars_up_to_the_end(ranking: OptimizerRun, clock: Clock) -> None:
    run_chunk(ranking.pk, 0, clock)
    store_changed(APPENDED, "AAPL")
    store_changed(APPENDED, "MSFT")
    work_through(ranking, clock)
    assert (ranking.status, ranking.error) == (OptimizerRun.Status.COMPLETED, "")


def test_a_running_ranking_fails_at_the_symbol_whose_bars_changed(ranking: OptimizerRun, clock: Clock) -> None:
    run_chunk(ranking.pk, 0, clock)
    store_changed(UP_TO_THE_END["changed"], "MSFT")
    work_through(ranking, clock)
    assert (ranking.status, ranking.done) == (OptimizerRun.Status.FAILED, 1)
    assert "the bars of MSFT changed" in ranking.error


def test_a_search_goes_on_in_another_version_with_the_same_code(search: OptimizerRun, clock: Clock) -> None:
    OptimizerRun.objects.update(provenance=search.provenance | {"version": "0"})
    assert work_through(search, clock).status == OptimizerRun.Status.COMPLETED


def test_the_run_records_the_bars_up_to_the_end(search: OptimizerRun, ranking: OptimizerRun) -> None:
    for run in (search, ranking):
        assert list(run.provenance["data"]) == run.symbols
        for symbol, data in run.provenance["data"].items():
            used = load_bars(None, symbol, "1Day").until(run.period[1])
            assert data == {"provider": "sample", "fingerprint": fingerprint_of(used), "count": len(used)}
            assert str(used.time[-1])[:10] == "2010-12-31"


# --- Evidence ------------------------------------------------------------------------------------------------


def test_evidence_stays_valid_when_a_bar_is_appended(completed: Backtest, alice: User, clock: Clock) -> None:
    store_changed(APPENDED)
    compute_for_backtest(completed.pk, clock)
    assert scorecard_of(alice, completed).status == "ready"


def test_evidence_of_a_row_stays_valid_when_a_bar_is_appended(
    search: OptimizerRun, alice: User, clock: Clock
) -> None:
    work_through(search, clock)
    store_changed(APPENDED)
    row = ranked(search, "AAPL")[0]
    compute_for_candidate(row.pk, clock)
    assert scorecard_of(alice, row).status == "ready"


@up_to_the_end
def test_evidence_is_refused(completed: Backtest, alice: User, clock: Clock, change: Change) -> None:
    store_changed(change)
    compute_for_backtest(completed.pk, clock)
    assert scorecard_of(alice, completed).error == (
        "Since this backtest ran, the bars of AAPL changed. Run it again."
    )


def test_evidence_of_a_row_is_refused(search: OptimizerRun, alice: User, clock: Clock) -> None:
    work_through(search, clock)
    store_changed(UP_TO_THE_END["before the start changed"])
    row = ranked(search, "AAPL")[0]
    compute_for_candidate(row.pk, clock)
    assert "the bars of AAPL changed" in scorecard_of(alice, row).error


# --- Run again and compare -----------------------------------------------------------------------------------


def repeated(backtest: Backtest, clock: Clock) -> Backtest:
    again = repeat_backtest(backtest, NOW)
    run_backtest(again.pk, clock)
    again.refresh_from_db()
    assert again.status == Backtest.Status.COMPLETED, again.error
    return again


@after_the_end
def test_a_repeated_backtest_gives_the_same_result_and_provenance(
    completed: Backtest, clock: Clock, change: Change
) -> None:
    store_changed(change)
    again = repeated(completed, clock)
    outcome = repeat_outcome(again)
    assert outcome
    assert outcome.is_same
    assert again.provenance == completed.provenance | {"repeats": again.repeats}


@up_to_the_end
def test_a_repeated_backtest_names_the_bars(completed: Backtest, clock: Clock, change: Change) -> None:
    store_changed(change)
    again = repeated(completed, clock)
    assert provenance.differences(completed.provenance, again.provenance) == ["the bars of AAPL"]


# --- Pages ---------------------------------------------------------------------------------------------------


@after_the_end
def test_the_pages_mark_nothing(
    completed: Backtest, ranking: OptimizerRun, alices_browser: Client, change: Change
) -> None:
    store_changed(change)
    assert marked(alices_browser.get(url_of(completed), {"tab": "provenance"})) == []
    assert marked(alices_browser.get(page_of(ranking))) == []


@up_to_the_end
def test_the_pages_mark_the_bars(
    completed: Backtest, ranking: OptimizerRun, alices_browser: Client, change: Change
) -> None:
    store_changed(change)
    assert marked(alices_browser.get(url_of(completed), {"tab": "provenance"})) == ["AAPL bars"]
    assert marked(alices_browser.get(page_of(ranking))) == ["AAPL bars"]


def test_bars_that_cannot_be_read_are_marked(
    completed: Backtest, ranking: OptimizerRun, alices_browser: Client
) -> None:
    bars_used._kept.clear()
    with patch.object(bars_used, "bars_of", side_effect=DamagedBars("The file is damaged.")):
        assert marked(alices_browser.get(url_of(completed), {"tab": "provenance"})) == ["AAPL bars", "MSFT bars"]
        assert marked(alices_browser.get(page_of(ranking))) == ["AAPL bars", "MSFT bars"]
    assert marked(alices_browser.get(page_of(ranking))) == []


def test_a_page_hashes_a_series_once_for_each_version(
    completed: Backtest, ranking: OptimizerRun, alices_browser: Client
) -> None:
    def hashed() -> int:
        with patch.object(bars_used, "fingerprint_of", wraps=fingerprint_of) as spy:
            alices_browser.get(url_of(completed), {"tab": "provenance"})
            alices_browser.get(page_of(ranking))
        return spy.call_count

    bars_used._kept.clear()
    assert [hashed(), hashed()] == [2, 0]  # both pages have the same two symbols and the same end
    store_changed(APPENDED)
    assert [hashed(), hashed()] == [1, 0]


def test_the_number_of_queries_does_not_grow_with_the_symbols(
    completed: Backtest, make: Make, clock: Clock, alices_browser: Client
) -> None:
    def queries(backtest: Backtest) -> int:
        alices_browser.get(url_of(backtest))  # loads and hashes the bars that are new to the process
        with CaptureQueriesContext(connection) as captured:
            alices_browser.get(url_of(backtest))
        return len(captured)

    many = make(symbols=["AAPL", "MSFT", "IBM", "GOOG", "FB"])
    run_backtest(many.pk, clock)
    assert queries(many) == queries(completed)


@pytest.mark.parametrize("path", ["/dashboard/backtests", "/dashboard/optimizer", "/dashboard/strategies"])
def test_a_list_loads_no_bars(
    completed: Backtest, search: OptimizerRun, alices_browser: Client, path: str
) -> None:
    bars_used._kept.clear()
    with patch.object(bars_used, "bars_of", side_effect=AssertionError("a list loads bars")):
        assert alices_browser.get(path).status_code == 200


def loading_while(action: Callable[[], None]) -> Any:
    """The action happens after the bars are loaded and before their series is read again."""

    def load(user_id: int, symbols: list[str], timeframe: str) -> Any:
        bars = load_many(user_id, symbols, timeframe)
        action()
        return bars

    return patch.object(bar_services, "load_many", load)


def test_a_bar_that_is_appended_while_bars_are_loaded_changes_nothing(
    completed: Backtest, make: Make, clock: Clock
) -> None:
    backtest = make()
    with loading_while(lambda: store_changed(APPENDED)):
        run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.provenance == completed.provenance


@up_to_the_end
def test_a_bar_that_changes_while_bars_are_loaded_fails_the_backtest(
    make: Make, clock: Clock, change: Change
) -> None:
    backtest = make()
    with loading_while(lambda: store_changed(change)):
        run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.error == "The bars of AAPL changed while they were loaded. Run it again."


def test_bars_of_another_version_are_not_kept(
    samples: list[str],
    completed: Backtest,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """A page reads the series, a feed replaces it, and the page then loads the new bars."""
    end = completed.period[1]
    old = find_series(None, ["AAPL"], "1Day")["AAPL"]
    before = stored_bars_used(old, end)
    bars_used._kept.clear()
    with django_capture_on_commit_callbacks(execute=True):
        store_changed(UP_TO_THE_END["changed"])
    CACHE.clear()
    assert stored_bars_used(old, end) != before
    assert len(bars_used._kept) == 0


def test_bars_on_the_last_day_of_an_intraday_period_are_used() -> None:
    """The period ends with the last microsecond of its last day in New York."""
    end = Backtest(start_date=date(2010, 12, 1), end_date=date(2010, 12, 31)).period[1]
    assert end.isoformat() == "2011-01-01T04:59:59.999999+00:00"
