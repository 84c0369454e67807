"""A new optimizer run, as Alice fills it in."""

from typing import Any

import pytest
from django.test import Client

from backtests.models import OptimizerRun
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.optimizer_pages.conftest import TOO_MANY, TOO_WIDE, URL
from tests.backtests.pages import HTMX, error_of, text_of, value_of
from tradedesk.accounts.models import User


def send(browser: Client, job: str, form: dict[str, str], **changes: str) -> Any:
    return browser.post(f"{URL}?job={job}", form | changes)


# --- What the form starts with ---------------------------------------------------------------------------------


def test_a_ranking_starts_with_all_strategies_on_their_own_symbols(
    strategy: Strategy, alices_browser: Client
) -> None:
    page = alices_browser.get(URL)
    assert value_of(page, "symbols") == "AAPL, MSFT"
    assert (value_of(page, "start_date"), value_of(page, "end_date")) == ("2000-03-01", "2013-03-01")
    assert f'name="strategies" value="{strategy.pk}"' in page.content.decode()
    assert page.content.decode().count("checked") == 1
    assert "Golden cross SMA crossover fast 20, slow 50" in text_of(page)


def test_a_search_starts_with_the_kinds_own_ranges(strategy: Strategy, alices_browser: Client) -> None:
    page = alices_browser.get(URL, {"job": "search"})
    assert [value_of(page, f"{end}_fast") for end in ("low", "high", "step")] == ["5", "30", "1"]
    assert "Fast average 2 to 400 20" in text_of(page)


def test_a_strategys_link_searches_it(alice: User, strategy: Strategy, alices_browser: Client) -> None:
    other = save_strategy(alice, name="M", kind="macd", parameters={}, symbols=["IBM"], timeframe="1Day")
    page = alices_browser.get(URL, {"strategy": other.pk})
    assert value_of(page, "symbols") == "IBM"
    assert value_of(page, "low_signal")


def test_without_a_strategy_a_search_says_what_to_do(alices_browser: Client) -> None:
    page = alices_browser.get(URL, {"job": "search"})
    assert "No strategy to search yet" in text_of(page)
    assert 'href="/dashboard/strategies/new"' in page.content.decode()
    assert "rank all kinds, or create one" in text_of(alices_browser.get(URL))


def test_a_preset_chooses_the_dates_and_keeps_what_was_typed(strategy: Strategy, alices_browser: Client) -> None:
    asked = {"job": "search", "preset": "1y", "symbols": "IBM", "strategy": str(strategy.pk)}
    part = alices_browser.get(f"{URL}/universe", asked | {"shown_strategy": str(strategy.pk)}, headers=HTMX)
    assert (value_of(part, "symbols"), value_of(part, "start_date")) == ("IBM", "2012-03-01")
    assert "<html" not in part.content.decode()
    part = alices_browser.get(f"{URL}/universe", {"preset": "5y", "symbols": "GOOG"}, headers=HTMX)
    assert (value_of(part, "symbols"), value_of(part, "start_date")) == ("GOOG", "2008-03-01")


def test_another_strategy_brings_its_own_parameters(
    alice: User, strategy: Strategy, alices_browser: Client
) -> None:
    other = save_strategy(alice, name="R", kind="macd", parameters={}, symbols=["IBM"], timeframe="1Day")
    part = alices_browser.get(f"{URL}/grid", {"job": "search", "strategy": str(other.pk)}, headers=HTMX)
    assert value_of(part, "low_signal")
    assert "availability-drawn" in part.headers["HX-Trigger-After-Settle"]


def test_a_strategy_whose_parameters_were_not_on_the_page_is_shown_first(
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
    assert again.content.decode().count("checked") == 2  # the strategy, and all kinds


# --- Starting it -----------------------------------------------------------------------------------------------


def test_a_search_is_started(alice: User, search: dict[str, str], alices_browser: Client) -> None:
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


def test_a_parameter_that_does_not_vary_stays_as_it_is(
    alice: User, search: dict[str, str], alices_browser: Client
) -> None:
    del search["vary_slow"]
    send(alices_browser, "search", search)
    run = alice.optimizer_runs.get()
    assert (run.grid, run.combinations) == ({"fast": [5, 30, 5]}, 6)
    assert run.parameters["slow"] == 50


def test_a_random_search_takes_its_trials(alice: User, search: dict[str, str], alices_browser: Client) -> None:
    send(alices_browser, "search", search, method="random", trials="12")
    run = alice.optimizer_runs.get()
    assert (run.method, run.trials, run.combinations) == ("random", 12, 12)


def test_a_ranking_is_started(
    alice: User, strategy: Strategy, rank: dict[str, str], alices_browser: Client
) -> None:
    answer = send(alices_browser, "rank", rank, commission_bps="5", stop_loss_pct="7")
    run = alice.optimizer_runs.get()
    assert answer.headers["Location"] == f"{URL}/{run.pk}"
    assert (run.job, run.symbols, run.combinations) == ("rank", ["AAPL", "MSFT"], 2)
    assert [candidate_strategy["strategy_id"] for candidate_strategy in run.candidate_strategies] == [strategy.pk]
    assert (run.costs["commission_bps"], run.rules["stop_loss_pct"]) == (5, 0.07)


# --- What is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low_fast": "30", "high_fast": "5"}, "Fast average runs from 30 down to 5: swap the two."),
        ({"high_fast": "9999"}, "Fast average must be between 2 and 400."),
        ({"low_fast": "x"}, "Enter a number."),
        ({"step_fast": ""}, "Enter a number."),
        ({"step_fast": "0"}, "The step of Fast average must be above 0."),
        ({"vary_fast": "", "vary_slow": ""}, "Tick at least one parameter to search."),
        ({"method": "random", "trials": "0"}, "Enter a number between 1 and 1,000,000."),
        ({"method": "tpe", "trials": "5000"}, "The number of trials must be between 1 and 2,000."),
        ({"symbols": "ZZZ"}, "No 1Day bars for ZZZ."),
        ({"end_date": "2004-01-01"}, "The end must be later than the start"),
        ({"holdout": "95"}, "Enter a number between 0 and 90."),
        ({"objective": "deflated_sharpe"}, "Select a valid choice."),
        (
            {"objective": "weighted", **{f"weight_{name}": "0" for name in ("sharpe", "sortino", "calmar")}}
            | {"weight_cagr": "0", "weight_profit_factor": "0"},
            "At least one weight must be above 0.",
        ),
    ],
)
def test_a_search_that_cannot_be_is_refused_with_a_reason(
    search: dict[str, str], alices_browser: Client, changes: dict[str, str], message: str
) -> None:
    answer = send(alices_browser, "search", search, **changes)
    assert answer.status_code == 422
    assert message in text_of(answer)
    assert not OptimizerRun.objects.exists()


@pytest.mark.parametrize("junk", ["", "x", "0", "9999999"])
def test_what_the_chosen_method_and_score_do_not_use_is_not_asked_for(
    alice: User, search: dict[str, str], alices_browser: Client, junk: str
) -> None:
    junks = dict.fromkeys(("trials", "weight_sharpe", "weight_cagr"), junk)
    assert send(alices_browser, "search", search, **junks).status_code == 302
    run = alice.optimizer_runs.get()
    assert (run.method, run.trials, run.objective, run.weights) == ("grid", None, "sharpe", {})


def test_the_range_of_a_parameter_that_does_not_vary_is_not_asked_for(
    alice: User, search: dict[str, str], alices_browser: Client
) -> None:
    assert send(alices_browser, "search", search, vary_slow="", low_slow="x", step_slow="").status_code == 302
    assert alice.optimizer_runs.get().grid == {"fast": [5, 30, 5]}


def test_a_ranking_by_one_ratio_needs_no_weights(
    alice: User, rank: dict[str, str], alices_browser: Client
) -> None:
    assert send(alices_browser, "rank", rank, weight_sharpe="").status_code == 302
    assert alice.optimizer_runs.get().weights == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "random", "trials": ""}, "trials"),
        ({"method": "tpe", "trials": "x"}, "trials"),
        ({"objective": "weighted", "weight_sharpe": ""}, "weight_sharpe"),
        ({"objective": "weighted", "weight_sharpe": "2"}, "weight_sharpe"),
    ],
)
def test_what_they_use_is_asked_for(
    search: dict[str, str], alices_browser: Client, changes: dict[str, str], field: str
) -> None:
    answer = send(alices_browser, "search", search, **changes)
    assert answer.status_code == 422
    assert error_of(answer, field)


def test_a_grid_too_large_is_refused_with_its_number_and_a_suggestion(
    search: dict[str, str], alices_browser: Client
) -> None:
    answer = send(alices_browser, "search", search, **TOO_WIDE)
    assert answer.status_code == 422
    assert TOO_MANY in text_of(answer)
    assert not OptimizerRun.objects.exists()


def test_a_ranking_of_nothing_is_refused_at_its_field(rank: dict[str, str], alices_browser: Client) -> None:
    del rank["strategies"]
    answer = send(alices_browser, "rank", rank)
    assert answer.status_code == 422
    assert error_of(answer, "strategies").startswith("Choose at least one strategy")


def test_a_refused_form_keeps_what_was_typed(search: dict[str, str], alices_browser: Client) -> None:
    answer = send(alices_browser, "search", search, low_fast="30", high_fast="5", stop_loss_pct="0")
    assert (value_of(answer, "low_fast"), value_of(answer, "symbols")) == ("30", "aapl")
    assert '<details class="more" open>' in " ".join(answer.content.decode().split())


@pytest.mark.parametrize("junk", ["", "x", "-1", "1e400", "nan", "9" * 40, "\0", "<b>", "🙂"])
@pytest.mark.parametrize("job", ["rank", "search"])
def test_no_value_whatever_breaks_the_form(
    job: str, junk: str, rank: dict[str, str], search: dict[str, str], alices_browser: Client
) -> None:
    form = {"rank": rank, "search": search}[job]
    for name in [*form, "trials", "seed", "holdout", "min_trades", "initial_capital"]:
        assert send(alices_browser, job, form, **{name: junk}).status_code in (302, 422)
        asked = form | {"job": job, name: junk}
        for part in ("preview", "universe", "grid"):
            assert alices_browser.get(f"{URL}/{part}", asked, headers=HTMX).status_code in (200, 404)
