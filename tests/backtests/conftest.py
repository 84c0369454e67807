"""Sample bars in the store, Alice's strategy on them, and its backtests."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from celery.signals import after_task_publish

from backtests.models import Backtest
from backtests.services import create_backtest, run_backtest
from strategies.models import Strategy
from strategies.services import save_strategy
from tests.backtests.runs import NOW, Clock, Make, Published
from tradedesk.accounts.models import User
from tradedesk.marketdata.library import CACHE
from tradedesk.marketdata.services import load_samples


@pytest.fixture
def samples(db: None) -> Iterator[list[str]]:
    """The symbols whose sample bars are in the store."""
    CACHE.clear()
    yield load_samples(NOW)
    CACHE.clear()


@pytest.fixture
def strategy(alice: User, samples: list[str]) -> Strategy:
    return save_strategy(
        alice,
        name="Golden cross",
        kind="sma_crossover",
        parameters={"fast": 20, "slow": 50},
        symbols=["AAPL", "MSFT"],
        timeframe="1Day",
    )


@pytest.fixture
def make(strategy: Strategy) -> Make:
    """Creates a queued backtest of Alice's strategy; values that are not given are valid defaults."""

    def make_one(**changes: Any) -> Backtest:
        values: dict[str, Any] = {
            "start_date": date(2005, 1, 3),
            "end_date": date(2010, 12, 31),
            "initial_capital": 100_000,
            "slippage_bps": 0,
            "wall_now": NOW,
        }
        return create_backtest(strategy.user, changes.pop("strategy", strategy), **(values | changes))

    return make_one


@pytest.fixture
def clock() -> Clock:
    """A wall clock that moves one second forward whenever it is read."""
    moments = iter(NOW + timedelta(seconds=second) for second in range(1, 1000))
    return lambda: next(moments)


@pytest.fixture
def published() -> Iterator[Published]:
    """The enqueued tasks, each with its arguments."""
    found: Published = []

    def record(sender: str, body: Any, **_: Any) -> None:
        found.append((sender, tuple(body[0])))

    after_task_publish.connect(record)
    yield found
    after_task_publish.disconnect(record)


@pytest.fixture
def completed(make: Make, clock: Clock) -> Backtest:
    backtest = make()
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert backtest.status == Backtest.Status.COMPLETED, backtest.error
    return backtest
