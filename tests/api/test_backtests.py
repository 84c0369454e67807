"""Backtests through the API, compared with the stored results."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from backtests.models import Backtest
from backtests.services import run_backtest
from strategies.models import Strategy
from tests.api.backtesting import URL, WALL, public, request_body, run_completed
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import make_backtest
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import COSTS, RULES

PROVENANCE = {"version": "0.1.0", "kind_code": "0", "engine_code": "0", "data": {}}
TRADE_FIELDS = {
    *("symbol", "shares", "entry_time", "entry_price", "exit_time", "exit_price", "exit_reason"),
    *("pnl", "return_pct", "commission", "r_multiple", "no_r_reason"),
}

pytestmark = pytest.mark.usefixtures("market")


def test_a_backtest_without_rules_has_their_defaults(alices: ApiClient, strategy: Strategy) -> None:
    response = alices.post(URL, request_body(strategy))
    backtest = Backtest.objects.get()
    assert (response.status, response.json) == (202, {"id": backtest.pk, "status": "queued"})
    assert backtest.symbols == ["AAPL", "MSFT"]
    assert backtest.rules["position_size_pct"] == 0.475
    assert backtest.rules["max_positions"] == 2
    assert (backtest.rules["stop_loss_pct"], backtest.rules["take_profit_pct"]) == (0.10, None)
    assert (backtest.rules["signal_threshold"], backtest.rules["fractional"]) == (0.6, False)
    assert set(backtest.costs.values()) == {0.0}


def test_a_rule_that_is_null_is_off_or_has_its_default(alices: ApiClient, strategy: Strategy) -> None:
    rules = dict.fromkeys([*RULES, *COSTS])
    stated = {name: value for name, value in request_body(strategy).items() if name not in rules}
    alices.post(URL, stated)
    alices.post(URL, stated | rules)
    left_out, null = Backtest.objects.order_by("pk")
    assert (null.rules, null.costs) == (left_out.rules | {"stop_loss_pct": None}, left_out.costs)


def test_a_backtest_has_the_rules_and_costs_of_the_request(alices: ApiClient, strategy: Strategy) -> None:
    rules: dict[str, Any] = {
        "position_size_pct": 0.2,
        "max_positions": 3,
        "max_position_size": 5000,
        "stop_loss_pct": 0.05,
        "take_profit_pct": 0.15,
        "signal_threshold": 0.7,
        "fractional": True,
    }
    rules |= {"daily_loss_limit": 250, "max_drawdown_pct": 0.25}
    costs = {
        "commission_bps": 2.5,
        "slippage_bps": 5,
        "commission_per_order": 1,
        "commission_per_share": 0.005,
    }
    pk = alices.post(URL, request_body(strategy, symbols=["ibm"], **rules, **costs)).json["id"]
    response = alices.get(f"{URL}/{pk}").json
    assert response["symbols"] == ["IBM"]
    assert response["rules"] == response["rules"] | rules
    assert response["costs"] == response["costs"] | costs
    assert (response["start_date"], response["end_date"]) == ("2005-01-03", "2010-12-31")
    assert (response["status"], response["progress"], response["error"]) == ("queued", 0, None)
    assert (response["metrics"], response["equity_curve"], response["trades"]) == (None, [], [])


def test_a_completed_backtest_has_its_stored_results_in_percent(alices: ApiClient, strategy: Strategy) -> None:
    response = run_completed(alices, strategy, commission_bps=10)
    backtest = Backtest.objects.get()
    assert (response["status"], response["progress"]) == ("completed", 100)
    assert response["metrics"] == public(backtest.metrics)
    assert None not in response["metrics"].values()
    assert response["doubled_costs"] == public(backtest.doubled_costs)
    assert response["doubled_costs"]["total_return_pct"] < response["metrics"]["total_return_pct"]
    assert response["provenance"] == backtest.provenance
    assert set(response["provenance"]["data"]) == {"AAPL", "MSFT"}

    curve = backtest.curve
    assert [point["equity"] for point in response["equity_curve"]] == curve.equity
    seconds = [datetime.fromisoformat(point["time"]).timestamp() for point in response["equity_curve"]]
    assert seconds == curve.time
    assert set(response["equity_curve"][0]) == {"time", "equity"}
    assert response["equity_curve"][-1]["equity"] == pytest.approx(response["metrics"]["final_equity"])

    assert len(response["trades"]) == response["metrics"]["num_trades"] > 10
    assert len(response["trades"]) + len(response["open_positions"]) == backtest.trades.count()


def test_a_trade_has_percent_and_utc_times(alices: ApiClient, strategy: Strategy) -> None:
    """The return is the pnl over the cost of the shares with the entry commission of 0.05%."""
    trades = run_completed(alices, strategy, commission_bps=5)["trades"]
    trade = max(trades, key=lambda trade: trade["pnl"])
    assert set(trade) == TRADE_FIELDS
    bought = trade["shares"] * trade["entry_price"]
    assert trade["return_pct"] == pytest.approx(100 * trade["pnl"] / (bought * 1.0005), rel=1e-5)
    assert trade["return_pct"] > 5
    assert trade["exit_reason"] in {"signal", "stop_loss", "take_profit", "manual"}
    for moment in (trade["entry_time"], trade["exit_time"]):
        assert moment.endswith("Z")
        assert datetime.fromisoformat(moment).tzinfo == UTC


def test_a_metric_that_is_not_defined_is_null(alices: ApiClient, alice: User) -> None:
    """Buy and hold has no closed trades."""
    response = run_completed(alices, a_strategy(alice, kind="buy_and_hold", parameters={}))
    assert (response["trades"], len(response["open_positions"])) == ([], 1)
    undefined = ("win_rate", "profit_factor", "expectancy")
    assert [response["metrics"][name] for name in undefined] == [None, None, None]
    assert response["open_positions"][0]["unrealized_pnl"] > 0


def test_a_failed_backtest_has_an_error(alices: ApiClient, alice: User) -> None:
    row = make_backtest(user=alice, status="failed", error="Run it again.", metrics={}, provenance=PROVENANCE)
    response = alices.get(f"{URL}/{row.pk}").json
    assert (response["status"], response["error"], response["metrics"]) == ("failed", "Run it again.", None)


def test_the_list_is_newest_first_without_results(alices: ApiClient, alice: User) -> None:
    rows = [make_backtest(user=alice, metrics={"total_return": 0.125}) for _ in range(3)]
    response = alices.get(f"{URL}?limit=2").json
    assert ([item["id"] for item in response["items"]], response["count"]) == ([rows[2].pk, rows[1].pk], 3)
    assert not {"equity_curve", "trades", "open_positions", "provenance"} & set(response["items"][0])
    assert response["items"][0]["metrics"]["total_return_pct"] == 12.5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"initial_capital": 0}, "initial_capital"),
        ({"initial_capital": -5}, "initial_capital"),
        ({"initial_capital": "100000"}, "initial_capital"),
        ({"initial_capital": True}, "initial_capital"),
        ({"initial_capital": float("nan")}, "initial_capital"),
        ({"initial_capital": 1e999}, "initial_capital"),
        ({"initial_capital": 10**400}, "initial_capital"),
        ({"start_date": "2010-12-31", "end_date": "2005-01-03"}, "end_date"),
        ({"start_date": "1990-01-02", "end_date": "1991-01-02"}, "end_date"),
        ({"start_date": "2020-01-02", "end_date": "2021-01-02"}, "start_date"),
        ({"start_date": "03.01.2005"}, "start_date"),
        ({"start_date": "2005-02-30"}, "start_date"),
        ({"start_date": 0}, "start_date"),
        ({"start_date": "2005-01-03T00:00:00Z"}, "start_date"),
        ({"commission_per_order": -1}, "commission_per_order"),
        ({"commission_per_share": 11}, "commission_per_share"),
        ({"daily_loss_limit": 0}, "daily_loss_limit"),
        ({"max_drawdown_pct": 20}, "max_drawdown_pct"),
        ({"position_size_pct": 20}, "position_size_pct"),
        ({"max_positions": True}, "max_positions"),
        ({"max_positions": 2.5}, "max_positions"),
        ({"max_positions": 10**30}, "max_positions"),
        ({"max_positions": 0}, "max_positions"),
        ({"stop_loss_pct": 1.5}, "stop_loss_pct"),
        ({"signal_threshold": "0.6"}, "signal_threshold"),
        ({"signal_threshold": True}, "signal_threshold"),
        ({"commission_bps": "1"}, "commission_bps"),
        ({"fractional": 1}, "fractional"),
        ({"symbols": "AAPL"}, "symbols"),
        ({"symbols": ["AAPL", "ZZZZ"]}, "symbols"),
        ({"strategy_id": "one"}, "strategy_id"),
        ({"leverage": 2}, "leverage"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(
    alices: ApiClient, strategy: Strategy, changes: dict[str, Any], field: str
) -> None:
    assert set(field_messages(alices.post(URL, request_body(strategy, **changes)))) == {field}
    assert not Backtest.objects.exists()


def test_a_strategy_with_invalid_parameters_is_refused_at_strategy_id(
    alices: ApiClient, strategy: Strategy
) -> None:
    Strategy.objects.update(parameters={"fast": 50, "slow": 20})
    assert set(field_messages(alices.post(URL, request_body(strategy)))) == {"strategy_id"}


def test_the_list_can_be_filtered(alices: ApiClient, alice: User, strategy: Strategy) -> None:
    own = make_backtest(user=alice, strategy=strategy, symbols=["AAPL", "MSFT"])
    failed = make_backtest(user=alice, strategy=strategy, symbols=["A"], status="failed", metrics={})
    other = make_backtest(user=alice, symbols=["MSFT"])

    def ids(query: str) -> list[int]:
        return [item["id"] for item in alices.get(f"{URL}?{query}").json["items"]]

    assert ids("") == [other.pk, failed.pk, own.pk]
    assert ids(f"strategy_id={strategy.pk}") == [failed.pk, own.pk]
    assert ids("strategy_id=0") == []
    assert ids("symbol=msft") == [other.pk, own.pk]
    # The whole symbol: not AAPL.
    assert ids("symbol=A") == [failed.pk]
    assert ids("status=failed") == [failed.pk]
    assert ids(f"strategy_id={strategy.pk}&symbol=MSFT&status=completed&limit=1") == [own.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("strategy_id=x", "strategy_id"),
        ("strategy_id=1e400", "strategy_id"),
        (f"strategy_id={10**30}", "strategy_id"),
        ("symbol=%00", "symbol"),
        ("symbol=no%20symbol", "symbol"),
        ("status=odd", "status"),
    ],
)
def test_an_invalid_filter_is_refused(alices: ApiClient, query: str, field: str) -> None:
    assert set(field_messages(alices.get(f"{URL}?{query}"))) == {field}


def test_a_backtest_is_deleted(alices: ApiClient, alice: User) -> None:
    url = f"{URL}/{make_backtest(user=alice).pk}"
    assert (alices.send("DELETE", url).status, alices.send("DELETE", url).status) == (204, 404)
    assert not Backtest.objects.exists()


def test_a_cancelled_backtest_does_not_run(alices: ApiClient, strategy: Strategy) -> None:
    pk = alices.post(URL, request_body(strategy)).json["id"]
    response = alices.post(f"{URL}/{pk}/cancel")
    assert (response.status, response.json) == (200, {"id": pk, "status": "cancelled"})
    run_backtest(pk, lambda: WALL)
    assert alices.get(f"{URL}/{pk}").json["status"] == "cancelled"


def test_the_trades_file_is_the_one_of_the_page(
    alices: ApiClient, strategy: Strategy, alices_browser: Client
) -> None:
    response = run_completed(alices, strategy)
    paths = [f"{base}/{response['id']}/trades.csv" for base in (URL, "/dashboard/backtests")]
    api_file, page_file = (alices_browser.get(path).getvalue() for path in paths)
    assert api_file == page_file
    assert api_file.count(b"\r\n") == 1 + len(response["trades"]) + len(response["open_positions"])
