"""Optimizer runs through the API, compared with the stored results."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backtests.models import Candidate, OptimizerRun
from backtests.services import evidence
from backtests.services.optimizer import run_chunk, time_left
from strategies.kinds import kinds
from strategies.models import Strategy
from tests.api.backtesting import public
from tests.api.client import ApiClient, field_messages
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs

URL = "/api/v1/optimizer/runs"
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)
GRID = {"fast": {"low": 5, "high": 30, "step": 5}, "slow": {"low": 20, "high": 60, "step": 10}}

FIGURES = ("total_return_pct", "sharpe_ratio", "max_drawdown_pct", "win_rate", "num_trades")
RESULTS = {
    "starts",
    "warnings",
    "rules",
    "costs",
    "grid",
    "seed",
    "symbol",
    "best",
    "all_performances",
    "provenance",
}

pytestmark = pytest.mark.usefixtures("market")


def request_body(**changes: Any) -> dict[str, Any]:
    dates = {"start_date": "2005-01-03", "end_date": "2010-12-31"}
    return {"symbols": ["AAPL"], **dates, "initial_capital": 100_000, "slippage_bps": 0, **changes}


def run_completed(client: ApiClient, body: dict[str, Any], query: str = "") -> Any:
    response = client.post(URL, body)
    assert response.status == 202, response
    pk = response.json["id"]
    moments = iter(WALL + timedelta(seconds=second) for second in range(10_000))
    for number in range(OptimizerRun.objects.get(pk=pk).chunks.count()):
        run_chunk(pk, number, lambda: next(moments))
    return client.get(f"{URL}/{pk}{query}").json


def test_the_rows_of_a_search_are_best_first(alices: ApiClient, strategy: Strategy) -> None:
    run = run_completed(alices, request_body(strategy_id=strategy.pk, grid=GRID))
    assert (run["status"], run["progress"], run["job"]) == ("completed", 100, "search")
    rows = run["all_performances"]
    assert len(rows) == 26
    ranked = sum(row["eligible"] for row in rows)
    assert 0 < ranked < len(rows)
    assert [row["rank"] for row in rows] == [*range(1, ranked + 1), *[None] * (len(rows) - ranked)]
    assert run["best"] == rows[0]
    scores = [row["score"] for row in rows if row["eligible"]]
    assert scores == sorted(scores, reverse=True)
    stored = {row.pk: row for row in Candidate.objects.all()}
    for row in rows:
        candidate = stored[row["candidate_id"]]
        figures = public(candidate.figures)
        assert row == {
            "rank": row["rank"],
            "candidate_id": candidate.pk,
            "strategy_id": strategy.pk,
            "strategy_name": candidate.name,
            "kind": "sma_crossover",
            "parameters": candidate.parameters,
            "eligible": candidate.eligible,
            "score": candidate.score,
            "neighbours_score": candidate.neighbours_score,
            "evidence": None,
            **{name: figures[name] for name in FIGURES},
        }


def test_a_ranking_has_the_named_strategies_and_every_kind(alices: ApiClient, strategy: Strategy) -> None:
    run = run_completed(alices, request_body(strategy_ids=[strategy.pk], all_kinds=True))
    assert run["error"] is None
    names = [row["strategy_name"] for row in run["all_performances"]]
    kind_names = [kind.name for kind in kinds().values() if not kind.across_symbols]
    assert sorted(names) == sorted([strategy.name, *kind_names])


def test_each_symbol_has_its_own_rows(alices: ApiClient, strategy: Strategy) -> None:
    body = request_body(strategy_ids=[strategy.pk], symbols=["AAPL", "MSFT"])
    apple, microsoft = run_completed(alices, body), run_completed(alices, body, "?symbol=MSFT")
    assert (apple["symbol"], microsoft["symbol"]) == ("AAPL", "MSFT")
    assert apple["best"]["score"] != microsoft["best"]["score"]


def test_a_row_has_the_ratings_of_its_evidence(alices: ApiClient, strategy: Strategy, alice: User) -> None:
    run_completed(alices, request_body(strategy_id=strategy.pk, grid=GRID))
    run = OptimizerRun.objects.get()
    evidence.compute_for_run(run.pk, lambda: WALL)
    best = alices.get(f"{URL}/{run.pk}").json["best"]
    card = alices.get(f"/api/v1/evidence?candidate_id={best['candidate_id']}").json
    assert best["evidence"] == {line["key"]: line["rating"] for line in card["lines"]}
    assert set(best["evidence"].values()) <= {"pass", "caution", "fail", "none"}


def test_a_running_run_has_an_estimate(alices: ApiClient, strategy: Strategy) -> None:
    pk = alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json["id"]
    assert alices.get(f"{URL}/{pk}").json["eta_s"] is None
    OptimizerRun.objects.update(status="running", done=10, worker_seconds=5.0)
    (listed,), full = alices.get(URL).json["items"], alices.get(f"{URL}/{pk}").json
    assert listed["eta_s"] == full["eta_s"] == time_left(OptimizerRun.objects.get())
    assert full["eta_s"] > 0
    assert full.keys() - listed.keys() == RESULTS


def test_the_rules_of_a_run_are_those_of_the_request(alices: ApiClient, strategy: Strategy) -> None:
    rules = {"stop_loss_pct": 0.05, "take_profit_pct": 0.3, "fractional": True}
    body = request_body(strategy_id=strategy.pk, grid=GRID, signal_threshold=None, slippage_bps=2.5, **rules)
    pk = alices.post(URL, body).json["id"]
    run = alices.get(f"{URL}/{pk}").json
    assert run["rules"] == rules
    assert run["costs"] == Costs(slippage_bps=2.5).as_dict()
    plain = alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json["id"]
    assert alices.get(f"{URL}/{plain}").json["rules"] == {"fractional": False}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grid": {"fast": {"low": 30, "high": 5, "step": 1}}}, "grid.fast"),
        ({"grid": {"pace": {"low": 5, "high": 30, "step": 1}}}, "grid.pace"),
        ({"grid": {"fast": {"low": [5], "high": 30, "step": 1}}}, "grid.fast.low"),
        ({"method": "guess"}, "method"),
        ({"method": "random"}, "trials"),
        ({"trials": 100}, "trials"),
        ({"timeframe": "5Min"}, "timeframe"),
        ({"method": "tpe", "trials": 5000}, "trials"),
        ({"objective": "magic"}, "objective"),
        ({"objective": "weighted", "weights": {"sharpe": 2.0}}, "weights"),
        ({"min_trades": -1}, "min_trades"),
        ({"holdout": 1.0}, "holdout"),
        ({"symbols": ["NONE"]}, "symbols"),
        ({"symbols": [f"S{number}" for number in range(200)]}, "symbols"),
        ({"initial_capital": 0}, "initial_capital"),
        ({"end_date": "2004-01-05"}, "end_date"),
        ({"stop_loss_pct": 5.0}, "stop_loss_pct"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(
    alices: ApiClient, strategy: Strategy, changes: dict[str, Any], field: str
) -> None:
    assert field in field_messages(alices.post(URL, request_body(strategy_id=strategy.pk) | changes))
    assert not OptimizerRun.objects.exists()


def test_a_row_that_is_not_eligible_is_not_the_best(alices: ApiClient, strategy: Strategy) -> None:
    run = run_completed(alices, request_body(strategy_id=strategy.pk, grid=GRID, min_trades=1_000))
    assert run["all_performances"]
    assert run["best"] is None


def test_a_step_that_is_too_small_is_refused(alices: ApiClient, alice: User) -> None:
    bands = a_strategy(alice, name="Bands", kind="bollinger_reversion", parameters={})
    grid = {"deviations": {"low": 1.0, "high": 3.0, "step": 1e-320}}
    response = alices.post(URL, request_body(strategy_id=bands.pk, grid=grid))
    assert set(field_messages(response)) == {"grid.deviations"}


def test_too_many_combinations_are_refused_with_their_number(alices: ApiClient, alice: User) -> None:
    strategy = a_strategy(alice, kind="macd", symbols=["AAPL"], parameters={})
    wide = {
        "fast": {"low": 2, "high": 200, "step": 1},
        "slow": {"low": 3, "high": 400, "step": 1},
        "signal": {"low": 2, "high": 200, "step": 1},
    }
    message = field_messages(alices.post(URL, request_body(strategy_id=strategy.pk, grid=wide)))["grid"]
    assert "15,761,198" in message
    assert "1,000,000" in message


def test_a_run_without_strategies_is_refused(alices: ApiClient) -> None:
    assert "strategy_ids" in field_messages(alices.post(URL, request_body()))


def test_a_ranking_refuses_the_fields_of_a_search(alices: ApiClient, strategy: Strategy) -> None:
    ranking = request_body(strategy_ids=[strategy.pk])
    search = {"method": "guess", "trials": 5, "holdout": 0.5}
    assert field_messages(alices.post(URL, ranking | search)).keys() == search.keys()
    assert alices.post(URL, ranking | {"method": "grid", "trials": None, "timeframe": "1Day"}).status == 202


def test_a_run_can_be_cancelled_twice(alices: ApiClient, strategy: Strategy) -> None:
    pk = alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json["id"]
    assert alices.post(f"{URL}/{pk}/cancel").json["status"] == "cancelled"
    assert alices.post(f"{URL}/{pk}/cancel").json["status"] == "cancelled"


def test_a_run_is_deleted(alices: ApiClient, strategy: Strategy) -> None:
    url = f"{URL}/{alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json['id']}"
    assert (alices.send("DELETE", url).status, alices.send("DELETE", url).status) == (204, 404)
    assert not OptimizerRun.objects.exists()


def test_a_run_is_visible_only_to_its_owner(alices: ApiClient, bobs: ApiClient, strategy: Strategy) -> None:
    pk = alices.post(URL, request_body(strategy_id=strategy.pk, grid=GRID)).json["id"]
    assert bobs.get(f"{URL}/{pk}").status == 404
    assert bobs.post(f"{URL}/{pk}/cancel").status == 404
    assert bobs.send("DELETE", f"{URL}/{pk}").status == 404
    assert bobs.get(URL).json == {"items": [], "count": 0}
    assert bobs.post(URL, request_body(strategy_id=strategy.pk)).status == 404
    assert bobs.post(URL, request_body(strategy_ids=[strategy.pk])).status == 404
    assert [row["id"] for row in alices.get(URL).json["items"]] == [pk]
