"""API clients: Alice's and Bob's with their tokens, Charlie's without a token."""

from collections.abc import Iterator

import pytest

from strategies.models import Strategy
from tests.api.client import ApiClient
from tests.livetrading.factories import TODAY, WALL, at_day
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import CACHE
from tradedesk.marketdata.services import load_samples


@pytest.fixture
def alices(alice: User) -> ApiClient:
    return ApiClient(alice)


@pytest.fixture
def bobs(bob: User) -> ApiClient:
    return ApiClient(bob)


@pytest.fixture
def charlies(db: None) -> ApiClient:
    return ApiClient(None)


@pytest.fixture
def strategy(alice: User) -> Strategy:
    """Alice's SMA crossover on two symbols."""
    return a_strategy(alice, symbols=["AAPL", "MSFT"], parameters={"fast": 20, "slow": 50})


@pytest.fixture
def market(db: None) -> Iterator[None]:
    """The sample market at the close of TODAY."""
    CACHE.clear()
    load_samples(WALL)
    at_day(TODAY)
    yield
    CACHE.clear()
