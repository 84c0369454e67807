"""Every call asks the database as often for many rows as for few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.client import ApiClient
from tests.livetrading.factories import (
    WALL,
    make_backtest,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_signal,
    watched_desk,
)
from tradedesk.accounts.models import User

# One of each is the token with its user, and one of a list its count.
MOST = {
    "/api/v1/strategies": 3,
    "/api/v1/strategies/kinds": 1,
    "/api/v1/backtests": 3,
    "/api/v1/live-trading/strategies": 12,
    "/api/v1/live-trading/signals/recent": 3,
    "/api/v1/live-trading/positions": 8,
    "/api/v1/live-trading/dashboard": 10,
    "/api/paper/trades": 3,
    "/api/paper/positions": 8,
    "/api/paper/account": 9,
}


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("path", sorted(MOST))
def test_the_queries_do_not_grow_with_the_rows(alices: ApiClient, alice: User, path: str) -> None:
    # All four symbols from the start, so that the quotes are of as many.
    watched_desk(alice, 4)
    few = _queries(alices, path)
    watched_desk(alice, 12)
    many = _queries(alices, path)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MOST[path], "\n".join(many)


@pytest.mark.usefixtures("market")
def test_one_live_strategy_costs_the_same_however_much_it_traded(alices: ApiClient, alice: User) -> None:
    live = make_live_strategy(user=alice)
    counts = []
    for _ in range(2):
        for _ in range(5):
            make_paper_trade(user=alice, live_strategy=live)
            make_order(user=alice, live_strategy=live, signal=make_signal(live_strategy=live))
        counts.append(len(_queries(alices, f"/api/v1/live-trading/strategies/{live.pk}")))
    assert counts[0] == counts[1] <= 11


def test_one_backtest_costs_four_queries_however_many_trades(alices: ApiClient, alice: User) -> None:
    """The token, the backtest, its trades, its curves."""
    provenance = {"version": "0.1.0", "kind_code": "0", "engine_code": "0", "data": {}}
    backtest = make_backtest(user=alice, provenance=provenance)
    values = {"quantity": 1, "entry_price": 30, "stop_price": 27, "exit_price": 33, "pnl": 3, "return_pct": 0.1}
    for _ in range(40):
        backtest.trades.create(
            symbol="AAPL", entry_time=WALL, exit_time=WALL, exit_reason="signal", commission=0, **values
        )
    assert len(_queries(alices, f"/api/v1/backtests/{backtest.pk}")) == 4


def test_a_comparison_costs_the_token_the_backtests_and_their_curves(alices: ApiClient, alice: User) -> None:
    ids = [make_backtest(user=alice).pk for _ in range(4)]
    for some in (ids[:2], ids):
        assert len(_queries(alices, f"/api/v1/backtests/compare?ids={','.join(map(str, some))}")) == 3


def _queries(client: ApiClient, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status == 200
    return [query["sql"] for query in captured.captured_queries]
