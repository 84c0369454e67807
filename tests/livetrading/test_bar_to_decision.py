"""From the end of a minute to the order: the feed's answer, the strategy that is woken, and its decision."""

from datetime import UTC, datetime, timedelta

import pytest

from livetrading.models import BarDecision, Order
from livetrading.pipeline.dispatch import claim_due_accounts, release
from livetrading.pipeline.tick import tick
from livetrading.services import arrivals
from livetrading.services.arrivals import wake
from livetrading.services.bars_in_use import series_in_use
from tests.alpaca_server.data import Answer
from tests.livetrading.pipeline.desk import deployed, open_account
from tests.marketdata.alpaca_desk import Desk, desk
from tests.marketdata.examples import minute_bars
from tradedesk.accounts.models import User
from tradedesk.marketdata import arrivals as announced
from tradedesk.marketdata import usage
from tradedesk.marketdata.delivering import deliver
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.updating import plan_updates, update_due

__all__ = ["desk"]

OPEN = datetime(2020, 3, 2, 14, 30, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_a_minute_is_decided_on_within_five_seconds_of_its_end(
    desk: Desk, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the feed is a second late; the desk asks once a second, as beat does."""
    monkeypatch.setattr(usage, "_lists", [series_in_use])
    monkeypatch.setattr(announced, "_listeners", [wake])
    monkeypatch.setattr(arrivals, "enqueue_dispatch", lambda: None)
    desk.data.add("AAPL", "1Min", minute_bars(60, "2020-03-02T14:30"))
    deliver(SeriesKey("alpaca", "AAPL", "1Min"), minute_bars(10, "2020-03-02T14:30"), now=OPEN)
    open_account(alice, 100_000.0)
    close = OPEN + 11 * MINUTE
    live = deployed(alice, "buy_and_hold", ["AAPL"], timeframe="1Min", check_interval=60)
    tick(live.account_id, close - 30 * SECOND, close, only=(live.pk,))  # the bar before has been decided on
    known = BarDecision.objects.count()
    desk.data.hold_back("AAPL", "1Min", close - MINUTE, until=close + 2 * SECOND)
    plan_updates(close - 30 * SECOND)
    for second in range(6):
        desk.now = close + second * SECOND
        update_due(desk.clock)
        for account_id, until in claim_due_accounts(desk.now, desk.now):
            tick(account_id, desk.now, desk.now)
            release(account_id, until, desk.now)
        if BarDecision.objects.count() > known:
            break
    decision = BarDecision.objects.latest("pk")
    assert decision.bar_time == close - MINUTE
    assert decision.checked_at - close <= 5 * SECOND
    assert Order.objects.filter(live_strategy=live, purpose="entry").exists()


def test_without_an_answer_nothing_is_decided(desk: Desk, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_lists", [series_in_use])
    monkeypatch.setattr(announced, "_listeners", [wake])
    deliver(SeriesKey("alpaca", "AAPL", "1Min"), minute_bars(10, "2020-03-02T14:30"), now=OPEN)
    later = OPEN + 13 * MINUTE
    live = deployed(alice, "buy_and_hold", ["AAPL"], timeframe="1Min", next_check_at=later)
    desk.now = OPEN + 11 * MINUTE + SECOND
    desk.data.fail(Answer(503, b""))
    plan_updates(desk.now)
    update_due(desk.clock)
    live.refresh_from_db()
    assert live.next_check_at == later
