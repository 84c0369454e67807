"""The streams of all accounts in one thread: who is followed, what a message does, and what happens when a
connection fails. Without a database and without a network."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from livetrading.brokers.protocol import KeysRefused
from livetrading.credentials import Credentials
from livetrading.models import BrokerAccount
from livetrading.services import trade_streams, trade_updates
from livetrading.services.trade_streams import REFUSED, SHORTEST, TradeStreams, pause_after
from tests.livetrading.keyed_broker import KEYS
from tradedesk.encryption import NotDecrypted

PATIENCE = 30.0
VERIFIED = datetime(2026, 1, 5, 12, tzinfo=UTC)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@dataclass
class Wire:
    """What the streams find and do. accounts: those that should be followed. scripts: by account what happens on
    its connections: "message", "close", or an error. opened: the accounts of the connections so far, open: of
    those that are open. nudges: the accounts of each nudge. stored: the last states. away: why there is no
    database."""

    accounts: list[BrokerAccount] = field(default_factory=list)
    scripts: dict[int, list[str | Exception]] = field(default_factory=dict)
    opened: list[int] = field(default_factory=list)
    open: Counter[int] = field(default_factory=Counter)
    nudges: list[set[int]] = field(default_factory=list)
    stored: dict[int, str] = field(default_factory=dict)
    away: Exception | None = None

    def find(self) -> list[BrokerAccount]:
        if self.away is not None:
            raise self.away
        return list(self.accounts)

    def add(self, pk: int, *script: str | Exception) -> BrokerAccount:
        self.scripts[pk] = list(script)
        account = BrokerAccount(pk=pk, broker="alpaca", mode="paper", credentials="stored", verified_at=VERIFIED)
        self.accounts = [*self.accounts, account]
        return account

    def change(self, pk: int, **fields: object) -> None:
        """Another look finds the account with these fields."""
        (old,) = (each for each in self.accounts if each.pk == pk)
        values = {name: getattr(old, name) for name in ("pk", "broker", "mode", "credentials", "verified_at")}
        changed = BrokerAccount(**(values | fields))
        self.accounts = [changed if each.pk == pk else each for each in self.accounts]

    async def updates(self, account: BrokerAccount, _credentials: Credentials) -> AsyncGenerator[None]:
        self.opened.append(account.pk)
        script = self.scripts[account.pk]
        if script and isinstance(script[0], Exception):
            raise script.pop(0)  # type: ignore[misc] # the same one
        self.open[account.pk] += 1
        try:
            yield
            while script:
                step = script.pop(0)
                if isinstance(step, Exception):
                    raise step
                if step == "close":
                    return
                if step == "message":
                    yield
            await asyncio.Event().wait()
        finally:
            self.open[account.pk] -= 1


WIRE = Wire()


def updates(account: BrokerAccount, credentials: Credentials) -> AsyncGenerator[None]:
    return WIRE.updates(account, credentials)


@pytest.fixture
def wire(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Wire:
    settings.BROKER_STREAMS = {"alpaca": f"{__name__}.updates"}
    found = Wire()
    monkeypatch.setitem(globals(), "WIRE", found)
    monkeypatch.setattr(trade_streams, "LOOK", 0.02)
    monkeypatch.setattr(trade_streams, "REST", 0.02)
    monkeypatch.setattr(trade_streams, "SHORTEST", 0.01)
    monkeypatch.setattr(trade_streams, "BEGIN", 1000.0)
    monkeypatch.setattr(trade_streams, "credentials_of", lambda account: KEYS)
    monkeypatch.setattr(trade_streams, "close_old_connections", lambda: None)
    monkeypatch.setattr(trade_streams, "_nudge", lambda ids: found.nudges.append(set(ids)))
    monkeypatch.setattr(trade_updates, "find_accounts", lambda: found.find())
    monkeypatch.setattr(trade_updates, "store_states", lambda problems, now: found.stored.update(problems))
    return found


@pytest.fixture
def streams(wire: Wire) -> Iterator[TradeStreams]:
    running = TradeStreams()
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    yield running
    running.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not +wire.open


def test_a_pause_grows_to_a_minute_and_differs_between_accounts() -> None:
    assert [pause_after(failures, 1.0) for failures in (1, 2, 3, 7, 1000)] == [SHORTEST, 2, 4, 60, 60]
    assert pause_after(1, 0.0) == SHORTEST / 2


def test_each_account_has_one_connection_and_is_nudged_once_it_is_open(wire: Wire, streams: TradeStreams) -> None:
    wire.add(1)
    wire.add(2)
    until(lambda: set().union(*wire.nudges) == {1, 2})
    until(lambda: wire.stored == {1: "", 2: ""})
    assert sorted(wire.opened) == [1, 2]


def test_many_messages_are_one_nudge(wire: Wire, streams: TradeStreams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade_streams, "GATHER", 0.5)
    wire.add(1, *["message"] * 500)
    wire.add(2)
    until(lambda: wire.nudges)
    assert wire.nudges == [{1, 2}]


def test_a_connection_that_breaks_is_made_again(wire: Wire, streams: TradeStreams) -> None:
    wire.add(1, "message", "close", OSError("refused"), TimeoutError(), "message")
    until(lambda: len(wire.opened) == 4 and wire.open[1] == 1)
    until(lambda: wire.stored == {1: ""})


def test_an_account_that_fails_says_why_and_disturbs_no_other(wire: Wire, streams: TradeStreams) -> None:
    wire.add(1, *[OSError("planted-secret")] * 1000)
    wire.add(2)
    until(lambda: wire.stored == {1: "The connection failed (OSError).", 2: ""})


def test_a_failing_stream_is_one_line_in_the_log(
    wire: Wire, streams: TradeStreams, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    wire.add(1, *[OSError("planted-secret")] * 5)
    until(lambda: wire.stored == {1: ""})
    lines = [each.getMessage() for each in caplog.records if each.name == trade_streams.__name__]
    assert len(lines) == 2
    assert "planted-secret" not in caplog.text


@pytest.mark.parametrize("error", [KeysRefused("401"), NotDecrypted("no key")])
def test_refused_keys_are_not_tried_again_until_they_change(
    wire: Wire, streams: TradeStreams, error: Exception
) -> None:
    wire.add(1, error)
    until(lambda: wire.stored == {1: REFUSED})
    time.sleep(0.2)
    assert wire.opened == [1]
    wire.change(1, credentials="new")
    until(lambda: wire.stored == {1: ""})


def test_refused_keys_are_tried_again_once_they_were_verified(wire: Wire, streams: TradeStreams) -> None:
    wire.add(1, KeysRefused("401"))
    until(lambda: wire.stored == {1: REFUSED})
    wire.change(1, verified_at=VERIFIED + timedelta(hours=1))
    until(lambda: wire.stored == {1: ""})


def test_new_keys_are_a_new_connection_and_a_new_test_is_none(wire: Wire, streams: TradeStreams) -> None:
    wire.add(1)
    until(lambda: wire.open[1] == 1)
    wire.change(1, verified_at=VERIFIED + timedelta(hours=1))
    time.sleep(0.2)
    assert wire.opened == [1]
    wire.change(1, credentials="new")
    until(lambda: wire.opened == [1, 1] and wire.open[1] == 1)


def test_a_revoked_account_is_not_followed_any_more(wire: Wire, streams: TradeStreams) -> None:
    wire.add(1)
    until(lambda: wire.open[1] == 1)
    wire.accounts = []
    until(lambda: wire.open[1] == 0)
    until(lambda: streams.problems == {})


def test_without_the_database_the_connections_go_on(wire: Wire, streams: TradeStreams) -> None:
    wire.add(1)
    until(lambda: wire.open[1] == 1)
    wire.away = OSError("the database is away")
    time.sleep(0.2)
    assert (wire.opened, wire.open[1]) == ([1], 1)
    wire.away = None
    wire.add(2)
    until(lambda: wire.open[2] == 1)
