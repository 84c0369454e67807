"""A set of strategies decides what its members would decide in turn, and one that fails is taken out."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetrading.models import LiveStrategy, Order, SignalHistory
from livetrading.pipeline import checks as checks_module
from livetrading.pipeline import tick as tick_module
from livetrading.pipeline.decide import decide
from livetrading.pipeline.evaluate import evaluate
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.failures import FIRST_RETRY
from livetrading.pipeline.reconcile import reconcile
from livetrading.pipeline.tick import SET, tick
from strategies.kinds import Kind, kinds
from tests.livetrading.made_bars import CLOSES, TIMES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account, put_bars
from tests.livetrading.pipeline.test_lots import rolled_back
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars

SYMBOLS = ["AAPL", "IBM", "MSFT"]
SESSIONS = 10


def ticks(account_id: int, now: datetime, groups: Iterable[tuple[int, ...]]) -> list[Any]:
    """The orders to send, of one tick for each group of strategies."""
    return [order for group in groups for order in tick(account_id, now, WALL, only=group).orders]


def state_of(user: User, to_send: Iterable[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a check decides or notes, without the random ids of orders."""
    key = ("live_strategy", "symbol", "bar_time", "side")
    signals = SignalHistory.objects.filter(user=user).order_by(*key)
    orders = Order.objects.filter(user=user).order_by("live_strategy", "created_at", "symbol", "purpose")
    progress = ("last_bar_time", "evaluated_bars", "next_check_at", "last_check_at", "last_error", "failures")
    profit = ("session", "session_start_pnl", "last_pnl", "peak_pnl", "realized_pnl")
    return {
        "signals": list(signals.values_list(*key, "strength", "price", "explanation", "outcome", "reason")),
        "orders": list(
            orders.values_list(
                "live_strategy",
                "symbol",
                "purpose",
                "side",
                "quantity",
                "state",
                "type",
                "priority",
                "distance",
                "signal__bar_time",
                "opening_order__symbol",
                "created_at",
            )
        ),
        "to send": sorted(orders.filter(pk__in=list(to_send)).values_list("live_strategy", "symbol", "side")),
        "strategies": list(user.live_strategies.order_by("pk").values_list("pk", *progress, *profit)),
    }


def send(to_send: Iterable[Any], now: datetime) -> None:
    """In an order that does not depend on how the orders were decided."""
    orders = Order.objects.filter(pk__in=list(to_send)).order_by("-side", "live_strategy", "symbol")
    for order in orders:
        execute_order(order.pk, now, WALL)


MEMBER = st.fixed_dictionaries(
    {
        "parameters": st.sampled_from([{"entry": 2, "exit": 2}, {"entry": 3, "exit": 2}, {"entry": 3, "exit": 3}]),
        "symbols": st.sets(st.sampled_from(SYMBOLS), min_size=1).map(sorted),
        "max_positions": st.integers(1, 3),
        "position_size_pct": st.sampled_from([0.02, 0.2, 0.5]),
        "stop_loss_pct": st.sampled_from([0.02, 0.5]),
        "daily_loss_limit": st.sampled_from([None, 50]),
        "auto_execute": st.sampled_from([True, True, True, False]),
        "fractional": st.booleans(),
    }
)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(MEMBER, st.integers(2, SESSIONS - 2)), min_size=2, max_size=5), st.integers(0, 1_000_000)
)
def test_a_set_decides_what_its_members_would_decide_in_turn(
    alice: User, members: list[tuple[dict[str, Any], int]], seed: int
) -> None:
    """On the same random bars, from the first session to the last. Each member has a session at which it is not
    checked, so that it evaluates two bars at the next one."""
    random = Random(seed)
    bars = {symbol: flat(*(random.randint(80, 120) for _ in range(SESSIONS))) for symbol in SYMBOLS}
    with rolled_back():
        put_bars(bars)
        account = open_account(alice, 20_000.0).broker_account_id
        skips: dict[int, int] = {}
        for fields, skipped in members:
            rest = {name: value for name, value in fields.items() if name != "symbols"}
            live = make_two_bar_strategy(alice, *fields["symbols"], **rest)
            skips[live.pk] = skipped
        for row in range(2, SESSIONS):
            ids = [pk for pk, skipped in skips.items() if skipped != row]
            if not ids:
                continue
            with transaction.atomic():
                alone = ticks(account, CLOSES[row], [(pk,) for pk in ids])
                expected = state_of(alice, alone)
                transaction.set_rollback(True)
            together = ticks(account, CLOSES[row], [tuple(ids)])
            assert state_of(alice, together) == expected
            send(together, CLOSES[row])


def test_the_exits_of_a_set_are_sent_first(alice: User) -> None:
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 10, 12, 12, 11), IBM=flat(50, 50, 50, 50, 60))
    buyer, seller = (make_two_bar_strategy(alice, symbol) for symbol in ("IBM", "AAPL"))
    for row in (2, 3):
        send(ticks(seller.account_id, CLOSES[row], [(seller.pk,)]), CLOSES[row])
    orders = ticks(seller.account_id, CLOSES[4], [(buyer.pk, seller.pk)])
    assert [Order.objects.get(pk=pk).purpose for pk in orders] == ["exit", "entry"]


# --- Members that fail -----------------------------------------------------------------------------------------


LAST = 5


@pytest.fixture
def members(alice: User) -> list[LiveStrategy]:
    """Three that buy AAPL at the close of session LAST."""
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 10, 10, 10, 10, 12))
    # Different parameters, because strategies with equal ones share their signals.
    return [make_two_bar_strategy(alice, "AAPL", parameters={"entry": n, "exit": 2}) for n in (2, 3, 4)]


def check_all(members: list[LiveStrategy], row: int = LAST) -> list[Any]:
    return ticks(members[0].account_id, CLOSES[row], [tuple(live.pk for live in members)])


def assert_only_the_second_failed(members: list[LiveStrategy], text: str) -> None:
    first, bad, last = members
    for live in members:
        live.refresh_from_db()
    assert [signals_of(live) for live in members] == [[("AAPL", "buy", "")], [], [("AAPL", "buy", "")]]
    assert [live.orders.count() for live in members] == [2, 0, 2]
    assert [live.failures for live in members] == [0, 1, 0]
    assert (first.last_error, last.last_error) == ("", "")
    assert text in bad.last_error
    assert (bad.last_bar_time, bad.last_check_at) == (None, CLOSES[LAST])
    assert bad.next_check_at == CLOSES[LAST] + FIRST_RETRY


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ({"kind": "deleted-kind"}, "deleted-kind"),
        ({"parameters": {"entry": 0, "exit": 2}}, "must be between"),
        ({"parameters": {"unknown": 1}}, "unknown"),
    ],
)
def test_a_member_with_bad_parameters_is_taken_out(
    members: list[LiveStrategy], broken: dict[str, Any], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    LiveStrategy.objects.filter(pk=members[1].pk).update(**broken)
    assert len(check_all(members)) == 2
    assert_only_the_second_failed(members, text)
    assert str(members[1].pk) in caplog.text


@pytest.mark.parametrize("method", ["warmup", "signals"])
def test_a_member_whose_kind_raises_is_taken_out(
    members: list[LiveStrategy], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """A trader's own kind may raise anywhere."""
    kind = kinds()["donchian_breakout"]
    real = getattr(kind, method)

    def broken(self: Kind, *arguments: Bars) -> Any:
        if self.parameters["entry"] == 3:
            raise ZeroDivisionError("The average of nothing")
        return real(self, *arguments)

    monkeypatch.setattr(kind, method, broken)
    assert len(check_all(members)) == 2
    assert_only_the_second_failed(members, "The average of nothing")


def test_a_member_whose_rows_cannot_be_written_is_taken_out(
    members: list[LiveStrategy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses a row of the second one."""
    real = checks_module._signal

    def too_long(live: LiveStrategy, *rest: Any) -> SignalHistory:
        signal = real(live, *rest)
        if live.pk == members[1].pk:
            signal.symbol = "A" * 16
        return signal

    monkeypatch.setattr(checks_module, "_signal", too_long)
    assert len(check_all(members)) == 2
    assert_only_the_second_failed(members, "value too long")


def test_a_member_whose_decision_raises_is_taken_out(
    members: list[LiveStrategy], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = decide

    def broken(events: Any, book: Any, rules: Any, *rest: Any) -> Any:
        if rules.max_positions == 7:
            raise ValueError("cannot decide")
        return real(events, book, rules, *rest)

    monkeypatch.setattr(checks_module, "decide", broken)
    LiveStrategy.objects.filter(pk=members[1].pk).update(max_positions=7)
    assert len(check_all(members)) == 2
    assert_only_the_second_failed(members, "cannot decide")


def test_a_failed_member_decides_again_when_it_is_mended(members: list[LiveStrategy]) -> None:
    bad = members[1]
    LiveStrategy.objects.filter(pk=bad.pk).update(kind="deleted-kind")
    check_all(members)
    bad.refresh_from_db()
    assert (bad.failures, bad.status) == (1, "error")
    LiveStrategy.objects.filter(pk=bad.pk).update(kind="donchian_breakout", status="active")
    assert len(check_all(members)) == 1
    bad.refresh_from_db()
    assert (bad.failures, bad.last_error, bad.last_bar_time) == (0, "", TIMES[LAST])


def test_a_member_deleted_while_it_is_evaluated_does_not_stop_the_others(
    members: list[LiveStrategy], monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete_and_evaluate(each: Iterable[LiveStrategy], now: datetime) -> Any:
        LiveStrategy.objects.filter(pk=members[1].pk).delete()
        return evaluate(each, now)

    monkeypatch.setattr(tick_module, "evaluate", delete_and_evaluate)
    assert len(check_all(members)) == 2
    assert [signals_of(live) for live in members] == [[("AAPL", "buy", "")], [], [("AAPL", "buy", "")]]


def test_a_tick_checks_a_limited_set_with_the_most_overdue_first(
    members: list[LiveStrategy], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(members) < SET
    monkeypatch.setattr(tick_module, "SET", 2)
    monkeypatch.setattr(tick_module, "SETS_SECONDS", 0.0)
    for live, hours in zip(members, (1, 3, 2), strict=True):
        LiveStrategy.objects.filter(pk=live.pk).update(next_check_at=CLOSES[LAST] - timedelta(hours=hours))
    first = tick(members[0].account_id, CLOSES[LAST], WALL)
    assert (len(first.orders), first.more) == (2, True)
    assert [bool(signals_of(live)) for live in members] == [False, True, True]
    second = tick(members[0].account_id, CLOSES[LAST], WALL)
    assert (len(second.orders), second.more) == (1, False)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_while_there_is_time_a_tick_checks_further_sets_after_one_reconciliation(
    members: list[LiveStrategy], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(tick_module, "SET", size)
    monkeypatch.setattr(tick_module, "SETS_SECONDS", 600.0)
    counted = Mock(wraps=reconcile)
    monkeypatch.setattr(tick_module, "reconcile", counted)
    LiveStrategy.objects.update(next_check_at=CLOSES[LAST])
    result = tick(members[0].account_id, CLOSES[LAST], WALL)
    assert (len(result.orders), result.more, counted.call_count) == (3, False, 1)
    assert all(signals_of(live) for live in members)
