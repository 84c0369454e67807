"""A receiver that hangs holds up neither a tick nor a notification."""

from collections.abc import Iterator
from threading import Thread

import pytest
from django.db import connection
from pytest_django import Settings

from livetrading.models import PaperTrade
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.notifications.factories import NOW, WALL, later, make_channel, tell
from tests.notifications.receiver import Receiver, receiving
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs
from tradedesk.notifications.models import Channel, Delivery
from tradedesk.notifications.outbox.send import send_due


@pytest.fixture
def hanging(settings: Settings) -> Iterator[Receiver]:
    settings.NOTIFY_PRIVATE_ADDRESSES = True
    with receiving() as running:
        running.hang = True
        yield running


@pytest.mark.django_db(transaction=True)
def test_ticks_go_on_and_their_notifications_wait_in_the_outbox(alice: User, hanging: Receiver) -> None:
    store_bars(AAPL=flat(10, 10, 12, 12, 11.5, 11.5))
    open_account(alice, 70_000, Costs(slippage_bps=5))
    live = make_two_bar_strategy(alice, "AAPL")
    make_channel(alice, hanging.url)
    tell(alice)

    def send() -> None:
        try:
            send_due(lambda: WALL, lambda: NOW, later(1))
        finally:
            connection.close()

    sender = Thread(target=send)
    sender.start()
    assert hanging.arrived.wait(60)
    for now in CLOSES[2:5]:
        step(live, now)
    # The order was filled and booked while the receiver holds the connection open.
    assert sender.is_alive()
    assert PaperTrade.objects.exists()
    assert Delivery.objects.filter(notification__event="order_filled", state="pending").exists()
    assert Delivery.objects.filter(state="sending").count() == 1
    hanging.released.set()
    sender.join(60)
    assert Channel.objects.get().failing_since == WALL
