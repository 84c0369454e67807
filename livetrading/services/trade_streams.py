"""The connections to the streams of order updates of all accounts: one thread, one connection for each account.

It looks at the accounts every few seconds: new ones, revoked ones and new keys are followed then. A connection
that breaks is made again after a pause; keys that the broker refuses are tried again only once they were changed
or verified again. Whatever fails here costs some seconds until the account is reconciled anyway, so nothing of it
ends the thread.
"""

import asyncio
import contextlib
import logging
import random
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import close_old_connections, connections
from django.utils import timezone
from django.utils.module_loading import import_string

from livetrading.brokers.protocol import KeysRefused
from livetrading.credentials import Credentials, credentials_of
from livetrading.models import BrokerAccount
from livetrading.services import trade_updates
from tradedesk.encryption import NotDecrypted
from tradedesk.marketdata.clock import market_clock

log = logging.getLogger(__name__)

# Seconds between two looks at the accounts; within which messages are one nudge; and between two nudges.
LOOK, GATHER, REST = 3.0, 0.1, 0.4
# Seconds before a connection is made again, doubled with each failure. One that lasted STABLE was none.
SHORTEST, LONGEST, STABLE = 1.0, 60.0, 60.0
# Connections that may begin in a second when there are many at once.
BEGIN = 20.0
CONNECTING, REFUSED = "It is being connected.", "The broker refuses the keys. Test the account."

T = TypeVar("T")
Updates = Callable[[BrokerAccount, Credentials], AsyncGenerator[None]]
# The keys as they are stored, and when they were verified.
Stamp = tuple[str, datetime | None]


def pause_after(failures: int, chance: float) -> float:
    """Seconds. chance: from 0 to 1, so that not all accounts come back at once. Pure."""
    return float(min(SHORTEST * 2 ** min(failures - 1, 10), LONGEST) * (0.5 + chance / 2))


class TradeStreams:
    """`run` returns after `stop`, which any thread may call. problems: of each followed account why it is not
    connected, "" when it is."""

    def __init__(self) -> None:
        self.problems: dict[int, str] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._stamps: dict[int, Stamp] = {}
        self._told: set[int] = set()
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stored: tuple[dict[int, str], datetime] | None = None
        # One thread for the database, so that one that hangs stops no connection.
        self._database = ThreadPoolExecutor(1, "trade-updates")

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                asyncio.run(self._follow_all())
            except Exception:
                log.exception("The streams of order updates start over.")
                self._stopped.wait(LONGEST)
        self._database.submit(connections.close_all)
        self._database.shutdown(wait=False)

    def stop(self) -> None:
        self._stopped.set()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._wake.set)

    async def _follow_all(self) -> None:
        self._wake, self._message = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        passing = asyncio.create_task(self._pass_on())
        try:
            while not self._stopped.is_set():
                await self._look()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK)
        finally:
            await self._end([passing, *self._tasks.values()])
            self._tasks.clear()
            self._stamps.clear()
            self.problems.clear()

    async def _look(self) -> None:
        """Follow the accounts of this moment. Without a database those of before go on."""
        try:
            found = {account.pk: account for account in await self._ask(trade_updates.find_accounts)}
            stamps = {pk: (account.credentials, account.verified_at) for pk, account in found.items()}
            ended = [pk for pk, stamp in self._stamps.items() if not self._is_same(pk, stamp, stamps.get(pk))]
            await self._end([self._tasks.pop(pk) for pk in ended])
            for pk in ended:
                del self._stamps[pk], self.problems[pk]
            new = [account for pk, account in found.items() if pk not in self._stamps]
            for account in new:
                self._stamps[account.pk] = stamps[account.pk]
                self.problems[account.pk] = CONNECTING
                self._tasks[account.pk] = asyncio.create_task(self._follow(account, len(new) / BEGIN))
            await self._store()
        except Exception:
            log.warning("The accounts with streams of order updates could not be read.", exc_info=True)

    def _is_same(self, pk: int, old: Stamp, new: Stamp | None) -> bool:
        """A test of the account that passed verifies it anew: only refused keys are tried again then."""
        return new is not None and (old == new or (old[0] == new[0] and self.problems[pk] != REFUSED))

    async def _follow(self, account: BrokerAccount, within: float) -> None:
        await asyncio.sleep(within * random.random())  # noqa: S311 - no secret
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._listen(account)
                problem = "The broker closed the connection."
            except (KeysRefused, NotDecrypted):
                self._say(account, REFUSED)
                return
            except Exception as error:
                # Its text may repeat what was sent or heard.
                problem = f"The connection failed ({type(error).__name__})."
            self._say(account, problem)
            failures = 1 if loop.time() - began > STABLE else failures + 1
            await asyncio.sleep(pause_after(failures, random.random()))  # noqa: S311 - no secret

    async def _listen(self, account: BrokerAccount) -> None:
        updates: Updates = import_string(settings.BROKER_STREAMS[account.broker])
        credentials = await self._ask(partial(credentials_of, account))
        async with contextlib.aclosing(updates(account, credentials)) as stream:
            async for _ in stream:
                self._say(account, "")
                self._told.add(account.pk)
                self._message.set()

    def _say(self, account: BrokerAccount, problem: str) -> None:
        """A line for each change, not for each attempt."""
        before = self.problems[account.pk]
        self.problems[account.pk] = problem
        if problem and before in ("", CONNECTING):
            log.info("The stream of order updates of account %s is not connected. %s", account.pk, problem)
        elif not problem and before:
            log.info("The stream of order updates of account %s is connected.", account.pk)

    async def _pass_on(self) -> None:
        """Many messages, of many accounts, are one nudge."""
        while True:
            await self._message.wait()
            await asyncio.sleep(GATHER)
            self._message.clear()
            told, self._told = self._told, set()
            try:
                await self._ask(partial(_nudge, told))
            except Exception:
                log.warning("Accounts could not be marked as due.", exc_info=True)
            await asyncio.sleep(REST)

    async def _store(self) -> None:
        """What the health shows, once it has changed or is old."""
        problems, now = dict(self.problems), timezone.now()
        if self._stored is not None:
            before, at = self._stored
            if before == problems and abs(now - at) < trade_updates.STORED_EVERY:
                return
        await self._ask(partial(trade_updates.store_states, problems, now))
        self._stored = problems, now

    async def _ask(self, question: Callable[[], T]) -> T:
        def ask() -> T:
            close_old_connections()
            try:
                return question()
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._database, ask)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _nudge(account_ids: set[int]) -> None:
    trade_updates.nudge(account_ids, market_clock().now())
