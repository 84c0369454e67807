"""A desk that gets its bars from the stand-in, with a clock that the test moves."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.alpaca_server.data import MarketData
from tests.alpaca_server.data_transport import KEYS, client_of
from tradedesk.marketdata import arrivals, usage
from tradedesk.marketdata.arrivals import Arrival
from tradedesk.marketdata.library import CACHE


@dataclass
class Desk:
    now: datetime
    data: MarketData
    used: set[usage.Used] = field(default_factory=set)
    arrived: list[Arrival] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def asked(self) -> list[dict[str, str]]:
        """The parameters of the requests for bars."""
        return [parameters for path, parameters in self.data.requests if path == "/v2/stocks/bars"]


@pytest.fixture
def desk(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    """With an empty bar store. Its keys are those of the installation."""
    settings.BARS_URL = (tmp_path / "bars").as_uri()
    CACHE.clear()
    made = Desk(datetime(2020, 3, 2, tzinfo=UTC), MarketData(clock=lambda: made.now, per_minute=1_000_000))
    settings.MARKET, settings.BAR_PROVIDERS = "alpaca", ("alpaca", "csv", "sample")
    settings.ALPACA_DATA_KEY_ID, settings.ALPACA_DATA_SECRET = KEYS.key_id, KEYS.secret
    monkeypatch.setattr(
        "tradedesk.marketdata.data_keys.AlpacaClient", lambda url, keys: client_of(made.data, keys)
    )
    monkeypatch.setattr(usage, "_lists", [lambda: made.used])
    monkeypatch.setattr(arrivals, "_listeners", [lambda arrival, now: made.arrived.append(arrival)])
    for module in ("download_requests", "downloading"):
        monkeypatch.setattr(f"tradedesk.marketdata.{module}.publish", lambda *_: None)
    return made
