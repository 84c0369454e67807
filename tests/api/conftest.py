"""Alice's program, Bob's, and one without a token: Charlie's."""

from collections.abc import Iterator

import pytest

from strategies.models import Strategy
from tests.api.caller import Caller
from tests.livetrading.factories import TODAY, WALL, at_day
from tests.strategies.examples import a_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import CACHE
from tradedesk.marketdata.services import load_samples


@pytest.fixture
def alices(alice: User) -> Caller:
    return Caller(alice)


@pytest.fixture
def bobs(bob: User) -> Caller:
    return Caller(bob)


@pytest.fixture
def charlies(db: None) -> Caller:
    return Caller(None)


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
