"""Account rules in a real check and right before sending: each kind blocks, with its sentence stored.

The strategy wants to buy 166 AAPL at 12 for 2% of $100,000 at the close of session 2.
"""

from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from livetrading.brokers.protocol import Capabilities
from livetrading.models import AccountRule, BrokerAccount, LiveStrategy, Order, OrderState, SignalHistory
from livetrading.models.account_rule_kinds import KINDS
from livetrading.pipeline.allowance import Allowance, rules_before_sending
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.tick import tick
from tests.livetrading.factories import make_order, make_paper_trade
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy, signals_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import daily_time

ORDER = Decimal(166)


def rule(account: BrokerAccount, kind: str, limit: float | None = None, **values: Any) -> AccountRule:
    number = None if limit is None else Decimal(str(limit))
    return AccountRule.objects.create(account=account, kind=kind, limit=number, **values)


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(10, 10, 10, 10))
    return make_two_bar_strategy(alice, "AAPL")


def older_entries(live: LiveStrategy, count: int, **fields: Any) -> None:
    for _ in range(count):
        make_order(user=live.user, account=live.account, state=OrderState.FILLED, symbol="IBM", **fields)


# Of each kind: its values, what has happened before, and the sentence.
BLOCKS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "open_positions": (
        {"limit": 1},
        lambda live: make_order(
            user=live.user, account=live.account, state=OrderState.ACCEPTED, symbol="IBM", quantity=1
        ),
        "Max open positions: The number of positions with this entry is 2; the limit is 1.",
    ),
    "exposure_total": (
        {"limit": 0.015},
        None,
        "Total exposure: The total exposure with this entry is 2.0%; the limit is 1.5%.",
    ),
    "exposure_symbol": (
        {"limit": 0.015},
        None,
        "Exposure of one symbol: The exposure of AAPL with this entry is 2.0%; the limit is 1.5%.",
    ),
    "exposure_sector": (
        {"limit": 0.015},
        lambda live: live.user.symbol_sectors.create(symbol="AAPL", sector="Tech"),
        "Exposure of one sector: The exposure of the sector Tech with this entry is 2.0%; the limit is 1.5%.",
    ),
    "order_value": (
        {"limit": 1_991},
        None,
        "Order value: The value of this order is $1,992.00; the limit is $1,991.00.",
    ),
    "orders_per_day": (
        {"limit": 2},
        lambda live: older_entries(live, 2, created_at=daily_time(CLOSES[2].date())),
        "Orders per day: The number of entry orders today, with this one, is 3; the limit is 2.",
    ),
    "orders_per_minute": (
        {"limit": 1},
        lambda live: older_entries(live, 1, created_at=CLOSES[2]),
        "Orders per minute: The number of entry orders in a minute, with this one, is 2; the limit is 1.",
    ),
    "daily_loss_dollars": (
        {"limit": 100},
        lambda live: lose(101),
        "Daily loss limit ($): Today's loss of the account is $101.00; the limit is $100.00.",
    ),
    "daily_loss_pct": (
        {"limit": 0.001},
        lambda live: lose(101),
        "Daily loss limit (%): Today's loss of the account is 0.1%; the limit is 0.1%.",
    ),
    "max_drawdown_dollars": (
        {"limit": 100},
        lambda live: lose(101),
        "Entries of this account are stopped: The drawdown of the account is $101.00; the limit is $100.00.",
    ),
    "max_drawdown_pct": (
        {"limit": 0.001},
        lambda live: lose(101),
        "Entries of this account are stopped: The drawdown of the account is 0.1%; the limit is 0.1%.",
    ),
    "blocked_symbols": ({"symbols": ["AAPL"]}, None, "Blocked symbols: AAPL is blocked."),
    "trading_window": (
        {"window_start": time(9, 30), "window_end": time(16)},
        None,
        "Trading window: It is 16:00 in New York; entries go out from 09:30 to 16:00.",
    ),
    "min_price": ({"limit": 12.5}, None, "Minimum price: The last price of AAPL is $12.00; the limit is $12.50."),
    "min_average_volume": ({"limit": 5}, None, "Minimum average volume: The value that it limits is unknown."),
    "price_collar": (
        {"limit": 0.09},
        None,
        f"Price collar: {KINDS['price_collar'].about.format(symbol='AAPL')} is 25.0%; the limit is 9.0%.",
    ),
}
# Before sending alone: at the decision the last price is the close of the bar.
LATER = {"price_collar"}


def lose(dollars: float) -> None:
    """Since yesterday's report and the peak."""
    amount = Decimal(100_000 + dollars)
    BrokerAccount.objects.update(equity=amount, peak_equity=amount)


def test_every_kind_is_tested_in_this_file() -> None:
    assert set(BLOCKS) == set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in LATER])
def test_a_rule_blocks_at_the_decision(live: LiveStrategy, kind: str) -> None:
    values, before, sentence = BLOCKS[kind]
    made = rule(live.account, kind, **values)
    if before is not None:
        before(live)
    assert check(live, CLOSES[2]) == []
    assert signals_of(live) == [("AAPL", "buy", sentence)]
    stopped = sentence.startswith("Entries of this account")
    assert SignalHistory.objects.get().code == ("halted" if stopped else "account_rule")
    made.refresh_from_db()
    if not stopped:
        assert (made.blocked_count, made.last_blocked_at, made.last_blocked_reason) == (1, CLOSES[2], sentence)


@pytest.mark.parametrize("kind", sorted(BLOCKS))
def test_a_rule_that_is_made_after_the_decision_blocks_before_sending(live: LiveStrategy, kind: str) -> None:
    values, before, sentence = BLOCKS[kind]
    (order_id,) = check(live, CLOSES[2])
    made = rule(live.account, kind, **values)
    if kind == "price_collar":
        store_bars(AAPL=flat(10, 10, 15))
    if before is not None:
        before(live)
    if kind.startswith(("daily_loss", "max_drawdown")):
        BrokerAccount.objects.update(equity=100_000, day_start_equity=100_101, peak_equity=100_101)
        sentence = f"{KINDS[kind].label}: {sentence.split(': ', 1)[1]}"
    execute_order(order_id, CLOSES[2], WALL)
    order = Order.objects.get(pk=order_id)
    assert (order.state, order.reason) == (OrderState.BLOCKED, sentence)
    assert SignalHistory.objects.get().code == "account_rule"
    made.refresh_from_db()
    assert (made.blocked_count, made.last_blocked_at, made.last_blocked_reason) == (1, CLOSES[2], sentence)
    assert not live.account.paper_account.orders.exists()


def test_rules_that_are_far_away_or_off_change_nothing(live: LiveStrategy) -> None:
    for kind in KINDS.values():
        if kind.default is not None and kind.key != "min_average_volume":
            rule(live.account, kind.key, kind.default)
    rule(live.account, "blocked_symbols", symbols=["AAPL"], enabled=False)
    step(live, CLOSES[2])
    order = Order.objects.get(purpose="entry")
    assert (order.state, order.quantity) == (OrderState.ACCEPTED, ORDER)
    assert not AccountRule.objects.exclude(blocked_count=0).exists()


def test_an_exit_goes_out_whatever_the_rules_say(live: LiveStrategy) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12, 11))
    for now in CLOSES[2:4]:
        step(live, now)
    for kind, (values, _, _) in BLOCKS.items():
        rule(live.account, kind, **values)
    step(live, CLOSES[4])
    exit_ = Order.objects.get(purpose="exit")
    assert (exit_.state, exit_.quantity) == (OrderState.ACCEPTED, ORDER)


def test_an_entry_that_was_granted_counts_for_the_next_one(alice: User) -> None:
    """Of one strategy, of another one in the same set, and of one that is checked later."""
    account = open_account(alice, 100_000.0).broker_account
    symbols = ("AAPL", "CAT", "GE", "IBM")
    for symbol in symbols:
        store_bars("1Day", **{symbol: flat(10, 10, 12)})
    lives = [make_two_bar_strategy(alice, *symbols[:2]), make_two_bar_strategy(alice, symbols[2])]
    later = make_two_bar_strategy(alice, symbols[3])
    rule(account, "open_positions", 2)
    made = tick(account.pk, CLOSES[2], WALL, only=tuple(live.pk for live in lives)).orders
    assert len(made) == 2
    assert check(later, CLOSES[2]) == []
    sentence = "Max open positions: The number of positions with this entry is 3; the limit is 2."
    assert [reason for live in (*lives, later) for *_, reason in signals_of(live)] == ["", "", sentence, sentence]
    assert AccountRule.objects.get().blocked_count == 2


def test_what_is_being_sold_is_no_exposure_and_no_position(alice: User) -> None:
    account = open_account(alice, 100_000.0).broker_account
    live = make_two_bar_strategy(alice, "AAPL", "IBM")
    store_bars(AAPL=flat(10, 10, 12, 12, 11), IBM=flat(50, 50, 50, 50, 60))
    rule(account, "open_positions", 1)
    rule(account, "exposure_total", 0.021)
    for now in CLOSES[2:5]:
        step(live, now)
    assert signals_of(live) == [("AAPL", "buy", ""), ("AAPL", "sell", ""), ("IBM", "buy", "")]
    assert set(Order.objects.exclude(purpose="stop_loss").values_list("state", flat=True)) == {
        "filled",
        "accepted",
    }


def test_a_recorded_signal_uses_nothing_up(alice: User) -> None:
    account = open_account(alice, 100_000.0).broker_account
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(10, 10, 12))
    recorded = make_two_bar_strategy(alice, "AAPL", auto_execute=False)
    ordering = make_two_bar_strategy(alice, "IBM")
    rule(account, "open_positions", 1)
    tick(account.pk, CLOSES[2], WALL, only=(recorded.pk, ordering.pk))
    assert Order.objects.filter(purpose="entry").count() == 1
    assert signals_of(ordering) == [("IBM", "buy", "")]


def test_a_rule_of_a_kind_that_the_desk_no_longer_has_is_ignored(live: LiveStrategy) -> None:
    rule(live.account, "moon_phase", 1)
    assert len(check(live, CLOSES[2])) == 1


def test_the_rules_of_another_account_do_not_count(live: LiveStrategy, bob: User) -> None:
    rule(open_account(bob, 1_000.0).broker_account, "blocked_symbols", symbols=["AAPL"])
    assert len(check(live, CLOSES[2])) == 1


def test_the_number_of_queries_depends_neither_on_lots_nor_on_orders_and_rules(live: LiveStrategy) -> None:
    live.user.symbol_sectors.create(symbol="AAPL", sector="Tech")
    rule(live.account, "open_positions", 1_000)
    counts = []
    for number in (1, 20):
        for _ in range(number):
            make_paper_trade(user=live.user, live_strategy=live)
            order = make_order(user=live.user, account=live.account, live_strategy=live, created_at=CLOSES[1])
        account = BrokerAccount.objects.select_related("user").get()
        order = Order.objects.select_related("account__user", "signal").get(pk=order.pk)
        with CaptureQueriesContext(connection) as read:
            Allowance.read(account, Capabilities(), (), CLOSES[2])
        with CaptureQueriesContext(connection) as sending:
            assert rules_before_sending(order, CLOSES[2]).open
        counts.append((len(read), len(sending)))
        if number == 1:
            for kind in ("exposure_total", "exposure_symbol", "orders_per_day", "daily_loss_pct", "price_collar"):
                rule(live.account, kind, 1_000)
    assert counts[0] == counts[1]
