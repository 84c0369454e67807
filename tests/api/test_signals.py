"""Signals through the API: filters, and executing one by hand."""

from datetime import timedelta
from typing import Any

import pytest

from livetrading.models import LiveStrategy, Order, SignalHistory
from tests.api.client import ApiClient, field_messages
from tests.livetrading.factories import NOW, make_live_strategy, make_order, make_signal
from tradedesk.accounts.models import User

URL = "/api/v1/live-trading/signals"

pytestmark = pytest.mark.usefixtures("market")


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice, auto_execute=False)


def ids(response: Any) -> list[int]:
    assert response.status == 200, response
    return [item["id"] for item in response.json["items"]]


def test_signals_are_filtered(alices: ApiClient, live: LiveStrategy) -> None:
    other = make_live_strategy(user=live.user)
    buy = make_signal(live_strategy=live, code="max_positions")
    sell = make_signal(live_strategy=other, symbol="MSFT", side="sell", outcome="ordered")
    make_order(user=live.user, live_strategy=other, signal=sell, state="filled")
    old = make_signal(live_strategy=live, created_at=NOW - timedelta(days=9), outcome="recorded")
    for query, found in (
        ("", [old, sell, buy]),
        (f"strategy_id={live.pk}", [old, buy]),
        ("symbol=msft", [sell]),
        ("side=buy", [old, buy]),
        ("outcome=filled", [sell]),
        ("outcome=refused", [buy]),
        ("outcome=recorded", [old]),
        ("code=max_positions", [buy]),
        (f"start_date={NOW:%Y-%m-%d}", [sell, buy]),
        (f"end_date={NOW - timedelta(days=1):%Y-%m-%d}", [old]),
        (f"strategy_id={live.pk}&side=sell", []),
        ("strategy_id=999999", []),
    ):
        assert ids(alices.get(f"{URL}/recent?{query}")) == [signal.pk for signal in found], query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("strategy_id=x", "strategy_id"),
        ("symbol=!", "symbol"),
        ("side=hold", "side"),
        ("outcome=lost", "outcome"),
        ("code=none", "code"),
        ("start_date=yesterday", "start_date"),
        ("end_date=2010-02-30", "end_date"),
    ],
)
def test_a_wrong_filter_is_refused_at_its_field(alices: ApiClient, query: str, field: str) -> None:
    assert list(field_messages(alices.get(f"{URL}/recent?{query}"))) == [field]


def test_another_users_strategy_is_no_filter(bobs: ApiClient, live: LiveStrategy) -> None:
    make_signal(live_strategy=live)
    assert ids(bobs.get(f"{URL}/recent?strategy_id={live.pk}")) == []


def test_a_signal_that_is_not_executed_is_409_with_the_reason(alices: ApiClient, live: LiveStrategy) -> None:
    signal = make_signal(live_strategy=live)
    refused = alices.post(f"{URL}/{signal.pk}/execute")
    assert (refused.status, bool(refused.json["detail"])) == (409, True)
    assert not Order.objects.exists()


def test_a_signal_that_was_executed_is_returned_with_its_order(alices: ApiClient, live: LiveStrategy) -> None:
    signal = make_signal(live_strategy=live, outcome="ordered", reason="")
    order = make_order(user=live.user, live_strategy=live, signal=signal)
    again = alices.post(f"{URL}/{signal.pk}/execute")
    assert (again.status, again.json["order_id"], again.json["outcome"]) == (200, str(order.pk), "pending")


def test_a_waiting_signal_is_dismissed_once(alices: ApiClient, live: LiveStrategy) -> None:
    signal = make_signal(live_strategy=live, outcome="recorded", waits_until=NOW)
    assert alices.post(f"{URL}/{signal.pk}/dismiss").json["code"] == "dismissed"
    assert alices.post(f"{URL}/{signal.pk}/dismiss").status == 409
    assert SignalHistory.objects.get().waits_until is None
