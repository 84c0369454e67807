"""Backtests through the API, against what the engine left in the database."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from backtests.models import Backtest
from backtests.services import run_backtest
from strategies.models import Strategy
from tests.api.backtesting import URL, WALL, asked, completed
from tests.api.caller import Caller, problems
from tests.livetrading.factories import make_backtest
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User

PROVENANCE = {"version": "0.1.0", "kind_code": "0", "engine_code": "0", "data": {}}
TRADE = {
    *("symbol", "shares", "entry_time", "entry_price", "exit_time", "exit_price", "exit_reason"),
    *("pnl", "return_pct", "commission", "r_multiple"),
}
METRICS = {
    *("total_return_pct", "cagr_pct", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown_pct"),
    *("win_rate", "profit_factor", "expectancy", "exposure_pct", "num_trades", "final_equity"),
    "buy_and_hold_return_pct",
}

pytestmark = pytest.mark.usefixtures("market")


def test_it_is_queued_with_the_defaults_of_the_contract(alices: Caller, strategy: Strategy) -> None:
    answer = alices.post(URL, asked(strategy))
    backtest = Backtest.objects.get()
    assert (answer.status, answer.json) == (202, {"id": backtest.pk, "status": "queued"})
    assert backtest.symbols == ["AAPL", "MSFT"]
    assert backtest.rules["position_size_pct"] == 0.475
    assert backtest.rules["max_positions"] == 2
    assert (backtest.rules["stop_loss_pct"], backtest.rules["take_profit_pct"]) == (0.10, None)
    assert (backtest.rules["signal_threshold"], backtest.rules["fractional"]) == (0.6, False)
    assert set(backtest.costs.values()) == {0.0}


def test_it_is_queued_as_it_was_asked_for(alices: Caller, strategy: Strategy) -> None:
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
    pk = alices.post(URL, asked(strategy, symbols=["ibm"], **rules, **costs)).json["id"]
    answer = alices.get(f"{URL}/{pk}").json
    assert answer["symbols"] == ["IBM"]
    assert answer["rules"] == answer["rules"] | rules
    assert answer["costs"] == answer["costs"] | costs
    assert (answer["start_date"], answer["end_date"]) == ("2005-01-03", "2010-12-31")
    assert (answer["status"], answer["progress"], answer["error"]) == ("queued", 0, None)
    assert (answer["metrics"], answer["equity_curve"], answer["trades"]) == (None, [], [])


def test_a_completed_one_tells_all_it_found(alices: Caller, strategy: Strategy) -> None:
    answer = completed(alices, strategy, commission_bps=10)
    backtest = Backtest.objects.get()
    assert (answer["status"], answer["progress"]) == ("completed", 100)
    assert set(answer["metrics"]) >= METRICS
    assert answer["metrics"] == backtest.metrics
    assert answer["doubled_costs"] == backtest.doubled_costs
    assert answer["doubled_costs"]["total_return_pct"] < answer["metrics"]["total_return_pct"]
    assert answer["provenance"] == backtest.provenance
    assert set(answer["provenance"]["data"]) == {"AAPL", "MSFT"}

    curve = backtest.curve
    assert [point["equity"] for point in answer["equity_curve"]] == curve.equity
    seconds = [datetime.fromisoformat(point["time"]).timestamp() for point in answer["equity_curve"]]
    assert seconds == curve.time
    assert set(answer["equity_curve"][0]) == {"time", "equity"}
    assert answer["equity_curve"][-1]["equity"] == pytest.approx(answer["metrics"]["final_equity"])

    assert len(answer["trades"]) == answer["metrics"]["num_trades"] > 10
    assert len(answer["trades"]) + len(answer["open_positions"]) == backtest.trades.count()


def test_a_trade_is_in_percent_and_in_utc(alices: Caller, strategy: Strategy) -> None:
    """The percent is the pnl over the purchase with its own commission, half a promille of the amount."""
    trades = completed(alices, strategy, commission_bps=5)["trades"]
    trade = max(trades, key=lambda trade: trade["pnl"])
    assert set(trade) == TRADE
    bought = trade["shares"] * trade["entry_price"]
    assert trade["return_pct"] == pytest.approx(100 * trade["pnl"] / (bought * 1.0005), rel=1e-5)
    assert trade["return_pct"] > 5
    assert trade["exit_reason"] in {"signal", "stop_loss", "take_profit", "manual"}
    for moment in (trade["entry_time"], trade["exit_time"]):
        assert moment.endswith("Z")
        assert datetime.fromisoformat(moment).tzinfo == UTC


def test_a_figure_that_is_not_defined_is_null(alices: Caller, alice: User) -> None:
    """A strategy that buys and holds closes no trade: nothing to win or lose."""
    answer = completed(alices, a_strategy(alice, kind="buy_and_hold", parameters={}))
    assert (answer["trades"], len(answer["open_positions"])) == ([], 1)
    undefined = ("win_rate", "profit_factor", "expectancy")
    assert [answer["metrics"][name] for name in undefined] == [None, None, None]
    assert answer["open_positions"][0]["unrealized_pnl"] > 0


def test_a_failed_one_says_why(alices: Caller, alice: User) -> None:
    row = make_backtest(user=alice, status="failed", error="Run it again.", metrics={}, provenance=PROVENANCE)
    answer = alices.get(f"{URL}/{row.pk}").json
    assert (answer["status"], answer["error"], answer["metrics"]) == ("failed", "Run it again.", None)


def test_the_list_is_the_newest_first_without_curves(alices: Caller, alice: User) -> None:
    rows = [make_backtest(user=alice) for _ in range(3)]
    answer = alices.get(f"{URL}?limit=2").json
    assert ([item["id"] for item in answer["items"]], answer["count"]) == ([rows[2].pk, rows[1].pk], 3)
    assert not {"equity_curve", "trades", "open_positions", "provenance"} & set(answer["items"][0])
    assert answer["items"][0]["metrics"]["total_return_pct"] == 12.5


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"initial_capital": 0}, "initial_capital", "between $1 and"),
        ({"initial_capital": -5}, "initial_capital", "between $1 and"),
        ({"initial_capital": "100000"}, "initial_capital", "Send a number."),
        ({"initial_capital": True}, "initial_capital", "Send a number."),
        ({"initial_capital": float("nan")}, "initial_capital", "Send a finite number."),
        ({"initial_capital": 1e999}, "initial_capital", "Send a finite number."),
        ({"initial_capital": 10**400}, "initial_capital", "Send a number."),
        ({"start_date": "2010-12-31", "end_date": "2005-01-03"}, "end_date", "must be later"),
        ({"start_date": "1990-01-02", "end_date": "1991-01-02"}, "end_date", "There are no bars"),
        ({"start_date": "2020-01-02", "end_date": "2021-01-02"}, "start_date", "There are no bars"),
        ({"start_date": "03.01.2005"}, "start_date", "Write a date like"),
        ({"start_date": "2005-02-30"}, "start_date", "Write a date like"),
        ({"start_date": 0}, "start_date", "Write a date like"),
        ({"start_date": "2005-01-03T00:00:00Z"}, "start_date", "Write a date like"),
        ({"commission_per_order": -1}, "commission_per_order", "between 0 and 1000"),
        ({"commission_per_share": 11}, "commission_per_share", "between 0 and 10"),
        ({"daily_loss_limit": 0}, "daily_loss_limit", "between 1 and"),
        ({"max_drawdown_pct": 20}, "max_drawdown_pct", "between 0.001 and 0.99"),
        ({"position_size_pct": 20}, "position_size_pct", "between 0.001 and 1"),
        ({"max_positions": True}, "max_positions", "Send a whole number."),
        ({"max_positions": 10**30}, "max_positions", "too large"),
        ({"max_positions": 0}, "max_positions", "between 1 and 1000"),
        ({"stop_loss_pct": 1.5}, "stop_loss_pct", "between 0.001 and 0.99"),
        ({"signal_threshold": None}, "signal_threshold", "Send a number."),
        ({"fractional": 1}, "fractional", "Send true or false."),
        ({"symbols": "AAPL"}, "symbols", "Send a list."),
        ({"symbols": ["AAPL", "ZZZZ"]}, "symbols", "manage.py import_bars FILE --symbol ZZZZ"),
        ({"strategy_id": "1"}, "strategy_id", "Send a whole number."),
        ({"leverage": 2}, "leverage", "There is no such field."),
    ],
)
def test_a_bad_value_is_refused_at_its_field(
    alices: Caller, strategy: Strategy, changes: dict[str, Any], field: str, words: str
) -> None:
    found = problems(alices.post(URL, asked(strategy, **changes)))
    assert set(found) == {field}
    assert words in found[field]
    assert not Backtest.objects.exists()


def test_a_strategy_that_can_no_longer_run_is_refused_by_its_id(alices: Caller, strategy: Strategy) -> None:
    Strategy.objects.update(parameters={"fast": 50, "slow": 20})
    assert set(problems(alices.post(URL, asked(strategy)))) == {"strategy_id"}


# --- Lists, deletions, cancellations, files ------------------------------------------------------------------


def test_the_list_is_narrowed(alices: Caller, alice: User, strategy: Strategy) -> None:
    own = make_backtest(user=alice, strategy=strategy, symbols=["AAPL", "MSFT"])
    failed = make_backtest(user=alice, strategy=strategy, symbols=["A"], status="failed", metrics={})
    other = make_backtest(user=alice, symbols=["MSFT"])

    def found(query: str) -> list[int]:
        return [item["id"] for item in alices.get(f"{URL}?{query}").json["items"]]

    assert found("") == [other.pk, failed.pk, own.pk]
    assert found(f"strategy_id={strategy.pk}") == [failed.pk, own.pk]
    assert found("strategy_id=0") == []
    assert found("symbol=msft") == [other.pk, own.pk]
    # The whole symbol: A is not in AAPL.
    assert found("symbol=A") == [failed.pk]
    assert found("status=failed") == [failed.pk]
    assert found(f"strategy_id={strategy.pk}&symbol=MSFT&status=completed&limit=1") == [own.pk]


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
def test_a_filter_that_is_none_is_refused(alices: Caller, query: str, field: str) -> None:
    assert set(problems(alices.get(f"{URL}?{query}"))) == {field}


def test_a_deleted_one_is_gone(alices: Caller, alice: User) -> None:
    url = f"{URL}/{make_backtest(user=alice).pk}"
    assert (alices.call("DELETE", url).status, alices.call("DELETE", url).status) == (204, 404)
    assert not Backtest.objects.exists()


def test_a_cancelled_one_never_runs(alices: Caller, strategy: Strategy) -> None:
    pk = alices.post(URL, asked(strategy)).json["id"]
    answer = alices.post(f"{URL}/{pk}/cancel")
    assert (answer.status, answer.json) == (200, {"id": pk, "status": "cancelled"})
    run_backtest(pk, lambda: WALL)
    assert alices.get(f"{URL}/{pk}").json["status"] == "cancelled"


def test_the_trades_are_a_file(alices: Caller, strategy: Strategy, alices_browser: Client) -> None:
    """The very file of the page."""
    answer = completed(alices, strategy)
    paths = [f"{base}/{answer['id']}/trades.csv" for base in (URL, "/dashboard/backtests")]
    of_the_api, of_the_page = (alices_browser.get(path).getvalue() for path in paths)
    assert of_the_api == of_the_page
    assert of_the_api.count(b"\r\n") == 1 + len(answer["trades"]) + len(answer["open_positions"])
