"""The wall clock jumps back, or forth: leases, pauses and retries end all the same, and nothing is sent twice.

Checks are made in market time, so such a jump makes none of them twice.
"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.pipeline import fence
from livetrading.pipeline.backoff import must_wait
from livetrading.pipeline.dispatch import LONGEST_CLAIM, claim_due_accounts
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.requeue import LOST_MESSAGE, lost_orders
from livetrading.pipeline.tick import tick
from tests.livetrading.factories import NOW, account_of, make_live_strategy, make_order
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import WALL, open_account
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.notifications.factories import make_channel, tell
from tradedesk.accounts.models import User
from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.notifications.models import Channel, Delivery
from tradedesk.notifications.outbox.claims import LEASE, claim_batch
from tradedesk.wall_time import has_passed

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
S = OrderState


@given(st.timedeltas(-99 * HOUR, 99 * HOUR), st.timedeltas(SECOND, HOUR), st.timedeltas(-99 * HOUR, 99 * HOUR))
def test_a_pause_that_begins_ends_within_twice_its_length_whatever_the_clock_does(
    before: timedelta, pause: timedelta, jump: timedelta
) -> None:
    began = WALL + before
    assert not has_passed(began, pause, began)
    assert has_passed(began, pause, began + pause)
    assert has_passed(began, pause, began + jump + 2 * pause) or -2 * pause < jump + pause < timedelta(0)


@pytest.mark.parametrize("field", ["claimed_until", "quiet_until"])
def test_an_account_whose_claim_ends_in_the_far_future_is_claimed(alice: User, field: str) -> None:
    account_id = make_live_strategy(user=alice).account_id
    rows = BrokerAccount.objects.filter(pk=account_id)
    rows.update(**{field: WALL + LONGEST_CLAIM})
    assert claim_due_accounts(NOW, WALL - SECOND) == []
    assert claim_due_accounts(NOW, WALL) == []
    assert claim_due_accounts(NOW, WALL - HOUR) == [(account_id, WALL - HOUR + fence.LEASE)]


def test_entries_do_not_wait_for_a_back_off_in_the_far_future(alice: User) -> None:
    order = make_order(user=alice)
    BrokerAccount.objects.update(quiet_until=WALL + 30 * SECOND)
    assert must_wait(order.pk, WALL)
    assert not must_wait(order.pk, WALL - HOUR)


def test_orders_from_the_future_are_found_again(alice: User) -> None:
    waiting = make_order(user=alice)
    sending = make_order(user=alice, state=S.SUBMITTING)
    before = WALL - 24 * HOUR
    assert lost_orders(before) == []
    assert lost_orders(before + LOST_MESSAGE + SECOND) == [waiting.pk]
    lost_orders(before + fence.LOST_WORKER + SECOND)
    sending.refresh_from_db()
    assert sending.state == S.UNKNOWN


@pytest.mark.parametrize("jump", [-24 * HOUR, -HOUR, HOUR, 24 * HOUR])
def test_a_jump_between_check_and_sending_makes_one_order(alice: User, jump: timedelta) -> None:
    """The clock jumps after the check, again after the order was sent, and everything is done twice."""
    open_account(alice, 100_000.0)
    store_bars(AAPL=flat(10, 10, 12, 13))
    live = make_two_bar_strategy(alice, "AAPL", next_check_at=CLOSES[2])
    orders: list[object] = []
    for wall in (WALL, WALL + jump, WALL + jump, WALL):
        for account_id, _ in claim_due_accounts(CLOSES[2], wall):
            orders += tick(account_id, CLOSES[2], wall).orders
    [order_id] = orders
    for wall in (WALL + jump, WALL, WALL + jump):
        execute_order(order_id, CLOSES[2], wall)  # type: ignore[arg-type]
        for lost in lost_orders(wall + HOUR):
            execute_order(lost, CLOSES[2], wall + HOUR)
    order = Order.objects.get(purpose="entry")
    assert (order.state, order.attempts) == (S.ACCEPTED, 1)
    assert account_of(alice).paper_account.orders.count() == 1
    live.refresh_from_db()
    assert (live.last_check_at, live.next_check_at > CLOSES[2]) == (CLOSES[2], True)


def test_messages_of_the_outbox_are_sent_after_a_jump_back(alice: User) -> None:
    make_channel(alice)
    tell(alice)
    assert claim_batch(WALL) is not None
    assert claim_batch(WALL - LEASE / 2) is None
    assert claim_batch(WALL - HOUR) is not None
    Delivery.objects.update(state="pending", next_attempt_at=WALL + HOUR)
    Channel.objects.update(retry_at=WALL + HOUR)
    assert claim_batch(WALL) is None
    assert claim_batch(WALL - 48 * HOUR) is not None


def test_the_replay_goes_on_after_a_jump_back(db: None) -> None:
    replay.restart(WALL)
    first = ReplayMarket.objects.get().session
    assert not replay.advance(WALL + timedelta(milliseconds=1))
    assert replay.advance(WALL - 24 * HOUR)
    market = ReplayMarket.objects.get()
    assert (market.session > first, market.advanced_at) == (True, WALL - 24 * HOUR)
    assert not replay.advance(WALL - 24 * HOUR)
