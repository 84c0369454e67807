"""A tick of an account: what is due, what a person has paused, and an account that cannot be reconciled."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.pipeline import tick as tick_module
from livetrading.pipeline.evaluate import evaluate
from livetrading.pipeline.tick import TickResult, tick
from livetrading.services.control import control
from tests.livetrading.factories import account_of
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import Mode, User, UserVersion


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    return make_two_bar_strategy(alice, "AAPL")


def test_a_tick_without_checks_and_changes_does_not_refresh_the_pages(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    before = UserVersion.objects.get(user=live.user).number
    assert tick(live.account_id, CLOSES[2] + timedelta(minutes=1), WALL) == TickResult()
    assert UserVersion.objects.get(user=live.user).number == before


# --- When the account cannot be reconciled ---------------------------------------------------------------------


def test_a_check_without_a_response_of_the_broker_decides_nothing(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_bars(AAPL=flat(10, 10, 12))

    def no_response(*_: object) -> None:
        raise OutcomeUnknown("timed out")

    with monkeypatch.context() as patch:
        patch.setattr(tick_module, "broker_for", no_response)
        pauses = [tick(live.account_id, CLOSES[2], WALL, only=(live.pk,)).pause for _ in range(8)]
    assert [pause.total_seconds() for pause in pauses] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert signals_of(live) == []
    account = BrokerAccount.objects.get()
    assert (account.state, account.failures) == ("degraded", 8)
    assert "timed out" in account.state_reason
    live.refresh_from_db()
    assert "timed out" in live.last_error
    assert (live.failures, live.last_check_at, live.last_bar_time) == (8, CLOSES[2], None)
    assert live.next_check_at == CLOSES[2] + timedelta(seconds=300)
    assert len(check(live, CLOSES[2])) == 1
    account.refresh_from_db()
    live.refresh_from_db()
    assert (account.state, account.state_reason, account.failures) == ("connected", "", 0)
    assert (live.last_error, live.failures) == ("", 0)


def test_an_account_without_a_connected_broker_is_degraded_and_its_checks_say_so(alice: User) -> None:
    live = make_two_bar_strategy(alice, "AAPL", account=account_of(alice, Mode.LIVE))
    store_bars(AAPL=flat(10, 10, 12))
    assert tick(live.account_id, CLOSES[2], WALL, only=(live.pk,)).pause == timedelta(seconds=1)
    live.refresh_from_db()
    account = account_of(alice, Mode.LIVE)
    assert (account.state, signals_of(live)) == ("degraded", [])
    assert "no connection to the broker" in live.last_error
    assert "no connection to the broker" in account.state_reason


# --- Strategies that must not be checked -----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["error", "stopped"])
def test_an_inactive_strategy_is_not_checked(live: LiveStrategy, status: str) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    LiveStrategy.objects.update(status=status)
    assert check(live, CLOSES[2]) == []
    live.refresh_from_db()
    assert (signals_of(live), live.last_check_at, live.last_bar_time) == ([], None, None)


@pytest.mark.parametrize(
    ("action", "signals"), [("pause", [("AAPL", "buy", "The strategy is paused.")]), ("stop", [])]
)
def test_a_pause_or_stop_while_the_bars_are_evaluated_is_respected(
    live: LiveStrategy, monkeypatch: pytest.MonkeyPatch, action: str, signals: list[tuple[str, str, str]]
) -> None:
    store_bars(AAPL=flat(10, 10, 12))

    def pause_and_evaluate(members: Iterable[LiveStrategy], now: datetime) -> Any:
        control(live, action, now, now)
        return evaluate(members, now)

    monkeypatch.setattr(tick_module, "evaluate", pause_and_evaluate)
    assert check(live, CLOSES[2]) == []
    assert signals_of(live) == signals


def test_only_strategies_that_are_due_are_checked(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12))
    LiveStrategy.objects.update(next_check_at=CLOSES[2] + timedelta(microseconds=1))
    assert tick(live.account_id, CLOSES[2], WALL) == TickResult()
    assert signals_of(live) == []
    LiveStrategy.objects.update(next_check_at=CLOSES[2])
    assert len(tick(live.account_id, CLOSES[2], WALL).orders) == 1


def test_a_strategy_of_another_account_is_not_checked(live: LiveStrategy, bob: User) -> None:
    open_account(bob, 100_000.0)
    bobs = make_two_bar_strategy(bob, "AAPL")
    store_bars(AAPL=flat(10, 10, 12))
    assert tick(live.account_id, CLOSES[2], WALL, only=(bobs.pk,)).orders == []
    assert signals_of(bobs) == []
