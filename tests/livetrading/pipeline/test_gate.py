"""The gate: mode, halt, account, status and limits hold back entries, each with its reason. Exits and protective
orders always go out. It is asked at the decision and right before sending."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from pytest_django import Settings

from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from livetrading.pipeline.codes import code_of
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.gate import Held, Verdict, gate
from livetrading.pipeline.tick import tick
from livetrading.services.mode import switch_mode
from tests.livetrading.factories import make_live_strategy, make_signal
from tests.livetrading.made_bars import CLOSES, NOW, flat, store_bars
from tests.livetrading.pipeline.desk import WALL
from tests.livetrading.pipeline.scripted_broker import (
    ScriptedBroker,
    connect,
    entry_of,
    exit_of,
    fresh,
    leg_of,
    run_reconcile,
)
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import Mode, User
from tradedesk.core.risk import Refusal
from tradedesk.core.rules import RiskRules
from tradedesk.notifications.models import Notification

S = OrderState
Close = Callable[[LiveStrategy, ScriptedBroker], object]


def other_mode(live: LiveStrategy, broker: ScriptedBroker) -> None:
    User.objects.update(mode=Mode.LIVE)


def halted(live: LiveStrategy, broker: ScriptedBroker) -> None:
    BrokerAccount.objects.update(entries_stopped_at=NOW, entries_stopped_reason="Losses")


def blocked(live: LiveStrategy, broker: ScriptedBroker) -> None:
    broker.blocked = "Margin call"
    BrokerAccount.objects.update(state="blocked", state_reason="Margin call")


def paused(live: LiveStrategy, broker: ScriptedBroker) -> None:
    LiveStrategy.objects.update(status="paused")


def stopped(live: LiveStrategy, broker: ScriptedBroker) -> None:
    LiveStrategy.objects.update(status="stopped")


def failed(live: LiveStrategy, broker: ScriptedBroker) -> None:
    LiveStrategy.objects.update(status="error")


def at_the_limit(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """Another lot is held, and that is all the strategy may hold."""
    LiveStrategy.objects.update(max_positions=1)
    broker.filled(entry_of(live, symbol="MSFT"), 10)
    run_reconcile(live, broker)


LIMIT = Refusal.MAX_POSITIONS.message(rules=RiskRules(max_positions=1))
# What holds back entries: the change, the gate's word, and the reason.
CLOSED = [
    (other_mode, Held.MODE, "This is a paper strategy, but your account is in live mode."),
    (halted, Held.HALT, "Entries of this account are stopped: Losses"),
    (blocked, Held.ACCOUNT, "The broker has blocked this account: Margin call"),
    (paused, Held.PAUSED, "The strategy is paused."),
    (stopped, Held.STOPPED, "The strategy is stopped."),
    (failed, Held.ERROR, "The strategy has stopped with an error."),
    (at_the_limit, Held.MAX_POSITIONS, LIMIT),
]
table = pytest.mark.parametrize(("close", "held", "reason"), CLOSED)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    return connect(monkeypatch, ScriptedBroker())


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def verdict(live: LiveStrategy, purpose: str, open_positions: int | None) -> Verdict:
    stored = LiveStrategy.objects.select_related("account", "user").get(pk=live.pk)
    return gate(purpose, stored.account, stored.user, stored, open_positions=open_positions)


@table
def test_the_gate_holds_back_entries_only(
    live: LiveStrategy, broker: ScriptedBroker, close: Close, held: Held, reason: str
) -> None:
    assert verdict(live, "entry", 0) == Verdict()
    close(live, broker)
    assert verdict(live, "entry", 1) == Verdict(held, reason)
    for purpose in ("exit", "stop_loss", "take_profit"):
        assert verdict(live, purpose, 1) == Verdict()


def test_the_decision_counts_the_positions_itself(live: LiveStrategy, broker: ScriptedBroker) -> None:
    at_the_limit(live, broker)
    assert verdict(live, "entry", None).open


def test_an_order_without_a_strategy_is_held_back_by_mode_halt_and_account(
    live: LiveStrategy, broker: ScriptedBroker
) -> None:
    for close, held in ((other_mode, Held.MODE), (halted, Held.HALT), (blocked, Held.ACCOUNT)):
        User.objects.update(mode=Mode.PAPER)
        BrokerAccount.objects.update(entries_stopped_at=None, state="connected")
        account = BrokerAccount.objects.select_related("user").get()
        assert gate("entry", account, account.user, None).open
        close(live, broker)
        account = BrokerAccount.objects.select_related("user").get()
        assert gate("entry", account, account.user, None).held == held


# --- Right before sending --------------------------------------------------------------------------------------


@table
def test_before_sending_only_the_entry_is_blocked(
    live: LiveStrategy, broker: ScriptedBroker, close: Close, held: Held, reason: str
) -> None:
    """The strategy holds AAPL with a stop and a target, which are sent again, and wants to buy IBM."""
    lot = entry_of(live, target=0.2)
    broker.filled(lot, 10)
    run_reconcile(live, broker)
    signal = make_signal(live_strategy=live, symbol="IBM", code=Code.ORDERED)
    entry = entry_of(live, state=S.PENDING, symbol="IBM", signal=signal)
    exits = [exit_of(lot, state=S.PENDING), leg_of(lot, "stop_loss"), leg_of(lot, "take_profit")]
    Order.objects.filter(pk__in=[order.pk for order in exits]).update(state=S.PENDING)
    close(live, broker)
    Notification.objects.all().delete()
    for order in (entry, *exits):
        execute_order(order.pk, CLOSES[1], WALL)
    assert (fresh(entry).state, entry.reason) == (S.BLOCKED, reason)
    assert SignalHistory.objects.get(order=entry).code == code_of(held)
    assert reason in Notification.objects.get(user=live.user).text
    assert [fresh(order).state for order in exits] == [S.ACCEPTED] * 3
    assert [request.client_order_id for request in broker.submitted] == [o.client_order_id for o in exits]


def test_after_the_switch_to_paper_a_live_entry_is_blocked_and_what_is_held_is_sold(
    alice: User, broker: ScriptedBroker, settings: Settings
) -> None:
    settings.LIVE_NEEDS_SECOND_FACTOR = False
    live = make_live_strategy(user=alice, mode=Mode.LIVE)
    BrokerAccount.objects.update(verified_at=WALL)
    switch_mode(alice, Mode.LIVE, confirmed=True, now=NOW, wall_now=WALL)
    lot = entry_of(live)
    broker.filled(lot, 10)
    run_reconcile(live, broker)
    entry, sale, stop = entry_of(live, state=S.PENDING, symbol="IBM"), exit_of(lot), leg_of(lot, "stop_loss")
    Order.objects.filter(pk__in=[sale.pk, stop.pk]).update(state=S.PENDING)
    switch_mode(alice, Mode.PAPER, now=NOW, wall_now=WALL)
    for order in (entry, sale, stop):
        execute_order(order.pk, CLOSES[1], WALL)
    reason = "This is a live strategy, but your account is in paper mode."
    assert (fresh(entry).state, entry.reason) == (S.BLOCKED, reason)
    assert [fresh(order).state for order in (sale, stop)] == [S.ACCEPTED] * 2


def test_before_sending_an_open_gate_lets_the_entry_pass(live: LiveStrategy, broker: ScriptedBroker) -> None:
    """The order itself does not count against the limit of positions."""
    LiveStrategy.objects.update(max_positions=1)
    entry = entry_of(live, state=S.PENDING)
    execute_order(entry.pk, CLOSES[1], WALL)
    assert (fresh(entry).state, len(broker.submitted)) == (S.ACCEPTED, 1)


# --- At the decision -------------------------------------------------------------------------------------------


def holding_aapl(user: User, broker: ScriptedBroker) -> LiveStrategy:
    """A strategy that holds AAPL; its fifth bar signals SELL for AAPL and BUY for IBM."""
    live = make_two_bar_strategy(user, "AAPL", "IBM", "MSFT")
    store_bars(AAPL=flat(10, 10, 12, 12, 11), IBM=flat(50, 50, 50, 50, 60), MSFT=flat(10, 10, 10, 10, 10))
    broker.filled(entry_of(live), 10)
    run_reconcile(live, broker)
    return live


@pytest.mark.parametrize(
    ("close", "held", "reason"), [row for row in CLOSED if row[1] not in (Held.ERROR, Held.STOPPED)]
)
def test_at_the_decision_the_buy_is_refused_and_the_sell_is_ordered(
    alice: User, broker: ScriptedBroker, close: Close, held: Held, reason: str
) -> None:
    live = holding_aapl(alice, broker)
    close(live, broker)
    (order_id,) = tick(live.account_id, CLOSES[4], WALL, only=(live.pk,)).orders
    assert Order.objects.get(pk=order_id).purpose == "exit"
    sell, buy = SignalHistory.objects.order_by("side").reverse()
    assert (sell.symbol, sell.side, sell.outcome, sell.reason) == ("AAPL", "sell", "ordered", "")
    assert (sell.code, buy.code) == (Code.ORDERED, code_of(held))
    assert (buy.symbol, buy.side, buy.outcome, buy.reason) == ("IBM", "buy", "refused", reason)
    execute_order(order_id, CLOSES[4], WALL)
    assert [request.side for request in broker.submitted] == ["sell"]


def test_at_the_decision_an_open_gate_orders_both(alice: User, broker: ScriptedBroker) -> None:
    live = holding_aapl(alice, broker)
    orders = [Order.objects.get(pk=pk) for pk in tick(live.account_id, CLOSES[4], WALL, only=(live.pk,)).orders]
    assert [(order.purpose, order.symbol) for order in orders] == [("exit", "AAPL"), ("entry", "IBM")]


def test_without_a_balance_entries_are_refused_and_exits_go_out(alice: User, broker: ScriptedBroker) -> None:
    live = holding_aapl(alice, broker)
    broker.failing["account"] = RuntimeError("The balance is not available")
    (order_id,) = tick(live.account_id, CLOSES[4], WALL, only=(live.pk,)).orders
    assert Order.objects.get(pk=order_id).purpose == "exit"
    buy = SignalHistory.objects.get(side="buy")
    assert (buy.outcome, buy.reason) == ("refused", "The broker did not report the account's equity.")
    assert buy.code == Code.NO_EQUITY
    account = BrokerAccount.objects.get()
    assert account.state == "degraded"
    assert "The balance is not available" in account.state_reason
    live.refresh_from_db()
    assert live.last_error == ""
    execute_order(order_id, CLOSES[4], WALL)
    assert broker.submitted[0].quantity == Decimal(100)
