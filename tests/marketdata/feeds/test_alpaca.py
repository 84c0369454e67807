"""Alpaca's feed against the stand-in: what it asks for, what is final, pages, and how answers fail."""

import json
import traceback
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import requests

from tests.alpaca_server.data import Answer, MarketData
from tests.alpaca_server.data_transport import KEYS, client_of
from tests.marketdata.examples import daily_bars, minute_bars
from tradedesk.core.bars import Timeframe, to_datetime
from tradedesk.marketdata.feeds import alpaca, alpaca_client
from tradedesk.marketdata.feeds.alpaca import AlpacaFeed
from tradedesk.marketdata.feeds.alpaca_bars import bars_of_page
from tradedesk.marketdata.feeds.alpaca_client import DataKeys
from tradedesk.marketdata.feeds.protocol import FeedFailed, NotServed
from tradedesk.marketdata.sessions import session_close

MONDAY = date(2020, 3, 2)
OPEN = datetime(2020, 3, 2, 14, 30, tzinfo=UTC)
CLOSE = session_close(MONDAY)


def market(now: datetime, **options: object) -> MarketData:
    return MarketData(clock=lambda: now, **options)  # type: ignore[arg-type]


def test_a_daily_bar_is_final_sixteen_minutes_after_the_close() -> None:
    for delay, served in ((timedelta(minutes=15, seconds=59), 4), (timedelta(minutes=16), 5)):
        now = session_close(date(2020, 3, 6)) + delay
        data = market(now)
        data.add("AAPL", "1Day", daily_bars(10, MONDAY))
        bars = AlpacaFeed(client_of(data)).history("AAPL", Timeframe.DAY, OPEN - timedelta(days=1), now, now)
        assert len(bars) == served


def test_a_minute_is_final_a_second_after_its_end() -> None:
    data = market(CLOSE)
    data.add("AAPL", "1Min", minute_bars(30, "2020-03-02T14:30"))
    feed = AlpacaFeed(client_of(data))
    for seconds, served in ((0.5, 9), (1, 10)):
        now = OPEN + timedelta(minutes=10, seconds=seconds)
        assert len(feed.history("AAPL", Timeframe.MINUTE, OPEN, now, now)) == served
        latest = feed.latest_bars(["AAPL", "NONE"], Timeframe.MINUTE, now)
        assert {symbol: to_datetime(bars.time[0]) for symbol, bars in latest.items()} == {
            "AAPL": OPEN + timedelta(minutes=served - 1)
        }


def test_trading_before_the_open_and_after_the_close_makes_no_bars() -> None:
    data = market(CLOSE + timedelta(hours=4))
    data.add("AAPL", "1Min", minute_bars(800, "2020-03-02T12:00"))
    now = CLOSE + timedelta(hours=4)
    bars = AlpacaFeed(client_of(data)).history("AAPL", Timeframe.MINUTE, OPEN - timedelta(days=1), now, now)
    assert (to_datetime(bars.time[0]), len(bars)) == (OPEN, 390)


def test_prices_are_adjusted_for_splits_and_not_for_dividends() -> None:
    now = session_close(date(2020, 3, 20))
    data = market(now)
    data.add("AAPL", "1Day", daily_bars(10, MONDAY))
    data.pay("AAPL", date(2020, 3, 5), 0.1)
    feed = AlpacaFeed(client_of(data))
    before = feed.history("AAPL", Timeframe.DAY, OPEN - timedelta(days=1), now, now)
    assert before.close[0] == 10.0
    data.split("AAPL", date(2020, 3, 4), 4.0)
    after = feed.history("AAPL", Timeframe.DAY, OPEN - timedelta(days=1), now, now)
    assert after.close[:3].tolist() == [2.5, 2.75, 12.0]
    assert after.volume[:3].tolist() == [4000.0, 4000.0, 1000.0]


def test_many_symbols_are_one_request_whose_pages_are_over_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alpaca, "POINTS", 7)
    now = session_close(date(2020, 3, 20))
    data = market(now)
    for symbol in ("AAPL", "IBM", "MSFT"):
        data.add(symbol, "1Day", daily_bars(5, MONDAY))
    pages = list(
        AlpacaFeed(client_of(data)).pages(["MSFT", "AAPL", "IBM"], Timeframe.DAY, OPEN - timedelta(1), now, now)
    )
    assert [{s: len(bars) for s, bars in page.items()} for page in pages] == [
        {"AAPL": 5, "IBM": 2},
        {"IBM": 3, "MSFT": 4},
        {"MSFT": 1},
    ]
    asked = [parameters for _, parameters in data.requests]
    assert {each["symbols"] for each in asked} == {"AAPL,IBM,MSFT"}
    assert {(each["adjustment"], each["feed"]) for each in asked} == {("split", "iex")}


def test_pages_that_repeat_end_in_a_failure() -> None:
    data = market(CLOSE)
    data.fail(*[Answer(200, {"bars": {}, "next_page_token": "same"}) for _ in range(3)])
    with pytest.raises(FeedFailed, match="repeat"):
        AlpacaFeed(client_of(data)).history("AAPL", Timeframe.DAY, OPEN - timedelta(9), CLOSE, CLOSE)


def test_a_free_account_reads_daily_bars_of_sip_and_not_its_newest_minutes() -> None:
    now = CLOSE + timedelta(minutes=16)
    data = market(now)
    data.add("AAPL", "1Day", daily_bars(1, MONDAY))
    data.add("AAPL", "1Min", minute_bars(30, "2020-03-02T20:30"))
    feed = AlpacaFeed(client_of(data), "sip")
    assert len(feed.history("AAPL", Timeframe.DAY, OPEN - timedelta(days=1), now, now)) == 1
    with pytest.raises(FeedFailed, match="ALPACA_FEED=iex") as refusal:
        feed.history("AAPL", Timeframe.MINUTE, OPEN, now, now)
    assert refusal.value.keys


def test_quotes_and_trades_have_their_times() -> None:
    data = market(CLOSE)
    data.quote("AAPL", 10.0, 10.02, CLOSE - timedelta(seconds=3))
    data.quote("IBM", 0.0, 10.02, CLOSE)  # nobody bids
    data.trade("AAPL", 10.01, CLOSE - timedelta(seconds=2))
    feed = AlpacaFeed(client_of(data))
    assert {s: str(each.bid) for s, each in feed.quotes(["AAPL", "IBM", "NO"], CLOSE).items()} == {"AAPL": "10.0"}
    trade = feed.trades(["AAPL"], CLOSE)["AAPL"]
    assert (str(trade.price), CLOSE - trade.time) == ("10.01", timedelta(seconds=2))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(401, {"message": "unauthorized."}), "refused the keys"),
        (Answer(403, {"message": "forbidden"}), "403"),
        (Answer(429, {"message": "too many requests."}, {"Retry-After": "7"}), "7 s"),
        (Answer(500, b"<html>broken</html>"), "500"),
        (Answer(302, b"", {"Location": "http://elsewhere.test/"}), "redirect"),
        (Answer(200, b"<html>"), "no JSON"),
        (Answer(200, b"[" * 100_000), "no JSON"),
        (Answer(200, []), "no bars"),
        (Answer(200, {"bars": {"AAPL": [{"t": "yesterday"}]}}), "cannot be read"),
        (Answer(200, {"bars": {"AAPL": 7}}), "cannot be read"),
        (Answer(200, b"1" * 4000), "more than"),
        (Answer(0, requests.ConnectTimeout("data-secret")), "no connection"),
        (Answer(0, requests.ReadTimeout()), "nothing for"),
        (Answer(0, requests.exceptions.ChunkedEncodingError()), "broke"),
    ],
)
def test_every_failure_is_a_sentence_without_the_secret(
    answer: Answer, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answer.body == b"1" * 4000:
        monkeypatch.setattr(alpaca_client, "MOST_BYTES", 3_000)
    data = market(CLOSE)
    data.fail(answer)
    client = client_of(data)
    with pytest.raises(FeedFailed, match=says) as failure:
        AlpacaFeed(client).history("AAPL", Timeframe.DAY, OPEN - timedelta(9), CLOSE, CLOSE)
    shown = "".join(traceback.format_exception(failure.value))
    assert KEYS.secret not in f"{failure.value!r} {client!r} {shown}"
    assert len(data.requests) == 1, "nothing is sent again by itself"
    if answer.status == 429:
        assert failure.value.wait == 7.0


def test_an_answer_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr("tradedesk.marketdata.feeds.alpaca_client.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(alpaca_client, "PIECE", 10)
    data = market(CLOSE)
    data.fail(Answer(200, json.dumps({"bars": {}, "next_page_token": None}).encode()))
    with pytest.raises(FeedFailed, match="longer than 30 s"):
        AlpacaFeed(client_of(data)).history("AAPL", Timeframe.DAY, OPEN - timedelta(9), CLOSE, CLOSE)


def test_wrong_keys_and_spent_requests_say_so() -> None:
    data = market(CLOSE, per_minute=1)
    feed = AlpacaFeed(client_of(data, DataKeys("PKDATA", "wrong")))
    with pytest.raises(FeedFailed) as refused:
        feed.quotes(["AAPL"], CLOSE)
    assert refused.value.keys
    client = client_of(data)
    AlpacaFeed(client).quotes(["AAPL"], CLOSE)
    assert client.remaining == 0
    with pytest.raises(FeedFailed, match="no more requests"):
        AlpacaFeed(client).quotes(["AAPL"], CLOSE)


def test_a_bar_that_is_none_is_left_out() -> None:
    data = market(CLOSE)
    bars = minute_bars(5, "2020-03-02T14:30")
    data.add("AAPL", "1Min", bars)
    data.correct("AAPL", "1Min", OPEN + timedelta(minutes=2), h=0.0)
    found = AlpacaFeed(client_of(data)).history("AAPL", Timeframe.MINUTE, OPEN, CLOSE, CLOSE)
    assert found.time.tolist() == np.delete(bars.time, 2).tolist()


def test_hours_weeks_and_months_are_made_of_shorter_bars() -> None:
    feed = AlpacaFeed(client_of(market(CLOSE)))
    made = {timeframe: alpaca.served_timeframe(timeframe) for timeframe in Timeframe}
    assert (made[Timeframe.HOUR], made[Timeframe.WEEK]) == (Timeframe.FIFTEEN_MINUTES, Timeframe.DAY)
    with pytest.raises(NotServed, match="1Hour"):
        feed.history("AAPL", Timeframe.HOUR, OPEN, CLOSE, CLOSE)


def test_a_row_that_is_no_bar_stops_no_other_symbol() -> None:
    row = {"t": "2020-03-02T15:00:00Z", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}
    rows = {"AAPL": [row], "ZZZ": [row | {"t": 5}]}
    assert list(bars_of_page({"bars": rows}, "1Min")) == ["AAPL"]
    with pytest.raises(FeedFailed):
        bars_of_page({"bars": {"ZZZ": rows["ZZZ"]}}, "1Min")
