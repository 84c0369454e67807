"""The forms of a new optimizer run: initial values, sending, refusals."""

import re
from typing import Any

import pytest
from django.test import Client

from backtests.models import OptimizerRun
from backtests.research.optimizer.objectives import WEIGHTS
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.optimizer_pages.conftest import TOO_MANY, TOO_WIDE, URL
from tests.backtests.pages import HTMX, error_of, has_id, invalid_fields, tags_of, text_in, text_of, value_of
from tradedesk.accounts.models import User

WEIGHT_FIELDS = [f"weight_{name}" for name in WEIGHTS]


def checked_in(answer: Any) -> int:
    return len(re.findall(r"<input[^>]*\schecked\b", answer.content.decode()))


def send(browser: Client, job: str, form: dict[str, str], **changes: str) -> Any:
    return browser.post(f"{URL}?job={job}", form | changes)


# --- Initial values --------------------------------------------------------------------------------------------


def test_a_ranking_starts_with_all_strategies_on_their_own_symbols(
    strategy: Strategy, alices_browser: Client
) -> None:
    page = alices_browser.get(URL)
    assert value_of(page, "symbols") == "AAPL, MSFT"
    assert (value_of(page, "start_date"), value_of(page, "end_date")) == ("2000-03-01", "2013-03-01")
    assert f'name="strategies" value="{strategy.pk}"' in page.content.decode()
    assert checked_in(page) == 1
    assert "Golden cross SMA crossover fast 20, slow 50" in text_of(page)


def test_a_search_starts_with_the_ranges_of_the_kind(strategy: Strategy, alices_browser: Client) -> None:
    page = alices_browser.get(URL, {"job": "search"})
    assert [value_of(page, f"{end}_fast") for end in ("low", "high", "step")] == ["5", "30", "1"]
    assert "Fast average 2 to 400 20" in text_in(page, "grid")


def test_a_link_with_a_strategy_opens_its_search(alice: User, strategy: Strategy, alices_browser: Client) -> None:
    other = save_strategy(alice, name="M", kind="macd", parameters={}, symbols=["IBM"], timeframe="1Day")
    page = alices_browser.get(URL, {"strategy": other.pk})
    assert value_of(page, "symbols") == "IBM"
    assert value_of(page, "low_signal")


@pytest.mark.parametrize("job", ["rank", "search"])
def test_without_strategies_it_links_to_a_new_strategy(alices_browser: Client, job: str) -> None:
    page = alices_browser.get(URL, {"job": job})
    assert has_id(page, "optimizer-form") == (job == "rank")  # all kinds can still be ranked
    assert 'href="/dashboard/strategies/new"' in page.content.decode()


def test_a_preset_sets_the_dates_and_keeps_what_was_typed(strategy: Strategy, alices_browser: Client) -> None:
    query = {"job": "search", "preset": "1y", "symbols": "IBM", "strategy": str(strategy.pk)}
    part = alices_browser.get(f"{URL}/availability", query | {"shown_strategy": str(strategy.pk)}, headers=HTMX)
    assert (value_of(part, "symbols"), value_of(part, "start_date")) == ("IBM", "2012-03-01")
    assert "<html" not in part.content.decode()
    part = alices_browser.get(f"{URL}/availability", {"preset": "5y", "symbols": "GOOG"}, headers=HTMX)
    assert (value_of(part, "symbols"), value_of(part, "start_date")) == ("GOOG", "2008-03-01")


def test_another_strategy_has_its_own_parameters(alice: User, strategy: Strategy, alices_browser: Client) -> None:
    other = save_strategy(alice, name="R", kind="macd", parameters={}, symbols=["IBM"], timeframe="1Day")
    part = alices_browser.get(f"{URL}/grid", {"job": "search", "strategy": str(other.pk)}, headers=HTMX)
    assert value_of(part, "low_signal")
    assert "availability-updated" in part.headers["HX-Trigger-After-Settle"]


def test_a_strategy_selected_without_its_parameters_is_shown_first(
    alice: User, search: dict[str, str], alices_browser: Client
) -> None:
    other = save_strategy(alice, name="M", kind="macd", parameters={}, symbols=["IBM"], timeframe="1Day")
    answer = send(alices_browser, "search", search, strategy=str(other.pk))
    assert answer.headers["Location"] == f"{URL}?strategy={other.pk}"
    assert not OptimizerRun.objects.exists()


def test_an_earlier_run_can_be_changed_and_run_again(
    searched: OptimizerRun, ranking: OptimizerRun, alices_browser: Client
) -> None:
    again = alices_browser.get(URL, {"run": searched.pk})
    assert [value_of(again, f"{end}_slow") for end in ("low", "high", "step")] == ["20", "60", "10"]
    assert (value_of(again, "symbols"), value_of(again, "seed"), value_of(again, "min_trades")) == (
        "AAPL, MSFT",
        "7",
        "3",
    )
    again = alices_browser.get(URL, {"run": ranking.pk})
    assert (value_of(again, "symbols"), value_of(again, "start_date")) == ("AAPL", "2005-01-03")
    assert checked_in(again) == 2  # the strategy, and all kinds


# --- Sending ---------------------------------------------------------------------------------------------------


def test_a_sent_form_starts_a_search(alice: User, search: dict[str, str], alices_browser: Client) -> None:
    answer = send(
        alices_browser, "search", search, objective="weighted", weight_sharpe="1", min_trades="0", seed="9"
    )
    run = alice.optimizer_runs.get()
    assert answer.headers["Location"] == f"{URL}/{run.pk}"
    assert (run.job, run.method, run.symbols, run.combinations) == ("search", "grid", ["AAPL"], 30)
    assert run.grid == {"fast": [5, 30, 5], "slow": [20, 60, 10]}
    assert (run.objective, run.weights["sharpe"], run.min_trades, run.seed, run.holdout) == (
        "weighted",
        1,
        0,
        9,
        0.3,
    )


def test_a_parameter_that_does_not_vary_keeps_its_value(
    alice: User, search: dict[str, str], alices_browser: Client
) -> None:
    del search["vary_slow"]
    send(alices_browser, "search", search)
    run = alice.optimizer_runs.get()
    assert (run.grid, run.combinations) == ({"fast": [5, 30, 5]}, 6)
    assert run.parameters["slow"] == 50


def test_a_random_search_has_its_number_of_trials(
    alice: User, search: dict[str, str], alices_browser: Client
) -> None:
    send(alices_browser, "search", search, method="random", trials="12")
    run = alice.optimizer_runs.get()
    assert (run.method, run.trials, run.combinations) == ("random", 12, 12)


def test_a_sent_form_starts_a_ranking(
    alice: User, strategy: Strategy, rank: dict[str, str], alices_browser: Client
) -> None:
    answer = send(alices_browser, "rank", rank, commission_bps="5", stop_loss_pct="7")
    run = alice.optimizer_runs.get()
    assert answer.headers["Location"] == f"{URL}/{run.pk}"
    assert (run.job, run.symbols, run.combinations) == ("rank", ["AAPL", "MSFT"], 2)
    assert [ranked_strategy["strategy_id"] for ranked_strategy in run.ranked_strategies] == [strategy.pk]
    assert (run.costs["commission_bps"], run.rules["stop_loss_pct"]) == (5, 0.07)


# --- Refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"low_fast": "30", "high_fast": "5"}, "low_fast"),
        ({"high_fast": "9999"}, "low_fast"),
        ({"low_fast": "x"}, "low_fast"),
        ({"step_fast": ""}, "step_fast"),
        ({"step_fast": "0"}, "low_fast"),
        ({"method": "random", "trials": "0"}, "trials"),
        ({"method": "random", "trials": ""}, "trials"),
        ({"method": "tpe", "trials": "x"}, "trials"),
        ({"method": "tpe", "trials": "5000"}, "trials"),
        ({"symbols": "ZZZ"}, "symbols"),
        ({"end_date": "2004-01-01"}, "end_date"),
        ({"holdout": "95"}, "holdout"),
        ({"objective": "deflated_sharpe"}, "objective"),
        ({"objective": "weighted", "weight_sharpe": ""}, "weight_sharpe"),
        ({"objective": "weighted", "weight_sharpe": "2"}, "weight_sharpe"),
    ],
)
def test_an_invalid_search_is_refused_at_its_field(
    search: dict[str, str], alices_browser: Client, changes: dict[str, str], field: str
) -> None:
    answer = send(alices_browser, "search", search, **changes)
    assert answer.status_code == 422
    assert invalid_fields(answer) == {field}
    assert not OptimizerRun.objects.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vary_fast": "", "vary_slow": ""}, "Select at least one parameter to search."),
        ({"step_fast": ""}, "Enter a number."),
        ({"holdout": "95"}, "Enter a number between 0 and 90."),
        ({"method": "random", "trials": "1.5"}, "Enter a whole number."),
        ({"strategy": "0"}, "Select one of your strategies."),
        ({"objective": "weighted", **dict.fromkeys(WEIGHT_FIELDS, "0")}, "At least one weight must be above 0."),
    ],
)
def test_messages_of_the_search_form(
    search: dict[str, str], alices_browser: Client, changes: dict[str, str], message: str
) -> None:
    answer = send(alices_browser, "search", search, **changes)
    assert answer.status_code == 422
    assert message in text_of(answer)
    assert not OptimizerRun.objects.exists()


@pytest.mark.parametrize("junk", ["", "x", "0", "9999999"])
def test_fields_that_method_and_score_do_not_use_are_ignored(
    alice: User, search: dict[str, str], alices_browser: Client, junk: str
) -> None:
    unused = dict.fromkeys(("trials", "weight_sharpe", "weight_cagr"), junk)
    assert send(alices_browser, "search", search, **unused).status_code == 302
    run = alice.optimizer_runs.get()
    assert (run.method, run.trials, run.objective, run.weights) == ("grid", None, "sharpe", {})


def test_the_range_of_a_parameter_that_does_not_vary_is_ignored(
    alice: User, search: dict[str, str], alices_browser: Client
) -> None:
    assert send(alices_browser, "search", search, vary_slow="", low_slow="x", step_slow="").status_code == 302
    assert alice.optimizer_runs.get().grid == {"fast": [5, 30, 5]}


def test_a_ranking_by_one_score_needs_no_weights(
    alice: User, rank: dict[str, str], alices_browser: Client
) -> None:
    assert send(alices_browser, "rank", rank, weight_sharpe="").status_code == 302
    assert alice.optimizer_runs.get().weights == {}


def test_a_grid_that_is_too_large_is_refused_with_its_size(search: dict[str, str], alices_browser: Client) -> None:
    answer = send(alices_browser, "search", search, **TOO_WIDE)
    assert answer.status_code == 422
    assert TOO_MANY in text_of(answer)
    assert not OptimizerRun.objects.exists()


def test_a_ranking_without_strategies_is_refused_at_its_field(
    rank: dict[str, str], alices_browser: Client
) -> None:
    del rank["strategies"]
    answer = send(alices_browser, "rank", rank)
    assert answer.status_code == 422
    assert error_of(answer, "strategies")


def test_a_refused_form_keeps_what_was_typed(search: dict[str, str], alices_browser: Client) -> None:
    answer = send(alices_browser, "search", search, low_fast="30", high_fast="5", stop_loss_pct="0")
    assert (value_of(answer, "low_fast"), value_of(answer, "symbols")) == ("30", "aapl")
    assert '<details class="more" open>' in tags_of(answer)


JUNK = ["", "x", "-1", "1e400", "nan", "9" * 40, "\0", "<b>", "🙂"]


@pytest.mark.each_value
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("job", ["rank", "search"])
def test_no_input_breaks_the_form(
    job: str, junk: str, rank: dict[str, str], search: dict[str, str], alices_browser: Client
) -> None:
    form = {"rank": rank, "search": search}[job]
    names = [*form, "trials", "seed", "holdout", "min_trades", "initial_capital"]
    # Each junk goes to a third of the names and one fragment of each: every name is tried with three.
    place = JUNK.index(junk)
    for number, name in enumerate(names[place % 3 :: 3], start=place // 3):
        assert send(alices_browser, job, form, **{name: junk}).status_code in (302, 422)
        fragment = ("preview", "availability", "grid")[number % 3]
        query = form | {"job": job, name: junk}
        assert alices_browser.get(f"{URL}/{fragment}", query, headers=HTMX).status_code in (200, 404)
