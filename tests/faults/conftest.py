"""The brokers and the workers that trade at them. They start once for each module; each test has new users and a
new worker."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.alpaca_server.server import AlpacaServer
from tests.faults.brokers import ALPACA, HOSTILE, AnyBroker
from tests.faults.desk import FaultDesk
from tests.faults.market_time import set_market_time
from tests.flows.worker_forks import WorkerForks
from tests.hostile_broker.server import HostileBroker
from tests.livetrading.made_bars import CLOSES
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import ReplayClock


@pytest.fixture(scope="module")
def brokers() -> Iterator[dict[str, AnyBroker]]:
    brokers: dict[str, AnyBroker] = {HOSTILE: HostileBroker(), ALPACA: AlpacaServer()}
    yield brokers
    for broker in brokers.values():
        broker.close()


@pytest.fixture(scope="module")
def forks(django_db_setup: None, brokers: dict[str, AnyBroker]) -> Iterator[WorkerForks]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPACA_PAPER_API_BASE_URL", brokers[ALPACA].url)
        forks = WorkerForks("tests.faults.fork_server", "tests.faults.settings")
    yield forks
    forks.close()


@pytest.fixture
def empty_desk(
    transactional_db: None, forks: WorkerForks, brokers: dict[str, AnyBroker], monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultDesk]:
    """A desk without users and without a worker."""
    for broker in brokers.values():
        broker.reset()
    made = FaultDesk(brokers, forks)
    monkeypatch.setattr(ReplayClock, "now", lambda self: made.now)
    set_market_time(CLOSES[0])
    yield made
    made.broker.release()
    forks.kill()


@pytest.fixture(params=["separate"])
def desk(request: pytest.FixtureRequest, empty_desk: FaultDesk, alice: User, bob: User) -> FaultDesk:
    """Alice trades V and W, Bob trades W; a parameter says what the broker can do. One worker."""
    variant: Any = request.param
    empty_desk.add(alice, variant, ("V", "W"))
    empty_desk.add(bob, variant, ("W",))
    empty_desk.forks.worker()
    return empty_desk
