"""New bars make the strategies due that trade them, and no others."""

from datetime import timedelta

import pytest

from livetrading.models import LiveStrategy
from livetrading.services import arrivals
from livetrading.services.arrivals import wake
from livetrading.services.bars_in_use import series_in_use
from tests.livetrading.factories import NOW, closed, make_live_strategy, make_paper_trade
from tradedesk.accounts.models import User
from tradedesk.marketdata.arrivals import Arrival

LATER = NOW + timedelta(seconds=40)
Status = LiveStrategy.Status


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(arrivals, "enqueue_dispatch", lambda: calls.append(1))
    return calls


def test_strategies_of_these_bars_are_due_at_once(alice: User, bob: User, dispatched: list[int]) -> None:
    soon = {"next_check_at": LATER, "timeframe": "5Min"}
    woken = [make_live_strategy(user=alice, **soon), make_live_strategy(user=bob, **soon, status=Status.PAUSED)]
    others = [
        make_live_strategy(user=alice, **soon, symbols=["GOOG"]),
        make_live_strategy(user=alice, next_check_at=LATER, timeframe="1Day"),
        make_live_strategy(user=alice, **soon, status=Status.STOPPED),
    ]
    assert wake(Arrival(None, {"AAPL"}, {"1Min", "5Min"}), NOW) == 2
    assert {live.pk for live in LiveStrategy.objects.filter(next_check_at=NOW)} == {live.pk for live in woken}
    assert LiveStrategy.objects.filter(next_check_at=LATER).count() == len(others)
    assert wake(Arrival(None, {"AAPL"}, {"5Min"}), NOW) == 0
    assert dispatched == [1]


def test_bars_of_one_user_wake_no_other(alice: User, bob: User, dispatched: list[int]) -> None:
    make_live_strategy(user=alice, next_check_at=LATER)
    make_live_strategy(user=bob, next_check_at=LATER)
    assert wake(Arrival(bob.pk, {"AAPL"}, {"1Day"}), NOW) == 1
    assert LiveStrategy.objects.get(next_check_at=NOW).user == bob


def test_what_is_traded_or_held_has_to_be_kept_up_to_date(alice: User, bob: User) -> None:
    make_live_strategy(user=alice, symbols=["AAPL", "IBM"])
    make_live_strategy(user=bob, status=Status.STOPPED)
    make_paper_trade(user=bob, symbol="GOOG")
    make_paper_trade(user=bob, symbol="MSFT", **closed(NOW))
    assert set(series_in_use()) == {
        (alice.pk, "AAPL", "1Day"),
        (alice.pk, "IBM", "1Day"),
        (bob.pk, "GOOG", "1Day"),
    }
