"""A hostile broker and the workers that trade at it. Both start once for each module; each test has new users and
a new worker."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.desk import FaultDesk
from tests.faults.market_time import set_market_time
from tests.flows.worker_forks import WorkerForks
from tests.hostile_broker.server import HostileBroker
from tests.livetrading.made_bars import CLOSES
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import ReplayClock


@pytest.fixture(scope="module")
def forks(django_db_setup: None) -> Iterator[WorkerForks]:
    forks = WorkerForks("tests.faults.fork_server", "tests.faults.settings")
    yield forks
    forks.close()


@pytest.fixture(scope="module")
def broker() -> Iterator[HostileBroker]:
    broker = HostileBroker()
    yield broker
    broker.close()


@pytest.fixture
def empty_desk(
    transactional_db: None, forks: WorkerForks, broker: HostileBroker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultDesk]:
    """A desk without users and without a worker."""
    broker.reset()
    made = FaultDesk(broker, forks)
    monkeypatch.setattr(ReplayClock, "now", lambda self: made.now)
    set_market_time(CLOSES[0])
    yield made
    broker.release()
    forks.kill()


@pytest.fixture
def desk(request: pytest.FixtureRequest, empty_desk: FaultDesk, alice: User, bob: User) -> FaultDesk:
    """Alice trades V and W, Bob trades W; a parameter says what the broker can do. One worker."""
    variant: Any = getattr(request, "param", "separate")
    empty_desk.add(alice, variant, ("V", "W"))
    empty_desk.add(bob, variant, ("W",))
    empty_desk.forks.worker()
    return empty_desk
