"""From an update of Alpaca's stream to the account that is due at once, through the real parts."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from livetrading.credentials import Credentials, store_credentials
from livetrading.models import BrokerAccount, TradeStream
from livetrading.pipeline.dispatch import NUDGED_EVERY, claim_due_accounts
from livetrading.services import trade_streams
from livetrading.services.trade_streams import REFUSED, TradeStreams
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_stream import PATIENCE, until
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tradedesk.accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)


class DeskClock:
    def __init__(self, desk: AlpacaDesk) -> None:
        self.now = lambda: desk.now


@pytest.fixture
def desk(
    server: AlpacaServer, transactional_db: None, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> AlpacaDesk:
    """An entry of 100 shares at Alpaca, which the session has not filled yet."""
    desk = alpaca_desk(server, alice, settings)
    BrokerAccount.objects.filter(pk=desk.account.pk).update(verified_at=desk.wall)
    monkeypatch.setattr(trade_streams, "market_clock", lambda: DeskClock(desk))
    for name, seconds in {"LOOK": 0.05, "REST": 0.02, "SHORTEST": 0.05}.items():
        monkeypatch.setattr(trade_streams, name, seconds)
    desk.deploy()
    desk.order_entries()
    desk.open_day(10)
    return desk


@pytest.fixture
def streams(desk: AlpacaDesk) -> Iterator[TradeStreams]:
    running = TradeStreams()
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    yield running
    running.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def nudged(desk: AlpacaDesk) -> bool:
    """Whether the desk was told of something at this moment."""
    return TradeStream.objects.filter(account=desk.account, nudged_at=desk.now).exists()


def settle(desk: AlpacaDesk) -> None:
    """A tick at this moment, after which nothing is due for a while."""
    desk.tick()
    desk.set_time(desk.now + NUDGED_EVERY)
    assert claim_due_accounts(desk.now, desk.wall) == []


def is_due(desk: AlpacaDesk) -> bool:
    return [pk for pk, _ in claim_due_accounts(desk.now, desk.wall + timedelta(hours=1))] == [desk.account.pk]


def test_a_fill_makes_the_account_due_at_once_and_the_tick_books_it(
    desk: AlpacaDesk, server: AlpacaServer, streams: TradeStreams
) -> None:
    until(lambda: nudged(desk))  # the stream is open
    settle(desk)
    desk.books.work()
    until(lambda: nudged(desk))
    assert desk.trades() == []  # nothing is booked from a message
    assert is_due(desk)
    desk.tick()
    assert [trade.quantity for trade in desk.trades()] == [100]
    desk.check_books()


def test_what_happened_while_the_connection_was_broken_is_looked_for(
    desk: AlpacaDesk, server: AlpacaServer, streams: TradeStreams
) -> None:
    until(lambda: nudged(desk))
    settle(desk)
    with server.market.lock:
        server.drop_streams()
        desk.books.work()
    until(lambda: nudged(desk))
    assert is_due(desk)


def test_garbage_tells_nothing(desk: AlpacaDesk, server: AlpacaServer, streams: TradeStreams) -> None:
    until(lambda: nudged(desk))
    settle(desk)
    server.stream_noise = [b"not JSON", b"[1]", b'{"stream": "listening"}']
    until(lambda: [each.noise for each in server.sessions] == [3])
    desk.books.work()
    until(lambda: nudged(desk))
    assert len(server.sessions) == 1  # the connection is the same


def test_wrong_keys_stop_the_stream_until_they_are_replaced(
    desk: AlpacaDesk, server: AlpacaServer, streams: TradeStreams
) -> None:
    account = desk.account
    until(lambda: server.listening)
    store_credentials(account, Credentials(key_id=desk.books.key, secret="planted-wrong-secret"))
    BrokerAccount.objects.filter(pk=account.pk).update(verified_at=desk.wall)
    until(lambda: TradeStream.objects.filter(account=account, problem=REFUSED, seen_at=None).exists())
    assert server.listening == []
    store_credentials(account, Credentials(key_id=desk.books.key, secret=desk.books.secret))
    BrokerAccount.objects.filter(pk=account.pk).update(verified_at=desk.wall)
    until(lambda: TradeStream.objects.filter(account=account, problem="", seen_at__isnull=False).exists())
    assert len(server.listening) == 1
