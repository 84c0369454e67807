"""The decisions of a session, made again the night after."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.beside import nightly
from livetrading.beside.again import decide_again
from livetrading.beside.nightly import delete_old_replays, replay_due, replay_session
from livetrading.models import BarDecision, DecisionReplay, Fill, LiveStrategy
from livetrading.models.decision_code import DecisionCode as Code
from strategies.kinds import kinds
from tests.livetrading.made_bars import CLOSES, DAYS, OPENS, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs

BARS = (10, 10, 12, 13, 12.5, 11.9, 11)
NIGHT = timedelta(hours=10)


def wall() -> Any:
    return WALL


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0, Costs(slippage_bps=5.0))
    return make_two_bar_strategy(alice, "AAPL", deployed_at=CLOSES[0])


def replayed(live: LiveStrategy, day: int) -> tuple[int, int]:
    """Decisions of that session and those that are the same again."""
    live.refresh_from_db()
    assert replay_session(live.pk, DAYS[day], CLOSES[day] + NIGHT, wall)
    row = DecisionReplay.objects.get(live_strategy=live, session=DAYS[day])
    assert row.error == ""
    return row.decisions, row.identical


def causes(live: LiveStrategy) -> list[tuple[str, int]]:
    """The cause and the number of the session of each difference."""
    rows = DecisionReplay.objects.filter(live_strategy=live).order_by("session")
    return [(each.cause, TIMES.index(each.bar_time)) for row in rows for each in row.differences.all()]


def test_a_desk_in_time_decides_the_same_again(live: LiveStrategy) -> None:
    """From the first hold over a purchase and a sale; a run does the sessions that are over, and each once."""
    store_bars(AAPL=flat(*BARS))
    for now in CLOSES[1:7]:
        step(live, now)
    assert replay_due(CLOSES[6], wall) == 6  # the night of the last one is not over, and the first had no check
    rows = list(
        DecisionReplay.objects.order_by("session").values_list("session", "decisions", "identical", "error")
    )
    assert rows == [(DAYS[0], 0, 0, "")] + [(DAYS[n], 1, 1, "") for n in range(1, 6)]
    assert replay_due(CLOSES[6], wall) == 0
    assert replay_due(CLOSES[6], wall, ended=True) == 1
    bought = DecisionReplay.objects.get(session=DAYS[3])
    assert (bought.fills, bought.fills_as_expected, bought.different) == (1, 1, 0)
    assert causes(live) == []


def test_what_is_held_already_and_what_the_rules_refuse_is_the_same_again(alice: User) -> None:
    open_account(alice, 1_000.0)
    symbols = ("AAPL", "GOOG", "IBM")
    live = make_two_bar_strategy(
        alice, *symbols, equity=1_000.0, deployed_at=CLOSES[0], position_size_pct=0.5, max_positions=1
    )
    store_bars(AAPL=flat(*BARS), GOOG=flat(*BARS), IBM=flat(*(100 * price for price in BARS)))
    for now in CLOSES[1:5]:
        step(live, now)
    codes = set(BarDecision.objects.values_list("code", flat=True))
    assert codes == {Code.HOLD, Code.ORDERED, Code.HELD, Code.MAX_POSITIONS}
    assert [replayed(live, day) for day in (2, 3, 4)] == [(3, 3)] * 3


def test_a_check_that_came_late_is_named(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(*BARS))
    step(live, CLOSES[1])
    step(live, CLOSES[3])  # two bars at once: the purchase of the first one is over
    assert [replayed(live, day) for day in (1, 2)] == [(1, 1), (1, 0)]
    assert causes(live) == [("late_check", 2)]
    assert live.user.notifications.filter(event="decisions_differ").count() == 1


def test_a_bar_without_a_check_differs_while_the_strategy_runs(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(*BARS))
    step(live, CLOSES[1])
    assert replayed(live, 2) == (1, 0)
    assert causes(live) == [("late_check", 2)]
    LiveStrategy.objects.update(status="stopped")
    assert replayed(live, 3) == (0, 0)


def test_a_corrected_bar_is_named_with_both_sides(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(*BARS[:3]))
    step(live, CLOSES[1])
    step(live, CLOSES[2])
    store_bars(AAPL=flat(10, 14, 12))  # the bar before was higher
    assert replayed(live, 2) == (1, 0)
    difference = DecisionReplay.objects.get(session=DAYS[2]).differences.get()
    then, now = difference.evidence["then"], difference.evidence["now"]
    assert (difference.cause, then["signal"], now["signal"]) == ("data_corrected", "buy", "hold")
    assert (then["close"], now["close"], then["Highest 2"], now["Highest 2"]) == (12.0, 12.0, 10.0, 14.0)
    assert then["bars"] != now["bars"]
    assert then["code"] == now["code"]


def test_a_corrected_close_changes_the_shares(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(*BARS[:3]))
    step(live, CLOSES[2])
    store_bars(AAPL=flat(10, 10, 11))
    assert replayed(live, 2) == (1, 0)
    difference = DecisionReplay.objects.get(session=DAYS[2]).differences.get()
    assert (difference.cause, difference.text) == ("data_corrected", "Buy 166 then, Buy 181 now.")


def test_a_bar_that_is_gone_and_one_that_came_later(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(*BARS[:3]))
    step(live, CLOSES[1])
    step(live, CLOSES[2])
    store_bars(AAPL=flat(*BARS[:2]))
    assert replayed(live, 2) == (1, 0)
    assert causes(live) == [("data_corrected", 2)]
    DecisionReplay.objects.all().delete()
    store_bars(AAPL=flat(*BARS[:3]))
    BarDecision.objects.filter(bar_time=TIMES[2]).delete()
    assert replayed(live, 2) == (1, 0)
    assert causes(live) == [("data_corrected", 2)]


def test_changed_code_is_named(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    store_bars(AAPL=flat(*BARS[:3]))
    step(live, CLOSES[2])
    kind = kinds()["donchian_breakout"]
    real = kind.signals_by_symbol

    def never(self: Any, bars: Any) -> Any:
        found = real(self, bars)
        for signals in found.values():
            signals.side[:] = 0
        return found

    monkeypatch.setattr(kind, "signals_by_symbol", never)
    monkeypatch.setattr("livetrading.beside.again.decision_code", lambda kind: "other")
    assert replayed(live, 2) == (1, 0)
    assert causes(live) == [("code_changed", 2)]


def test_a_fill_at_another_price_than_the_bars_is_the_brokers(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(*BARS))
    for now in CLOSES[1:4]:
        step(live, now)
    Fill.objects.update(price=Decimal("13.02"))
    assert replayed(live, 3) == (1, 1)
    row = DecisionReplay.objects.get()
    assert (row.fills, row.fills_as_expected, row.different) == (1, 0, 1)
    difference = row.differences.get()
    assert difference.cause == "brokers_price"
    assert difference.evidence["now"] == {"price": 13.0065, "open": 13.0, "bar": TIMES[3].isoformat()}
    row.delete()
    Fill.objects.update(time=OPENS[3] + timedelta(hours=1))
    replayed(live, 3)
    assert causes(live) == [("late_check", 3)]
    # The decisions are the same, so nobody is told.
    assert not live.user.notifications.filter(event="decisions_differ").exists()


def test_trouble_is_one_strategys_own(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    store_bars(AAPL=flat(*BARS))
    other = make_two_bar_strategy(live.user, "AAPL", deployed_at=CLOSES[0])
    for each in (live, other):
        check(each, CLOSES[1])

    def failing(which: LiveStrategy, *rest: Any) -> Any:
        if which.pk == live.pk:
            raise RuntimeError("no luck")
        return decide_again(which, *rest)

    monkeypatch.setattr(nightly, "decide_again", failing)
    assert replay_due(CLOSES[1] + NIGHT, wall) == 4
    errors = dict(DecisionReplay.objects.filter(session=DAYS[1]).values_list("live_strategy", "error"))
    assert "no luck" in errors[live.pk]
    assert errors[other.pk] == ""


def test_a_run_ends_in_time_and_another_one_goes_on(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(*BARS))
    for now in CLOSES[1:7]:
        check(live, now)
    passed = iter(WALL + timedelta(seconds=2 * n) for n in range(100))
    assert 0 < replay_due(CLOSES[6], lambda: next(passed)) < 6
    assert replay_due(CLOSES[6], wall) > 0
    assert DecisionReplay.objects.count() == 6


def test_old_rows_are_deleted_with_their_differences(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    store_bars(AAPL=flat(*BARS))
    for now in CLOSES[1:4]:
        check(live, now)
    replay_due(CLOSES[4], wall)
    monkeypatch.setattr(nightly, "ROWS_OF_A_RUN", 3)
    assert delete_old_replays(CLOSES[4] + timedelta(days=399)) == 0
    assert DecisionReplay.objects.count() == 4
    for _ in range(2):
        delete_old_replays(CLOSES[4] + timedelta(days=401))
    assert DecisionReplay.objects.count() == 0
