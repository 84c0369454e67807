"""The number of queries of an endpoint does not depend on the number of rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.client import ApiClient
from tests.livetrading.factories import (
    WALL,
    make_backtest,
    make_candidate,
    make_desk_rows,
    make_incident,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
    make_stop,
)
from tradedesk.accounts.models import User

# At most. One query is for the token with its user, one of a list for its count.
MAX_QUERIES = {
    "/api/v1/strategies": 3,
    "/api/v1/strategies/kinds": 1,
    "/api/v1/backtests": 3,
    "/api/v1/live-trading/strategies": 15,
    "/api/v1/live-trading/signals/recent": 3,
    "/api/v1/live-trading/positions": 10,
    "/api/v1/live-trading/dashboard": 12,
    "/api/v1/broker-accounts": 3,
    "/api/paper/trades": 3,
    "/api/paper/positions": 10,
    "/api/paper/account": 10,
    "/api/paper/daily-summary": 4,
    "/api/backtest/results": 3,
    "/api/trades": 3,
    "/api/status": 12,
    "/api/chart-data": 3,
    "/api/paper/analysis": 3,
}


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("path", sorted(MAX_QUERIES))
def test_queries_do_not_grow_with_rows(alices: ApiClient, alice: User, path: str) -> None:
    # All four symbols from the start: the quotes depend on the number of symbols.
    make_desk_rows(alice, 4)
    few = _queries(alices, path)
    make_desk_rows(alice, 12)
    many = _queries(alices, path)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MAX_QUERIES[path], "\n".join(many)


@pytest.mark.usefixtures("market")
def test_queries_of_a_live_strategy_do_not_grow_with_its_trades(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice)
    counts = []
    for _ in range(2):
        for _ in range(5):
            make_stop(trade=make_paper_trade(user=alice, live_strategy=live))
            make_incident(account=live.account)
            make_order(user=alice, live_strategy=live, signal=make_signal(live_strategy=live))
        counts.append(len(_queries(alices, f"/api/v1/live-trading/strategies/{live.pk}")))
    assert counts[0] == counts[1] <= 14


def test_a_backtest_needs_four_queries_for_any_number_of_trades(alices: ApiClient, alice: User) -> None:
    """The token, the backtest, its trades, its curves."""
    provenance = {"version": "0.1.0", "kind_code": "0", "engine_code": "0", "data": {}}
    backtest = make_backtest(user=alice, provenance=provenance)
    values = {
        "quantity": 1,
        "entry_price": 30,
        "stop_price": 27,
        "exit_price": 33,
        "pnl": 3,
        "return_fraction": 0.1,
    }
    for _ in range(40):
        backtest.trades.create(
            symbol="AAPL", entry_time=WALL, exit_time=WALL, exit_reason="signal", commission=0, **values
        )
    assert len(_queries(alices, f"/api/v1/backtests/{backtest.pk}")) == 4


def test_a_comparison_needs_three_queries(alices: ApiClient, alice: User) -> None:
    """The token, the backtests, their curves."""
    ids = [make_backtest(user=alice).pk for _ in range(4)]
    for some in (ids[:2], ids):
        assert len(_queries(alices, f"/api/v1/backtests/compare?ids={','.join(map(str, some))}")) == 3


def test_queries_of_an_optimizer_run_do_not_grow_with_its_rows(alices: ApiClient, alice: User) -> None:
    """The token, the run, its rows, their trials, the findings about their bars."""
    row = make_candidate(user=alice)
    counts = []
    for _ in range(2):
        row.pk, row.number = None, row.number + 1
        row.save()
        counts.append(len(_queries(alices, f"/api/v1/optimizer/runs/{row.run_id}?symbol={row.universe}")))
    assert counts == [5, 5]


def _queries(client: ApiClient, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status == 200
    return [query["sql"] for query in captured.captured_queries]
