"""A reset beside running workers: what belongs to the emptied records leaves nothing behind.

Each race is run with a reset of the replay and with one of the user's paper account.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from livetrading import tasks
from livetrading.brokers.simulation.broker import SimulatedBroker
from livetrading.models import (
    BrokerAccount,
    Fill,
    Incident,
    LiveStrategy,
    Order,
    OrderState,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
from livetrading.models.order import WORKING
from livetrading.pipeline import execute
from livetrading.pipeline import reconcile as reconcile_module
from livetrading.pipeline import tick as tick_module
from livetrading.pipeline.tick import tick
from livetrading.services.reset import reset_paper, reset_replay
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import at_day
from tests.livetrading.made_bars import CLOSES, DAYS, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.notifications.models import Notification

TABLES = (
    Fill,
    Incident,
    LiveStrategy,
    Notification,
    Order,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
)
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]
CASH = Decimal(100_000)
ATTEMPTS = 6
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(settings: Any) -> BrokerAccount:
    """The account of a user whose four symbols give a BUY at the close of the third session."""
    settings.REPLAY_START = date(2012, 3, 5).isoformat()
    user = User.objects.create_user("trader@example.com", "a password of no interest")
    bars = {symbol: flat(10, 10, 12, 13, 12, 9, 8) for symbol in SYMBOLS}
    store_bars("1Day", **bars)
    return open_account(user, float(CASH)).broker_account


def orders_at_third_close(account: BrokerAccount) -> list[str]:
    """Deploy, check, and return the orders that wait to be sent."""
    at_day(DAYS[2])
    make_two_bar_strategy(
        account.user, *SYMBOLS, position_size_pct=0.1, stop_loss_pct=0.05, next_check_at=CLOSES[2]
    )
    orders = [str(order_id) for order_id in tick(account.pk, CLOSES[2], WALL).orders]
    assert len(orders) == len(SYMBOLS)
    return orders


def replay_reset(user: User) -> int:
    return reset_replay(WALL)


def paper_reset(user: User) -> int:
    return reset_paper(user, CLOSES[2], WALL, by="test").strategies


def is_empty(account: BrokerAccount, reset: Callable[[User], int]) -> None:
    """Nothing is left in the records of the desk and of the broker, and the money is that of the start."""
    # What was notified before stays in the inbox, where the market goes on.
    tables = [model for model in TABLES if model is not Notification]
    own = {model.__name__: model._default_manager.filter(**_of(model, account)).count() for model in tables}
    assert own == dict.fromkeys((model.__name__ for model in tables), 0)
    if reset is replay_reset:
        assert not any(model._default_manager.exists() for model in TABLES)
    assert not Order.objects.filter(state__in=WORKING).exists()
    assert PaperAccount.objects.get(broker_account=account).cash == CASH
    account.refresh_from_db()
    assert (account.cash, account.equity, account.booked_cash, account.peak_equity) == (CASH,) * 4
    # A market time of the old run would count as later than every session of the new one.
    assert (account.reconciled_at, account.snapshot_at, account.fill_cursor) == (None, None, "")
    assert account.epoch == 2
    if reset is replay_reset:
        assert ReplayMarket.objects.get().session == DAYS[0]


def _of(model: Any, account: BrokerAccount) -> dict[str, object]:
    """Of this account, not of its archive."""
    if model in (PaperOrder, PaperFill):
        return {"account__broker_account": account}
    return {"live_strategy__account" if model is SignalHistory else "account": account}


def before(target: Any, name: str, reset: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset right before this function runs for the first time."""
    original, resets = getattr(target, name), [reset]

    def reset_first(*args: Any, **kwargs: Any) -> Any:
        if resets:
            resets.pop()()
        return original(*args, **kwargs)

    monkeypatch.setattr(target, name, reset_first)


@pytest.mark.each_value
@pytest.mark.parametrize("reset", [replay_reset, paper_reset])
@pytest.mark.parametrize(
    ("target", "name"),
    [
        (execute, "broker_for"),  # claimed and read, not looked at again
        (execute, "order_request"),
        (SimulatedBroker, "submit"),  # after the last look of the sender
    ],
)
def test_an_order_about_to_be_sent_is_refused(
    account: BrokerAccount,
    target: Any,
    name: str,
    reset: Callable[[User], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = orders_at_third_close(account)
    before(target, name, lambda: reset(account.user), monkeypatch)
    tasks.send_orders(orders[:1])
    is_empty(account, reset)


@pytest.mark.each_value
@pytest.mark.parametrize("reset", [replay_reset, paper_reset])
@pytest.mark.parametrize(
    ("target", "name"),
    [
        (tick_module, "reconcile"),
        (reconcile_module, "take_over_fill"),
        (SimulatedBroker, "open_orders"),
        (SimulatedBroker, "account"),
        (tick_module, "protect"),
        (tick_module, "evaluate"),
        (tick_module, "check_set"),
    ],
)
def test_a_running_tick_leaves_nothing(
    account: BrokerAccount,
    target: Any,
    name: str,
    reset: Callable[[User], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks.send_orders(orders_at_third_close(account))
    assert set(Order.objects.filter(purpose="entry").values_list("state", flat=True)) == {OrderState.ACCEPTED}
    before(target, name, lambda: reset(account.user), monkeypatch)
    result = tick(account.pk, CLOSES[3], WALL)
    assert result.orders == []
    is_empty(account, reset)


@pytest.mark.each_value
@pytest.mark.parametrize("reset", [replay_reset, paper_reset])
@pytest.mark.parametrize("attempt", range(ATTEMPTS))
def test_workers_and_a_reset_at_the_same_moment(
    account: BrokerAccount, attempt: int, reset: Callable[[User], int]
) -> None:
    """Some orders are at the broker and are filled now, the others are sent now."""
    orders = orders_at_third_close(account)
    tasks.send_orders(orders[:2])
    at_day(DAYS[3])
    results = at_once(
        lambda: tick(account.pk, CLOSES[3], WALL),
        lambda: tasks.send_orders(orders[2:]),
        lambda: reset(account.user),
        lambda: tick(account.pk, CLOSES[3], WALL),
    )
    assert results[2] == 1, results
    is_empty(account, reset)
