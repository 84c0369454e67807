"""Alpaca's hosts for a desk in a process of its own: paper, live and market data, each a stand-in, in a session
that goes on while the test runs."""

import threading
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import numpy as np

from tests.alpaca_server.data import MarketData
from tests.alpaca_server.data_routes import routes_of
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.specification import violations
from tradedesk.core.bars import Bars, Times, to_datetime64
from tradedesk.marketdata import sessions

SYMBOL, PRICE = "AAPL", 100.0
PAPER_KEY, LIVE_KEY = "PKNEWCOMER0000PAPER1", "AKNEWCOMER00000LIVE1"
CASH = {PAPER_KEY: "100000", LIVE_KEY: "25842.18"}
# How long the session has gone on when the test begins, and the sessions before it that have bars.
RUNNING, BEFORE = timedelta(minutes=30), 3
MINUTE = timedelta(minutes=1)
# Seconds between two looks of the hosts at the clock and at their orders.
PULSE = 0.1


class AlpacaHosts:
    """`with AlpacaHosts() as hosts:`. shift: from the wall clock to the session before today's, so that the market
    is open at any hour. environment: of a desk with that clock and these hosts."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        days = sessions.sessions_between((now - timedelta(days=20)).date(), (now - timedelta(days=1)).date())
        self.shift = sessions.session_open(days[-1].item()) + RUNNING - now
        self.data = MarketData(self.now)
        self.data.add(SYMBOL, "1Min", _minutes(days[-1 - BEFORE :]))
        self.paper, self.live, self._prices = AlpacaServer(), AlpacaServer(), AlpacaServer()
        self._prices.routes += routes_of(self.data)
        for server in self._servers:
            server.market.now = self.now()
            server.list_assets(**{SYMBOL: PRICE})
        self.on_paper, self.with_money = (
            server.open_account(key, cash, number=f"{server is self.live:d}234824821")
            for server, (key, cash) in zip((self.paper, self.live), CASH.items(), strict=True)
        )
        for key in CASH:
            self._prices.open_account(key)
        self.environment = {
            "MARKET": "alpaca",
            "DJANGO_SETTINGS_MODULE": "tests.flows.session_settings",
            "SHIFT_SECONDS": str(self.shift.total_seconds()),
            "ALPACA_PAPER_API_BASE_URL": self.paper.url,
            "ALPACA_API_BASE_URL": self.live.url,
            "ALPACA_DATA_URL": self._prices.url,
        }
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    @property
    def _servers(self) -> tuple[AlpacaServer, ...]:
        return self.paper, self.live, self._prices

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def _go_on(self) -> None:
        while not self._closing.wait(PULSE):
            for server in self._servers:
                with server.market.lock:
                    server.market.now = self.now()
                server.work()

    def problems(self) -> list[str]:
        """What was answered in another way than Alpaca's specification has it."""
        return [problem for server in self._servers for each in server.exchanges for problem in violations(each)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()
        for server in self._servers:
            server.close()


def _minutes(days: Times) -> Bars:
    """Bars of a quiet market, a tenth of a dollar around the price."""
    spans = [(sessions.session_open(day), sessions.session_close(day)) for day in days.tolist()]
    minutes = [np.arange((end - start) // MINUTE).astype("m8[m]") for start, end in spans]
    times = np.concatenate([to_datetime64(start) + each for (start, _), each in zip(spans, minutes, strict=True)])
    opens = PRICE + 0.1 * np.sin(np.arange(len(times)) / 20)
    closes = np.append(opens[1:], PRICE)
    return Bars(
        times, opens, np.maximum(opens, closes), np.minimum(opens, closes), closes, np.full(len(times), 1e4)
    )
