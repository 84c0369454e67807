"""The page of a new backtest: initial values, presets, and sending the form."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.pages import HTMX, NEW, error_of, has_id, text_in, url_of, value_of
from tests.backtests.runs import Make


@pytest.fixture
def typed(strategy: Strategy) -> dict[str, str]:
    return {
        "strategy": str(strategy.pk),
        "symbols": "AAPL",
        "start_date": "2005-01-03",
        "end_date": "2010-12-31",
        "initial_capital": "25000",
    }


def test_the_form_starts_with_the_strategy_over_all_its_bars(strategy: Strategy, alices_browser: Client) -> None:
    save_strategy(strategy.user, name="A first one", kind="macd", parameters={}, symbols=["IBM"], timeframe="1Day")
    page = alices_browser.get(NEW, {"strategy": strategy.pk})
    assert f'<option value="{strategy.pk}" selected>' in page.content.decode()
    assert value_of(page, "symbols") == "AAPL, MSFT"
    assert (value_of(page, "start_date"), value_of(page, "end_date")) == ("2000-03-01", "2013-03-01")
    assert value_of(page, "initial_capital") == "100000"
    assert value_of(page, "stop_loss_pct") == "10"
    assert "AAPL, MSFT 2000-03-01 to 2013-03-01" in text_in(page, "data-availability")


def test_buy_and_hold_starts_without_a_stop_and_is_warned_of_it(
    strategy: Strategy, alices_browser: Client, typed: dict[str, str]
) -> None:
    own = save_strategy(
        strategy.user, name="Keep", kind="buy_and_hold", parameters={}, symbols=["IBM"], timeframe="1Day"
    )
    page = alices_browser.get(NEW, {"strategy": own.pk})
    assert (value_of(page, "stop_loss_pct"), has_id(page, "no-stop")) == ("", True)
    # Another choice of the strategy on the page brings its default along; the same strategy keeps what was typed.
    for shown, names in ((strategy, 1), (own, 0)):
        part = alices_browser.get(NEW, {"strategy": own.pk, "shown_strategy": shown.pk}, headers=HTMX)
        assert part.content.decode().count("hx-swap-oob") == names
    alices_browser.post(NEW, typed | {"strategy": str(own.pk), "stop_loss_pct": ""})
    assert Backtest.objects.get(strategy=own).rules["stop_loss_pct"] is None


def test_without_a_strategy_in_the_address_the_first_is_selected(
    strategy: Strategy, alices_browser: Client
) -> None:
    assert value_of(alices_browser.get(NEW), "symbols") == "AAPL, MSFT"


def test_without_strategies_it_links_to_a_new_strategy(alices_browser: Client) -> None:
    page = alices_browser.get(NEW)
    assert not has_id(page, "backtest-form")
    assert reverse("strategies:new") in page.content.decode()


@pytest.mark.parametrize(
    ("preset", "start"), [("all", "2000-03-01"), ("10y", "2003-03-01"), ("5y", "2008-03-01"), ("1y", "2012-03-01")]
)
def test_a_preset_sets_the_period(strategy: Strategy, alices_browser: Client, preset: str, start: str) -> None:
    page = alices_browser.get(NEW, {"strategy": str(strategy.pk), "preset": preset})
    assert (value_of(page, "start_date"), value_of(page, "end_date")) == (start, "2013-03-01")


def test_the_period_spans_the_bars_of_all_symbols(strategy: Strategy, alices_browser: Client) -> None:
    strategy.symbols = ["FB", "AAPL"]
    strategy.save()
    page = alices_browser.get(NEW, {"strategy": strategy.pk})
    assert (value_of(page, "start_date"), value_of(page, "end_date")) == ("2000-03-01", "2013-03-01")
    assert "FB 2012-05-18 to 2013-03-01; AAPL 2000-03-01 to 2013-03-01" in text_in(page, "data-availability")


def test_presets_start_after_the_first_bar(strategy: Strategy, alices_browser: Client) -> None:
    strategy.symbols = ["FB"]
    strategy.save()
    shown = alices_browser.get(NEW, {"strategy": strategy.pk}).content.decode()
    assert "preset=all" in shown
    assert "preset=1y" not in shown


def test_a_preset_keeps_what_was_typed(strategy: Strategy, typed: dict[str, str], alices_browser: Client) -> None:
    query = typed | {"shown_strategy": str(strategy.pk), "preset": "3y"}
    fragment = alices_browser.get(NEW, query, headers=HTMX)
    assert fragment.content.decode().lstrip().startswith('<div id="data-availability"')
    assert value_of(fragment, "symbols") == "AAPL"
    assert value_of(fragment, "start_date") == "2010-03-01"


def test_another_strategy_has_its_own_symbols_and_bars(
    strategy: Strategy, typed: dict[str, str], alices_browser: Client
) -> None:
    other = save_strategy(
        strategy.user, name="Faces", kind="macd", parameters={}, symbols=["FB"], timeframe="1Day"
    )
    fragment = alices_browser.get(
        NEW, typed | {"strategy": str(other.pk), "shown_strategy": str(strategy.pk)}, headers=HTMX
    )
    assert value_of(fragment, "symbols") == "FB"
    assert value_of(fragment, "start_date") == "2012-05-18"
    assert value_of(fragment, "shown_strategy") == str(other.pk)


def test_symbols_without_bars_are_named_before_the_form_is_sent(
    strategy: Strategy, typed: dict[str, str], alices_browser: Client
) -> None:
    query = typed | {"shown_strategy": str(strategy.pk), "symbols": "AAPL, TSLA"}
    fragment = alices_browser.get(NEW, query, headers=HTMX)
    assert "No 1Day bars for TSLA." in text_in(fragment, "data-availability")


@pytest.mark.parametrize("symbols", ["../", "A" * 5000, ", ".join(f"S{n}" for n in range(60))])
def test_invalid_symbols_do_not_break_the_form(
    strategy: Strategy, typed: dict[str, str], alices_browser: Client, symbols: str
) -> None:
    query = typed | {"shown_strategy": str(strategy.pk), "symbols": symbols}
    assert alices_browser.get(NEW, query, headers=HTMX).status_code == 200


def test_a_backtest_can_be_changed_and_run_again(make: Make, alices_browser: Client) -> None:
    backtest = make(symbols=["IBM"], stop_loss_pct=0.075, max_drawdown_pct=0.3, slippage_bps=2.5, fractional=True)
    page = alices_browser.get(NEW, {"backtest": backtest.pk})
    names = ("symbols", "start_date", "end_date", "stop_loss_pct", "max_drawdown_pct", "slippage_bps")
    assert [value_of(page, name) for name in names] == ["IBM", "2005-01-03", "2010-12-31", "7.5", "30", "2.5"]
    assert re.search(r'<input[^>]*name="fractional"[^>]*checked', page.content.decode())


def test_the_number_of_queries_is_constant(
    strategy: Strategy, alices_browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with CaptureQueriesContext(connection) as for_two:
        alices_browser.get(NEW)
    strategy.symbols = ["AAPL", "MSFT", "IBM", "GOOG", "FB"]
    strategy.save()
    with django_assert_num_queries(len(for_two)):
        alices_browser.get(NEW)


def test_a_sent_form_creates_the_backtest_and_redirects_to_it(
    typed: dict[str, str], alices_browser: Client
) -> None:
    answer = alices_browser.post(NEW, typed | {"position_size_pct": "50", "fractional": "on"})
    backtest = Backtest.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, url_of(backtest))
    assert (backtest.symbols, backtest.start_date) == (["AAPL"], date(2005, 1, 3))
    assert backtest.risk_rules().position_size_pct == 0.5
    assert backtest.risk_rules().fractional


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"symbols": "TSLA"}, "symbols", "No 1Day bars for TSLA."),
        ({"start_date": "2011-01-03"}, "end_date", "The end must be later"),
        ({"end_date": "1999-01-04", "start_date": "1998-01-05"}, "end_date", "There are no bars from 1998-01-05"),
        ({"initial_capital": "-5"}, "initial_capital", "Enter a number between 1 and 1,000,000,000."),
        ({"stop_loss_pct": "0"}, "stop_loss_pct", "Enter a number between 0.1 and 99."),
        ({"start_date": "2005-02-30"}, "start_date", "Enter a date such as 2012-03-05."),
    ],
)
def test_a_refused_form_keeps_its_values_and_shows_errors_at_the_fields(
    typed: dict[str, str], alices_browser: Client, changes: dict[str, str], field: str, message: str
) -> None:
    sent = typed | {"signal_threshold": "0.123"} | changes
    answer = alices_browser.post(NEW, sent)
    assert answer.status_code == 422
    assert error_of(answer, field).startswith(message)
    for name in ("symbols", "start_date", "end_date", "initial_capital", "signal_threshold"):
        assert value_of(answer, name) == sent[name]
    assert not Backtest.objects.exists()


def test_a_strategy_that_cannot_run_is_refused_at_its_field(
    strategy: Strategy, typed: dict[str, str], alices_browser: Client
) -> None:
    Strategy.objects.update(parameters={"fast": 50, "slow": 20})
    assert "Golden cross" in error_of(alices_browser.post(NEW, typed), "strategy")
