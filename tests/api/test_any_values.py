"""Endpoints that write, with random bodies: they accept or refuse, and what they accept can be read again."""

from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.models import Strategy
from tests.api.client import ApiClient, ApiResponse
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User

pytestmark = pytest.mark.usefixtures("market")
# The transaction of each example is rolled back.
for_any = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 10**30, 10**400]),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["", "\x00", "\ud800", "2005-13-45", "A" * 10_000, "1e5", "AAPL"]),
    st.lists(st.text(st.characters(codec=None), max_size=5), max_size=4),
    st.dictionaries(st.text(st.characters(codec=None), max_size=5), st.floats(), max_size=3),
)
names = st.text(st.characters(codec=None), max_size=10)


def nearly(valid: dict[str, Any], **near: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A valid body with some fields from `near`, sometimes with one odd or unknown field."""
    changes = st.lists(st.sampled_from(sorted(near)), max_size=3, unique=True).flatmap(
        lambda changed: st.fixed_dictionaries({name: near[name] for name in changed})
    )
    oddities = st.one_of(
        st.just({}),
        st.dictionaries(st.sampled_from(sorted(near)), odd, max_size=1),
        st.dictionaries(names, odd, max_size=1),
    )
    return st.builds(lambda changed, oddity: valid | changed | oddity, changes, oddities)


symbols = st.lists(st.sampled_from(["AAPL", "msft", " IBM ", "ZZZZ", "no symbol", " "]), max_size=4)
days = st.dates(date(1998, 1, 1), date(2015, 1, 1)).map(str)
fractions = st.floats(-0.1, 1.1)
dollars = st.floats(-10, 1e10)
numbers = st.one_of(st.integers(-5, 500), st.floats(1, 99), odd)
strategy_bodies = nearly(
    {"name": "Golden cross", "kind": "sma_crossover"},
    name=st.text(st.characters(codec=None), max_size=90),
    kind=st.sampled_from(["sma_crossover", "rsi_mean_reversion", "macd", "buy_and_hold", "magic"]),
    parameters=st.dictionaries(st.sampled_from(["fast", "slow", "period", "oversold"]), numbers),
    symbols=symbols,
    timeframe=st.sampled_from(["1Day", "1Hour", "1Week"]),
)
backtest_bodies = nearly(
    {"symbols": ["AAPL"], "start_date": "2005-01-03", "end_date": "2010-12-31", "initial_capital": 100_000},
    symbols=symbols,
    start_date=days,
    end_date=days,
    initial_capital=dollars,
    commission_bps=st.floats(-1, 1100),
    slippage_bps=st.floats(-1, 1100),
    position_size_pct=fractions,
    max_positions=st.integers(-1, 1100),
    max_position_size=dollars,
    stop_loss_pct=fractions,
    take_profit_pct=fractions,
    signal_threshold=fractions,
    fractional=st.booleans(),
    commission_per_order=st.floats(-1, 1100),
    commission_per_share=st.floats(-1, 11),
    daily_loss_limit=dollars,
    max_drawdown_pct=fractions,
    cooldown_bars=st.integers(-1, 1100),
)
deployments = nearly(
    {"symbols": ["AAPL", "MSFT"]},
    symbols=symbols,
    name=st.text(st.characters(codec=None), max_size=120),
    check_interval=st.integers(0, 4000),
    auto_execute=st.booleans(),
    max_positions=st.integers(-1, 25),
    position_size_pct=st.floats(0, 0.6),
    max_position_size=dollars,
    stop_loss_pct=fractions,
    take_profit_pct=fractions,
    signal_threshold=fractions,
    fractional=st.booleans(),
    daily_loss_limit=dollars,
    max_drawdown_pct=fractions,
    cooldown_bars=st.integers(-1, 1100),
)
credentials = nearly(
    {"email": "alice@example.com", "password": "wrong"},
    email=st.text(st.characters(codec=None), max_size=90),
    password=st.text(st.characters(codec=None), max_size=200),
)


def posted(client: ApiClient, path: str, body: Any, method: str = "POST") -> ApiResponse:
    with transaction.atomic():
        response = client.send(method, path, body)
        if response.status in (201, 202):
            assert client.get(path.replace("quick-deploy", "strategies")).status == 200
        transaction.set_rollback(True)
    return response


def check(response: ApiResponse, *expected: int) -> None:
    assert response.status in expected, response
    if response.status == 422:
        assert response.json["detail"]
        for problem in response.json["detail"]:
            assert set(problem) == {"field", "message"}
            assert problem["message"]
            assert len(problem["message"]) < 1000
    elif response.status >= 400:
        assert isinstance(response.json["detail"], str)


@pytest.fixture
def strategy(alice: User) -> Strategy:
    return a_strategy(alice)


@for_any
@given(body=strategy_bodies)
def test_a_strategy_is_saved_or_refused(alices: ApiClient, strategy: Strategy, body: Any) -> None:
    check(posted(alices, "/api/v1/strategies", body), 201, 422)
    check(posted(alices, f"/api/v1/strategies/{strategy.pk}", body, "PUT"), 200, 422)


@for_any
@given(body=backtest_bodies, strategy_id=st.one_of(st.none(), odd))
def test_a_backtest_is_queued_or_refused(
    alices: ApiClient, strategy: Strategy, body: dict[str, Any], strategy_id: Any
) -> None:
    pk = strategy.pk if strategy_id is None else strategy_id
    check(posted(alices, "/api/v1/backtests", {"strategy_id": pk, **body}), 202, 404, 422)


@for_any
@given(body=deployments, strategy_id=st.one_of(st.none(), odd))
def test_a_strategy_is_deployed_or_refused(
    alices: ApiClient, strategy: Strategy, body: dict[str, Any], strategy_id: Any
) -> None:
    pk = strategy.pk if strategy_id is None else strategy_id
    response = posted(alices, "/api/v1/live-trading/quick-deploy", {"strategy_id": pk, **body})
    check(response, 201, 404, 422)


@for_any
@given(body=credentials)
def test_a_log_in_with_a_wrong_password_is_refused(charlies: ApiClient, alice: User, body: Any) -> None:
    check(posted(charlies, "/api/v1/auth/login", body), 401, 422)


@for_any
@given(body=odd, path=st.sampled_from(["strategies", "backtests", "live-trading/quick-deploy", "auth/login"]))
def test_a_body_that_is_not_an_object_is_refused(alices: ApiClient, body: Any, path: str) -> None:
    check(posted(alices, f"/api/v1/{path}", body), 422)


@for_any
@given(content=st.binary(max_size=200))
def test_a_body_that_is_not_json_is_refused(alices: ApiClient, content: bytes) -> None:
    check(alices.send_raw("POST", "/api/v1/strategies", content), 400, 422)
