"""Summaries of the desk, of live strategies, of signals and of trading rules."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from livetrading.models import SignalHistory
from livetrading.models.order import OrderState
from livetrading.summaries import signals, strategies
from livetrading.summaries.desk import read_desk, working_orders
from livetrading.summaries.limits import limits_of
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    closed,
    make_backtest,
    make_desk_rows,
    make_live_strategy,
    make_live_trade,
    make_order,
    make_paper_trade,
    make_signal,
)
from tradedesk.accounts.models import User
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time

Outcome = SignalHistory.Outcome


def test_the_desk_summary_counts_strategies_and_todays_signals(alice: User, bob: User) -> None:
    live = make_live_strategy(user=alice)
    make_live_strategy(user=alice, status="paused")
    make_live_strategy(user=alice, status="stopped")
    make_live_strategy(user=alice, status="stopped")
    ordered = make_signal(live_strategy=live, outcome=Outcome.ORDERED, created_at=daily_time(TODAY))
    make_order(user=alice, live_strategy=live, signal=ordered)
    make_signal(live_strategy=live, created_at=NOW)
    make_signal(live_strategy=live, created_at=daily_time(TODAY) - timedelta(seconds=1))
    make_signal(live_strategy=make_live_strategy(user=bob), created_at=NOW)
    desk = read_desk(alice, NOW)
    assert (desk.active, desk.paused, desk.stopped, desk.strategies) == (1, 1, 2, 4)
    assert (desk.signals_today, desk.orders_today) == (2, 1)
    assert desk.account.mode == "paper"


def test_a_strategy_has_its_own_performance_lots_and_last_signal(alice: User) -> None:
    load_samples(WALL)
    first, second = make_live_strategy(user=alice), make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=first, **closed(NOW))
    make_paper_trade(user=alice, live_strategy=second, symbol="AAPL", entry_price=Decimal(1))
    make_signal(live_strategy=first)
    newest = make_signal(live_strategy=first)
    one, two = strategies.summarize_strategies(alice, alice.live_strategies.order_by("pk"), NOW)
    assert (one.performance.realized, one.performance.unrealized) == (Decimal(30), Decimal(0))
    assert one.lots == []
    assert (two.performance.realized, len(two.lots)) == (Decimal(0), 1)
    assert two.performance.unrealized == two.market_value - 10
    assert (one.last_signal, two.last_signal) == (newest, None)


def test_a_live_strategy_is_measured_on_live_trades(alice: User) -> None:
    live = make_live_strategy(user=alice, mode="live")
    make_live_trade(user=alice, live_strategy=live, **closed(NOW, exit_price=40))
    (summary,) = strategies.summarize_strategies(alice, alice.live_strategies.all(), NOW)
    assert summary.performance.realized == 100


def test_strategies_are_ordered_by_status_then_newest_first(alice: User) -> None:
    names = [("a", "stopped"), ("b", "active"), ("c", "paused"), ("d", "active")]
    for name, status in names:
        make_live_strategy(user=alice, name=name, status=status)
    assert [live.name for live in strategies.ordered(alice)] == ["d", "b", "c", "a"]


def test_the_queries_do_not_grow_with_the_strategies(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    load_samples(WALL)
    make_desk_rows(alice, 4)
    make_desk_rows(bob, 30)
    for user in (alice, bob):
        rows = list(strategies.ordered(user))
        with django_assert_num_queries(9):
            found = strategies.summarize_strategies(user, rows, NOW)
        assert all(row.last_signal and row.lots for row in found)


@pytest.mark.parametrize(
    ("outcome", "state", "expected"),
    [
        (Outcome.REFUSED, None, ("refused", "Refused", "Too much.")),
        (Outcome.RECORDED, None, ("recorded", "Recorded only", "Too much.")),
        (Outcome.ORDERED, OrderState.FILLED, ("filled", "Filled", "")),
        (Outcome.ORDERED, OrderState.BLOCKED, ("blocked", "Blocked", "No.")),
    ],
)
def test_the_outcome_of_a_signal_is_the_state_of_its_order(
    alice: User, outcome: str, state: OrderState | None, expected: tuple[str, str, str]
) -> None:
    signal = make_signal(live_strategy=make_live_strategy(user=alice), outcome=outcome, reason="Too much.")
    if state:
        make_order(user=alice, signal=signal, state=state, reason="No." if state == OrderState.BLOCKED else "")
    (summary,) = signals.summarize_signals(signals.with_orders(alice.signals.all()))
    assert (summary.outcome, summary.outcome_label, summary.reason) == expected


def test_working_orders_can_still_be_filled(alice: User) -> None:
    for state in OrderState:
        make_order(user=alice, state=state, symbol=state.value[:10])
    stop = make_order(user=alice, state="accepted", purpose="stop_loss", created_at=NOW + timedelta(days=1))
    found = list(working_orders(alice.orders.all()))
    expected = {"waiting", "guarded", "pending", "submitting", "unknown", "accepted"}
    expected |= {"partially_filled", "cancel_pending"}
    assert {order.state for order in found} == expected
    assert found[-1] == stop


def test_limits_mark_the_rules_that_differ_from_the_backtest(alice: User) -> None:
    rules = RiskRules(position_size_pct=0.475, max_positions=2, stop_loss_pct=0.1, take_profit_pct=0.3)
    backtest = make_backtest(user=alice, rules=rules.as_dict())
    live = make_live_strategy(user=alice, backtest=backtest, stop_loss_pct=0.1, take_profit_pct=0.3)
    limits = {limit.rule.name: limit for limit in limits_of(live)}
    assert {name for name, limit in limits.items() if limit.differs} == {"position_size_pct", "max_positions"}
    assert (limits["position_size_pct"].deployed, limits["position_size_pct"].tested) == (0.02, 0.475)
    limited = make_live_strategy(user=alice, backtest=backtest, max_position_size=Decimal(5000))
    assert "max_position_size" in {limit.rule.name for limit in limits_of(limited) if limit.differs}
    live.backtest = None
    assert not any(limit.differs for limit in limits_of(live))
