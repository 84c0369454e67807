"""Optimizer runs through the API, against what the services left in the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backtests.models import OptimizerRun
from backtests.services.optimizer import run_chunk
from strategies.kinds import kinds
from strategies.models import Strategy
from tests.api.client import ApiClient, field_messages
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User

URL = "/api/v1/optimizer/runs"
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)
GRID = {"fast": {"low": 5, "high": 30, "step": 5}, "slow": {"low": 20, "high": 60, "step": 10}}

pytestmark = pytest.mark.usefixtures("universe")


def request_body(**changes: Any) -> dict[str, Any]:
    dates = {"start_date": "2005-01-03", "end_date": "2010-12-31"}
    return {"symbols": ["AAPL"], **dates, "initial_capital": 100_000, **changes}


def worked(client: ApiClient, body: dict[str, Any], query: str = "") -> Any:
    response = client.post(URL, body)
    assert response.status == 202, response
    pk = response.json["id"]
    moments = iter(WALL + timedelta(seconds=second) for second in range(10_000))
    for number in range(OptimizerRun.objects.get(pk=pk).chunks.count()):
        run_chunk(pk, number, lambda: next(moments))
    return client.get(f"{URL}/{pk}{query}").json


def test_a_search_is_queued_then_read_with_its_rows_best_first(alices: ApiClient, strategy: Strategy) -> None:
    found = worked(alices, request_body(strategy_id=strategy.pk, grid=GRID))
    assert (found["status"], found["progress"], found["job"]) == ("completed", 100, "search")
    rows = found["all_performances"]
    assert len(rows) == 26
    assert [row["rank"] for row in rows] == list(range(1, 27))
    assert found["best"] == rows[0]
    able = [row["score"] for row in rows if row["eligible"]]
    assert able == sorted(able, reverse=True)
    assert {"strategy_id", "strategy_name", "parameters", "win_rate", "num_trades"} <= set(rows[0])


def test_a_ranking_holds_the_named_strategies_and_every_kind(alices: ApiClient, strategy: Strategy) -> None:
    found = worked(alices, request_body(strategy_ids=[strategy.pk], all_kinds=True))
    assert found["error"] is None
    names = [row["strategy_name"] for row in found["all_performances"]]
    alone = [kind.name for kind in kinds().values() if not kind.across_symbols]
    assert sorted(names) == sorted([strategy.name, *alone])


def test_each_symbol_has_rows_of_its_own(alices: ApiClient, strategy: Strategy) -> None:
    body = request_body(strategy_ids=[strategy.pk], symbols=["AAPL", "MSFT"])
    apple, microsoft = worked(alices, body), worked(alices, body, "?symbol=MSFT")
    assert (apple["symbol"], microsoft["symbol"]) == ("AAPL", "MSFT")
    assert apple["best"]["score"] != microsoft["best"]["score"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"grid": {"fast": {"low": 30, "high": 5, "step": 1}}}, "grid.fast", "swap the two"),
        ({"grid": {"pace": {"low": 5, "high": 30, "step": 1}}}, "grid.pace", "no parameter"),
        ({"method": "guess"}, "method", "grid, random, tpe"),
        ({"method": "random"}, "trials", "between 1 and"),
        ({"trials": 100}, "trials", "A grid tries all its combinations"),
        ({"timeframe": "5Min"}, "timeframe", "A search has its strategy's timeframe, 1Day."),
        ({"method": "tpe", "trials": 5000}, "trials", "2,000"),
        ({"objective": "luck"}, "objective", "sharpe"),
        ({"objective": "weighted", "weights": {"sharpe": 2.0}}, "weights", "between 0 and 1"),
        ({"min_trades": -1}, "min_trades", "whole number"),
        ({"holdout": 1.0}, "holdout", "between 0 and"),
        ({"symbols": ["NONE"]}, "symbols", "No 1Day bars"),
        ({"symbols": [f"S{number}" for number in range(200)]}, "symbols", "At most 50 symbols, not 200"),
        ({"initial_capital": 0}, "initial_capital", "between"),
        ({"end_date": "2004-01-05"}, "end_date", "later than the start"),
        ({"stop_loss_pct": 5.0}, "stop_loss_pct", "between"),
    ],
)
def test_what_cannot_be_searched_is_refused_at_its_field(
    alices: ApiClient, strategy: Strategy, changes: dict[str, Any], field: str, words: str
) -> None:
    found = field_messages(alices.post(URL, request_body(strategy_id=strategy.pk) | changes))
    assert words in found[field]
    assert not OptimizerRun.objects.exists()


def test_a_row_that_may_not_stand_first_is_not_the_best(alices: ApiClient, strategy: Strategy) -> None:
    found = worked(alices, request_body(strategy_id=strategy.pk, grid=GRID, min_trades=1_000))
    assert found["all_performances"]
    assert found["best"] is None


def test_a_step_too_small_to_count_is_refused(alices: ApiClient, alice: User) -> None:
    bands = a_strategy(alice, name="Bands", kind="bollinger_reversion", parameters={})
    grid = {"deviations": {"low": 1.0, "high": 3.0, "step": 1e-320}}
    response = alices.post(URL, request_body(strategy_id=bands.pk, grid=grid))
    assert field_messages(response) == {"grid.deviations": "The step of Deviations must be at least 1e-10."}


def test_a_billion_combinations_are_refused_with_the_number_and_a_way_out(alices: ApiClient, alice: User) -> None:
    strategy = a_strategy(alice, kind="macd", symbols=["AAPL"], parameters={})
    wide = {
        "fast": {"low": 2, "high": 200, "step": 1},
        "slow": {"low": 3, "high": 400, "step": 1},
        "signal": {"low": 2, "high": 200, "step": 1},
    }
    message = field_messages(alices.post(URL, request_body(strategy_id=strategy.pk, grid=wide)))["grid"]
    assert "15,761,198 combinations are more than 1,000,000. Either take a step of 17 for slow" in message
    assert "at random" in message


def test_a_run_needs_something_to_try(alices: ApiClient) -> None:
    assert "strategy_ids" in field_messages(alices.post(URL, request_body()))


def test_a_ranking_says_of_what_it_would_not_look_at(alices: ApiClient, strategy: Strategy) -> None:
    ranking = request_body(strategy_ids=[strategy.pk])
    found = field_messages(alices.post(URL, ranking | {"method": "guess", "trials": 5, "holdout": 0.5}))
    assert found == dict.fromkeys(
        ("method", "trials", "holdout"), "Only a search of one strategy's parameters has this."
    )
    assert alices.post(URL, ranking | {"method": "grid", "trials": None, "timeframe": "1Day"}).status == 202


def test_cancel_ends_it_once(alices: ApiClient, strategy: Strategy) -> None:
    pk = alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json["id"]
    assert alices.post(f"{URL}/{pk}/cancel").json["status"] == "cancelled"
    assert alices.post(f"{URL}/{pk}/cancel").json["status"] == "cancelled"


def test_a_deleted_run_is_gone(alices: ApiClient, strategy: Strategy) -> None:
    url = f"{URL}/{alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json['id']}"
    assert (alices.send("DELETE", url).status, alices.send("DELETE", url).status) == (204, 404)
    assert not OptimizerRun.objects.exists()


def test_a_run_is_its_owners_alone(alices: ApiClient, bobs: ApiClient, strategy: Strategy) -> None:
    pk = alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json["id"]
    assert bobs.get(f"{URL}/{pk}").status == 404
    assert bobs.post(f"{URL}/{pk}/cancel").status == 404
    assert bobs.send("DELETE", f"{URL}/{pk}").status == 404
    assert bobs.get(URL).json == {"items": [], "count": 0}
    assert bobs.post(URL, request_body(strategy_id=strategy.pk)).status == 404
    assert bobs.post(URL, request_body(strategy_ids=[strategy.pk])).status == 404
    assert [row["id"] for row in alices.get(URL).json["items"]] == [pk]
