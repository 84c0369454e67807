"""Every call asks the database as often for many rows as for few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.caller import Caller
from tests.livetrading.factories import watched_desk
from tradedesk.accounts.models import User

# Two of each are the token and its user in one query, and the page beside its count.
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
def test_the_queries_do_not_grow_with_the_rows(alices: Caller, alice: User, path: str) -> None:
    # All four symbols from the start, so that the quotes are of as many.
    watched_desk(alice, 4)
    few = _queries(alices, path)
    watched_desk(alice, 12)
    many = _queries(alices, path)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MOST[path], "\n".join(many)


def _queries(caller: Caller, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert caller.get(path).status == 200
    return [query["sql"] for query in captured.captured_queries]
