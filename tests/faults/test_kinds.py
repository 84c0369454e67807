"""A trader's own kind that raises, hangs, ends its process, or returns nonsense stops only its own strategies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.pipeline.tick import tick
from strategies import isolated
from strategies import kinds as registry
from strategies.isolated import IsolatedKind, IsolatedKindFailed
from strategies.kinds import InvalidParameters, Plugin
from strategies.plugins import load_kinds
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, deployed, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Notification

# Enough for a kind that does nothing and for a new process, also while the machine is busy.
SECONDS = 60.0
# Buys on every bar; `what` happens in its code from the first live bars on.
CODE = """
import numpy as np, os, sys, time
from strategies.kinds import Kind, Param
from tradedesk.core.signals import Signals

class Odd(Kind):
    key, name, description = "odd", "Odd", "Does odd things."
    what = Param(0, low=0, high=20, step=1, search=(0, 20, 1), label="What")

    def check(self):
        return "Not thirteen." if self.what == 13 else ""

    def warmup(self):
        return 1

    def explain(self, signals, t):
        if self.what == 12:
            sys.exit("explained")
        return f"row {t}"

    def signals(self, bars):
        n = len(bars)
        side, strength = np.ones(n, np.int8), np.ones(n)
        print("some words")
        match self.what:
            case 1: raise ValueError("row 7 is odd")
            case 2: raise KeyboardInterrupt
            case 3: sys.exit(3)
            case 4: os._exit(4)
            case 6:
                while True:
                    try: time.sleep(1)
                    except BaseException: pass
            case 7: strength[:] = np.nan
            case 8: side = side[1:]
            case 9: return None
            case 10: return np.ones(1 << 34)
        return Signals(side, strength, {"line": np.arange(n)})
"""
FAILURES = {
    1: "row 7 is odd",
    2: "KeyboardInterrupt",
    3: "3",
    4: "It ended its process with exit code 4.",
    7: "“Odd” returned a signal without a strength for AAPL.",
    8: "“Odd” returned 0 sides and 1 strengths for 1 bars for AAPL.",
    9: "'NoneType' object has no attribute 'side'",
    10: "It needs more than 4 GB of memory.",
}


@pytest.fixture(autouse=True)
def odd(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """The kind, as if its file had passed the checks at start: it does odd things only later."""
    settings.STRATEGY_SECONDS = SECONDS
    monkeypatch.setattr(isolated, "START_SECONDS", SECONDS)
    path = tmp_path / "odd.py"
    path.write_text(CODE)
    plugin = Plugin(path, path.read_bytes())
    registry.add_plugins(load_kinds(path), plugin)
    yield plugin
    registry.remove_plugins()


def test_a_kind_of_a_plugin_stops_only_its_own_strategies(alice: User, bob: User) -> None:
    """Each of alice's strategies fails in its own way; her others, and bob's, buy."""
    open_account(alice, 1_000_000.0)
    open_account(bob, 100_000.0)
    store_bars(AAPL=flat(10, 12), MSFT=flat(10, 10, 12))
    broken = {what: deployed(alice, "odd", ["AAPL"], parameters={"what": what}) for what in FAILURES}
    well = deployed(alice, "odd", ["MSFT"], parameters={"what": 0})
    speechless = deployed(alice, "odd", ["MSFT"], parameters={"what": 12})
    own, bobs = make_two_bar_strategy(alice, "MSFT"), make_two_bar_strategy(bob, "MSFT")
    now = CLOSES[2]
    LiveStrategy.objects.update(next_check_at=now)
    due = LiveStrategy.objects.filter(next_check_at__lte=now)
    for _ in range(20):  # a set that has used up its time leaves the rest due
        for account in BrokerAccount.objects.filter(live_strategies__in=due).distinct():
            tick(account.pk, now, WALL)
    assert not due.exists()
    for what, text in FAILURES.items():
        broken[what].refresh_from_db()
        assert (what, broken[what].last_error) == (what, f"The last check failed: {text}")
        assert (broken[what].status, broken[what].failures, broken[what].kind_failures) == ("active", 1, 1)
    ordered = set(Order.objects.filter(purpose="entry").values_list("live_strategy", flat=True))
    assert ordered == {well.pk, speechless.pk, own.pk, bobs.pk}


def test_a_kind_that_ends_its_process_again_and_again_is_an_error(alice: User) -> None:
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 12, 11, 10))
    live = deployed(alice, "odd", ["AAPL"], parameters={"what": 4})
    for now in CLOSES[1:4]:
        tick(live.account_id, now, WALL, only=(live.pk,))
    live.refresh_from_db()
    assert (live.status, live.failures, live.kind_failures) == ("error", 3, 3)
    note = Notification.objects.get(event=Event.STRATEGY_ERROR)
    assert "It ended its process with exit code 4." in note.text


def test_a_kind_that_never_returns_is_stopped(alice: User, settings: Any) -> None:
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 12), MSFT=flat(10, 10, 12))
    hanging, own = deployed(alice, "odd", ["AAPL"], parameters={"what": 6}), make_two_bar_strategy(alice, "MSFT")
    LiveStrategy.objects.update(next_check_at=CLOSES[2])
    settings.STRATEGY_SECONDS = 1.0
    tick(own.account_id, CLOSES[2], WALL)
    hanging.refresh_from_db()
    assert hanging.last_error == "The last check failed: It took longer than 1 s."
    assert Order.objects.get(purpose="entry").live_strategy == own


def test_refused_parameters_are_an_error_at_once(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = deployed(alice, "odd", ["AAPL"], parameters={"what": 13})
    tick(live.account_id, CLOSES[1], WALL, only=(live.pk,))
    live.refresh_from_db()
    assert (live.status, live.last_error) == ("error", "The last check failed: Not thirteen.")


def test_a_check_without_a_turn_stays_due_and_other_kinds_are_checked(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "TURN_SECONDS", 0.01)
    open_account(alice, 100_000.0)
    store_bars(MSFT=flat(10, 10, 12))
    odd, own = deployed(alice, "odd", ["MSFT"]), make_two_bar_strategy(alice, "MSFT")
    due = {"status": "active", "failures": 0, "last_check_at": None, "next_check_at": WALL}
    LiveStrategy.objects.update(next_check_at=CLOSES[2])
    with isolated._process(), isolated._process():
        tick(own.account_id, CLOSES[2], WALL)
    odd.refresh_from_db()
    assert {name: getattr(odd, name) for name in due} == due | {"next_check_at": CLOSES[2]}
    assert Order.objects.get(purpose="entry").live_strategy == own
    tick(own.account_id, CLOSES[2], WALL)
    assert Order.objects.filter(live_strategy=odd, purpose="entry").count() == 1


def test_the_code_that_was_loaded_at_start_runs_when_the_file_has_changed(odd: Plugin) -> None:
    odd.path.write_text("raise ValueError('half edited')")
    kind = IsolatedKind("odd", {"what": 0}, odd, SECONDS)
    signals = kind.run({"AAPL": flat(10, 11, 12)}, {"AAPL": 2}, 50)["AAPL"]
    assert signals.side.tolist() == [1, 1, 1]
    assert [kind.explain(signals, t) for t in range(3)] == ["", "row 1", "row 2"]


def test_the_time_limit_is_for_all_calls_of_one_check(odd: Plugin) -> None:
    kind = IsolatedKind("odd", {"what": 0}, odd, SECONDS)
    kind.memory()
    assert kind._left < SECONDS
    kind._left = 0.0
    with pytest.raises(IsolatedKindFailed, match="longer than 60 s"):
        kind.memory()
    kind.begin()
    assert kind._left == SECONDS
    with pytest.raises(InvalidParameters):
        IsolatedKind("odd", {"what": 99}, odd, SECONDS).memory()
