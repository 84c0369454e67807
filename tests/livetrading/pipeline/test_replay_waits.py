"""A slow worker changes nothing: the replay waits, so the running desk makes the trades of the backtests.

The real tasks run as on the desk. Beat asks the market to move at every turn and enqueues its dispatches; the
worker takes one message of the queue every few turns, any of them. Claims expire and lost messages are sent twice
meanwhile.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from backtests.engine.simulation import simulate
from livetrading import tasks
from livetrading.models import LiveStrategy, SignalHistory
from livetrading.services.replay_hold import unfinished_work
from strategies.kinds import make_kind
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.test_parity import (
    CAPITAL,
    COSTS,
    PARAMETERS,
    TIGHT,
    closed_trades,
    deploy_with,
    expected,
    in_order,
    open_trades,
)
from tests.livetrading.published import published
from tradedesk.accounts.models import User
from tradedesk.core.money import to_decimal
from tradedesk.marketdata import replay
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.library import load_many
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time, session_close
from tradedesk.marketdata.tasks import advance_replay

FIRST, LAST = date(2011, 3, 1), date(2011, 3, 22)
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]
KINDS = ("donchian_breakout", "rsi_mean_reversion", "sma_crossover")
SECOND = timedelta(seconds=1)
# By then the desk of this test has long played its sessions.
TURNS = 20_000


@pytest.fixture(autouse=True)
def _replay(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradedesk.marketdata.tasks.time.sleep", lambda seconds: None)
    settings.REPLAY_START = FIRST.isoformat()
    settings.REPLAY_SECONDS_PER_BAR = 1.0
    settings.REPLAY_MAX_WAIT = 1_000_000.0


def deployments() -> dict[str, LiveStrategy]:
    """One user with an account of its own for each kind, so that each trades like its backtest."""
    load_samples(WALL)
    found = {}
    for key in KINDS:
        user = User.objects.create_user(f"{key}@example.com", "a password of no interest")
        open_account(user, CAPITAL, COSTS)
        found[key] = deploy_with(user, key, PARAMETERS[key], SYMBOLS, TIGHT)
    LiveStrategy.objects.update(next_check_at=session_close(FIRST))
    return found


def play(takes_a_message: Callable[[int], bool], chance: random.Random, *, jumps: bool = False) -> None:
    """Run the desk until the work of the last session is done. One turn is one second."""
    with time_machine.travel(WALL, tick=False) as wall, published() as queue:
        replay.ensure_started(WALL)
        if jumps:
            assert replay.jump(LAST, WALL)
        for turn in range(TURNS):
            wall.shift(SECOND)
            if replay.replay_state().session < LAST:
                advance_replay()
            elif not unfinished_work(market_clock().now()):
                return
            assert ReplayMarket.objects.get().moved_without == ""
            for beat in ("dispatch_due_accounts", "requeue_lost_orders"):
                if turn % 5 == 0 and (beat, []) not in queue:
                    queue.append((beat, []))
            if queue and takes_a_message(turn):
                name, arguments = queue.pop(chance.randrange(len(queue)))
                getattr(tasks, name)(*arguments)
    pytest.fail(f"The replay is still at {replay.replay_state()}.")


@pytest.mark.django_db
@pytest.mark.parametrize(("every", "seed", "jumps"), [(1, 1, False), (5, 2, False), (2, 3, True)])
def test_on_a_slow_worker_and_in_a_jump_the_trades_are_those_of_the_backtests(
    every: int, seed: int, jumps: bool
) -> None:
    deployed = deployments()
    play(lambda turn: turn % every == 0, random.Random(seed), jumps=jumps)
    bars = load_many(None, SYMBOLS, "1Day")
    for key, live in deployed.items():
        backtest = simulate(
            make_kind(key, PARAMETERS[key]),
            bars,
            capital=CAPITAL,
            rules=TIGHT,
            costs=COSTS,
            start=daily_time(FIRST),
            end=daily_time(LAST),
        ).result
        assert len(backtest.trades) > 0
        assert closed_trades(live) == [expected(trade._asdict()) for trade in in_order(backtest.trades)]
        assert open_trades(live) == [
            (
                p.symbol,
                to_decimal(p.quantity),
                p.entry_time,
                to_decimal(p.entry_price),
                to_decimal(p.stop_price or 0),
            )
            for p in sorted(backtest.open_positions, key=lambda p: p.symbol)
        ]
    assert not SignalHistory.objects.filter(reason__contains="too late").exists()
