"""A trader's own defaults: on their page, in the forms, and where a request of the API leaves values out."""

from typing import Any

import pytest
from django.test import Client

from backtests.models import Backtest, BacktestDefaults, OptimizerRun
from backtests.services import InvalidBacktest
from backtests.services.defaults import defaults_of, save_defaults
from strategies.models import Strategy
from tests.backtests.pages import error_of, value_of
from tradedesk.accounts.models import User
from tradedesk.core.rules import COSTS, DEFAULT_COSTS, Costs

PAGE, NEW, OPTIMIZER = "/settings/defaults", "/dashboard/backtests/new", "/dashboard/optimizer"
API, RUNS = "/api/v1/backtests", "/api/v1/optimizer/runs"
PERIOD = {"start_date": "2005-01-03", "end_date": "2006-12-29"}
CHOSEN: dict[str, Any] = {
    "slippage_bps": 2.5,
    "commission_per_order": 1.0,
    "max_drawdown_pct": 0.2,
    "fractional": True,
}


@pytest.fixture
def chosen(alice: User) -> dict[str, Any]:
    save_defaults(alice, initial_capital=25_000, **CHOSEN)
    return defaults_of(alice)


def posted(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, {**PERIOD, **body}, content_type="application/json")


def test_without_stated_costs_a_backtest_pays_five_basis_points(
    strategy: Strategy, alices_browser: Client
) -> None:
    assert Costs(slippage_bps=5.0) == DEFAULT_COSTS
    assert COSTS["slippage_bps"].default == 5.0
    assert Costs.from_dict({}) == Costs(), "stored costs are not completed"
    assert posted(alices_browser, API, strategy_id=strategy.pk).status_code == 202
    backtest = Backtest.objects.get()
    assert (backtest.cost_rules(), backtest.initial_capital) == (DEFAULT_COSTS, 100_000)
    assert value_of(alices_browser.get(NEW), "slippage_bps") == "5"
    assert posted(alices_browser, API, strategy_id=strategy.pk, slippage_bps=0).status_code == 202
    assert Backtest.objects.latest("id").cost_rules() == Costs()


def test_the_page_saves_them_and_the_forms_start_with_them(strategy: Strategy, alices_browser: Client) -> None:
    typed = {"initial_capital": "25000", "slippage_bps": "2.5", "stop_loss_pct": "7.5", "position_size_pct": ""}
    assert alices_browser.post(PAGE, typed).status_code == 302
    for path in (PAGE, NEW, f"{OPTIMIZER}?job=rank", f"{OPTIMIZER}?job=search"):
        page = alices_browser.get(path)
        shown = [value_of(page, name) for name in ("initial_capital", "slippage_bps", "stop_loss_pct")]
        assert shown == ["25000", "2.5", "7.5"], path
        assert not value_of(page, "position_size_pct"), path


def test_a_value_out_of_bounds_is_refused_at_its_field(alice: User, alices_browser: Client) -> None:
    page = alices_browser.post(PAGE, {"initial_capital": "0", "slippage_bps": "-1"})
    assert page.status_code == 422
    assert error_of(page, "initial_capital")
    assert error_of(page, "slippage_bps")
    with pytest.raises(InvalidBacktest) as refusal:
        save_defaults(alice, initial_capital=1e12, stop_loss_pct=5.0, max_positions=0)
    assert set(refusal.value.errors) == {"initial_capital", "stop_loss_pct", "max_positions"}
    assert not BacktestDefaults.objects.exists()


def test_the_api_uses_them_for_what_is_left_out(
    chosen: dict[str, Any], strategy: Strategy, alices_browser: Client
) -> None:
    assert chosen == {"initial_capital": 25_000.0, **CHOSEN}
    assert posted(alices_browser, API, strategy_id=strategy.pk).status_code == 202
    first = Backtest.objects.latest("id")
    assert first.initial_capital == 25_000
    assert first.cost_rules() == Costs(slippage_bps=2.5, commission_per_order=1.0)
    assert (first.risk_rules().max_drawdown_pct, first.risk_rules().fractional) == (0.2, True)
    stated = {"slippage_bps": 1, "max_drawdown_pct": None, "fractional": False, "initial_capital": 5_000}
    assert posted(alices_browser, API, strategy_id=strategy.pk, **stated).status_code == 202
    second = Backtest.objects.latest("id")
    assert (second.initial_capital, second.cost_rules().slippage_bps) == (5_000, 1.0)
    assert (second.risk_rules().max_drawdown_pct, second.risk_rules().fractional) == (None, False)
    assert posted(alices_browser, RUNS, strategy_id=strategy.pk, symbols=["AAPL"]).status_code == 202
    run = OptimizerRun.objects.get()
    assert (run.initial_capital, run.cost_rules()) == (25_000, first.cost_rules())


def test_each_trader_has_their_own(
    chosen: dict[str, Any], bob: User, bobs_browser: Client, client: Client
) -> None:
    assert defaults_of(bob) == {"initial_capital": 100_000.0}
    assert value_of(bobs_browser.get(PAGE), "initial_capital") == "100000"
    bobs_browser.post(PAGE, {"initial_capital": "500"})
    assert BacktestDefaults.objects.get(user__backtest_defaults__initial_capital=25_000).values == CHOSEN
    for answer in (client.get(PAGE), client.post(PAGE, {"initial_capital": "1"})):
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")
    assert BacktestDefaults.objects.count() == 2


def test_a_trailing_stop_that_is_given_replaces_the_default_one(
    strategy: Strategy, alices_browser: Client
) -> None:
    both = alices_browser.post(PAGE, {"initial_capital": "1", "trailing_stop_pct": "5", "trailing_stop_atr": "2"})
    assert "one trailing stop" in error_of(both, "trailing_stop_atr")
    save_defaults(strategy.user, initial_capital=25_000, trailing_stop_pct=0.05)
    given: dict[str, Any] = {"trailing_stop_atr": 2, "slippage_bps": 0}
    assert posted(alices_browser, API, strategy_id=strategy.pk, **given).status_code == 202
    assert posted(alices_browser, API, strategy_id=strategy.pk).status_code == 202
    rules = [backtest.risk_rules() for backtest in Backtest.objects.order_by("id")]
    assert [(each.trailing_stop_pct, each.trailing_stop_atr) for each in rules] == [(None, 2), (0.05, None)]


def test_the_benchmark_is_a_symbol_with_bars_and_goes_into_each_backtest(
    strategy: Strategy, alice: User, alices_browser: Client
) -> None:
    assert error_of(
        alices_browser.post(PAGE, {"initial_capital": "25000", "compare_with": "NONE"}), "compare_with"
    )
    assert not BacktestDefaults.objects.exists()
    assert alices_browser.post(PAGE, {"initial_capital": "25000", "compare_with": " msft "}).status_code == 302
    assert defaults_of(alice)["compare_with"] == "MSFT"
    assert [value_of(alices_browser.get(path), "compare_with") for path in (PAGE, NEW)] == ["MSFT", "MSFT"]
    for stated, expected in (({}, "MSFT"), ({"compare_with": "IBM"}, "IBM"), ({"compare_with": None}, "")):
        assert posted(alices_browser, API, strategy_id=strategy.pk, **stated).status_code == 202
        assert Backtest.objects.latest("id").compare_with == expected
