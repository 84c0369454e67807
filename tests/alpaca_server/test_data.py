"""The market data over HTTP: the desk's own client against the stand-in, whose answers are as specified."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.alpaca_server.account import Account
from tests.alpaca_server.data import MarketData
from tests.alpaca_server.data_routes import routes_of
from tests.alpaca_server.server import AlpacaServer
from tests.marketdata.examples import daily_bars, minute_bars
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.feeds import alpaca_client
from tradedesk.marketdata.feeds.alpaca import AlpacaFeed
from tradedesk.marketdata.feeds.alpaca_client import AlpacaClient, DataKeys
from tradedesk.marketdata.feeds.protocol import FeedFailed

NOW = datetime(2020, 3, 20, 22, tzinfo=UTC)
START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def feed(server: AlpacaServer, account: Account) -> Iterator[AlpacaFeed]:
    data = MarketData(clock=lambda: NOW)
    for symbol in ("V", "W"):
        data.add(symbol, "1Day", daily_bars(40, date(2020, 1, 2)))
        data.add(symbol, "1Min", minute_bars(60, "2020-03-19T13:30"))
        data.quote(symbol, 10.0, 10.02, NOW - timedelta(seconds=3))
        data.trade(symbol, 10.01, NOW - timedelta(seconds=2))
    routes, before = routes_of(data), list(server.routes)
    server.routes += routes
    client = AlpacaClient(server.url, DataKeys(account.key, account.secret))
    client.session.trust_env = False
    yield AlpacaFeed(client)
    server.routes[:] = before


def test_bars_quotes_trades_and_shares(feed: AlpacaFeed, server: AlpacaServer) -> None:
    pages = list(feed.pages(["W", "V"], Timeframe.DAY, START, NOW, NOW))
    assert [{symbol: len(bars) for symbol, bars in page.items()} for page in pages] == [{"V": 40, "W": 40}]
    assert len(feed.history("V", Timeframe.MINUTE, START, NOW, NOW)) == 60
    assert set(feed.quotes(["V", "W"], NOW)) == set(feed.trades(["V", "W"], NOW)) == {"V", "W"}
    listed = feed.client.get("/v2/assets", {"status": "active", "asset_class": "us_equity"})
    assert [each["symbol"] for each in listed] == ["V", "W"]
    assert isinstance(feed.client, AlpacaClient)
    assert feed.client.remaining == 199, "data and trading have limits of their own"


@pytest.mark.parametrize(
    "how",
    ["lost_after", "error_after", "hang_after", "busy", "busy_bare", "html", "text", "cut", "half", "redirect"],
)
def test_an_answer_that_is_none_is_a_failure_in_words(
    feed: AlpacaFeed, server: AlpacaServer, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alpaca_client, "READ", 0.3)
    server.script.add(how, path="/v2/stocks/bars", times=1)
    with pytest.raises(FeedFailed) as failure:
        feed.history("V", Timeframe.DAY, START, NOW, NOW)
    assert "secret" not in str(failure.value)
    assert (failure.value.wait > 0) == how.startswith("busy")
    assert len(feed.history("V", Timeframe.DAY, START, NOW, NOW)) == 40
