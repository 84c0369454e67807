"""Evidence through the API."""

from datetime import UTC, datetime

import pytest

from backtests.services import run_backtest
from backtests.services.evidence import gather_for_backtest
from tests.api.caller import Caller
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User

URL = "/api/v1/evidence"
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def backtest_id(market: None, alice: User, alices: Caller) -> int:
    strategy = a_strategy(alice, symbols=["AAPL"], parameters={"fast": 20, "slow": 50})
    dates = {"start_date": "2005-01-03", "end_date": "2010-12-31", "initial_capital": 100_000}
    pk: int = alices.post("/api/v1/backtests", {"strategy_id": strategy.pk, **dates}).json["id"]
    run_backtest(pk, lambda: WALL)
    return pk


def test_it_is_pending_then_ready(alices: Caller, backtest_id: int) -> None:
    assert alices.get(f"{URL}?backtest_id={backtest_id}").json["status"] == "pending"
    gather_for_backtest(backtest_id, lambda: WALL)
    found = alices.get(f"{URL}?backtest_id={backtest_id}").json
    assert (found["status"], found["tries"], found["backtest_id"]) == ("ready", 1, backtest_id)
    assert {line["mark"] for line in found["lines"]} <= {"good", "fair", "bad", "none"}
    assert len(found["lines"]) == 9
    assert found["findings"]["trades"] > 0


def test_it_is_the_owners_alone(bobs: Caller, backtest_id: int) -> None:
    assert bobs.get(f"{URL}?backtest_id={backtest_id}").status == 404


@pytest.mark.parametrize("query", ["", "?backtest_id=1&candidate_id=1", "?backtest_id=x"])
def test_it_says_what_it_needs(alices: Caller, query: str) -> None:
    assert alices.get(f"{URL}{query}").status == 422


def test_what_is_not_there_is_404(alices: Caller) -> None:
    assert alices.get(f"{URL}?candidate_id=99").status == 404
