"""The running desk with slow workers: its trades are those of the backtests, and no signal is too late."""

import signal
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from backtests.engine.simulation import simulate
from strategies.kinds import make_kind
from tests.desk.test_runner import Desk, run_with
from tests.processes.prepared import copy_prepared_folder
from tests.processes.process import Process
from tradedesk.core.rules import DEFAULT_COSTS, RiskRules
from tradedesk.marketdata.library import load_many
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time

pytestmark = [pytest.mark.processes, pytest.mark.django_db]
FIRST, LAST = date(2010, 1, 4), date(2010, 1, 27)
CAPITAL = 100_000.0
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]
RULES = RiskRules(position_size_pct=0.2, max_positions=3, stop_loss_pct=0.03, take_profit_pct=0.05)
KINDS: dict[str, dict[str, Any]] = {
    "sma_crossover": {"fast": 2, "slow": 4},
    "donchian_breakout": {"entry": 4, "exit": 2},
    "rsi_mean_reversion": {"period": 2, "oversold": 40, "overbought": 60},
}
# One user for each kind, because the strategies of one account share its equity.
DEPLOY = f"""
import django
django.setup()
from django.utils import timezone
from livetrading.services.deploy import DeploymentSettings, deploy
from strategies.services import save_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import market_clock
for kind, parameters in {KINDS!r}.items():
    user = User.objects.create_user(kind + "@example.com", "a password of no interest")
    strategy = save_strategy(
        user, name=kind, kind=kind, parameters=parameters, symbols={SYMBOLS!r}, timeframe="1Day"
    )
    settings = DeploymentSettings(rules={RULES.as_dict()!r})
    deploy(user, strategy, now=market_clock().now(), wall_now=timezone.now(), settings=settings)
"""
# Every task of live trading waits before it starts, up to longer than a session is shown.
SLOW = """
    import random, time
    from celery.signals import task_prerun
    @task_prerun.connect(weak=False)
    def wait(task, **_):
        if task.name.startswith("livetrading."):
            time.sleep(random.choice((0, 0.1, 0.2, 0.5)))
"""
# Seconds; most of them are the waits above.
PATIENCE = 400


def test_slow_workers_make_the_trades_of_the_backtests(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    environment = {"DJANGO_SETTINGS_MODULE": "tradedesk.settings.base", "DESK_DATA_DIR": str(folder)}
    with Process([*run_with("")[:2], DEPLOY], tmp_path / "deploy.log", environment) as deploying:
        assert deploying.end() == 0, deploying.output()
    with Desk(folder, run_with(SLOW), {"REPLAY_SECONDS_PER_BAR": "0.1", "REPLAY_MAX_WAIT": "600"}) as desk:
        deadline = time.monotonic() + PATIENCE
        while desk.query("SELECT session FROM marketdata_replaymarket") < [(LAST.isoformat(),)]:
            assert desk.child.poll() is None, desk.output()
            assert time.monotonic() < deadline, desk.query("SELECT * FROM marketdata_replaymarket")
            time.sleep(0.5)
        assert desk.stop(signal.SIGINT, timeout=30) == 0
    reasons = [str(reason) for (reason,) in desk.query("SELECT reason FROM livetrading_signalhistory")]
    assert len(reasons) > 20
    assert [reason for reason in reasons if "too late" in reason] == []
    load_samples(timezone.now())
    bars = load_many(None, SYMBOLS, "1Day")
    for kind, parameters in KINDS.items():
        backtest = simulate(
            make_kind(kind, parameters),
            bars,
            capital=CAPITAL,
            rules=RULES,
            costs=DEFAULT_COSTS,
            start=daily_time(FIRST),
            end=daily_time(LAST),
        ).result
        lots: list[Any] = [*backtest.trades, *backtest.open_positions]
        assert len(backtest.trades) > 2
        entries = [(p.symbol, p.quantity, p.entry_time, p.entry_price) for p in lots]
        exits = [(t.symbol, t.quantity, t.exit_time, t.exit_price) for t in backtest.trades]
        assert booked(desk, kind, "entry") == in_order(entries)
        assert booked(desk, kind, "exit") == in_order(exits)


def booked(desk: Desk, kind: str, event: str) -> list[tuple[Any, ...]]:
    """The entries or exits of the desk's lots of this kind, of the sessions before the last one."""
    rows = desk.query(
        f"SELECT t.symbol, t.quantity, t.{event}_time, t.{event}_price FROM livetrading_papertrade t "
        f"JOIN livetrading_livestrategy s ON s.id = t.live_strategy_id WHERE s.kind = '{kind}'"
    )
    return in_order([(s, float(q), utc(at), float(price)) for s, q, at, price in rows if at is not None])  # type: ignore[arg-type]


def utc(stored: Any) -> datetime:
    return datetime.fromisoformat(f"{stored}+00:00")


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows before the last session, whose fills the desk may not have booked when it stopped."""
    before = [
        (s, at, pytest.approx(q), pytest.approx(price, abs=0.0001))
        for s, q, at, price in rows
        if at < daily_time(LAST)
    ]
    return sorted(before, key=lambda row: row[:2])
