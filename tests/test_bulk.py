"""Rows that are written in bulk are those that Django would write."""

import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection as postgresql
from django.db.backends.sqlite3.base import DatabaseWrapper

from livetrading.models import BarDecision, LiveStrategy
from tests.livetrading.factories import make_live_strategy
from tradedesk import bulk
from tradedesk.accounts.models import User

AT = datetime(2012, 3, 7, 21, 0, 0, 123456, tzinfo=UTC)
VALUES = {
    "symbol": "AAPL",
    "bar_time": AT,
    "close": Decimal("530.260001"),
    "indicators": {"fast": 1.5, "words": 'say "hi" %s'},
    "side": "hold",
    "strength": 0.25,
    "explanation": "Fast 1.5 is below 2 — 'quoted' \\ %s",
    "code": "hold",
    "basis": {"inputs": {"lots": {}}},
    "sentence": "",
    "checked_at": AT,
    "kept_until": AT,
}


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def test_an_insert_keeps_every_value_and_leaves_out_what_is_there(live: LiveStrategy) -> None:
    bulk.insert_new([BarDecision(live_strategy=live, **VALUES)])
    bulk.insert_new(
        [
            BarDecision(live_strategy=live, **VALUES | {"code": "late"}),
            BarDecision(live_strategy=live, **VALUES | {"symbol": "IBM", "strength": math.inf}),
        ]
    )
    first, second = BarDecision.objects.order_by("pk")
    assert {name: getattr(first, name) for name in VALUES} == VALUES
    assert (second.symbol, second.strength) == ("IBM", math.inf)


def test_an_update_writes_these_columns_of_these_rows(live: LiveStrategy, alice: User) -> None:
    other = make_live_strategy(user=alice)
    live.last_seen, live.last_pnl, live.next_check_at = {"A": [1]}, Decimal("-0.000001"), AT
    live.session, live.tripped_session, live.last_error = AT.date(), None, "not written"
    bulk.update_columns([live], ["last_seen", "last_pnl", "next_check_at", "session", "tripped_session"])
    stored = LiveStrategy.objects.get(pk=live.pk)
    assert (stored.last_seen, stored.last_pnl) == (live.last_seen, live.last_pnl)
    assert (stored.next_check_at, stored.session, stored.last_error) == (AT, AT.date(), "")
    assert LiveStrategy.objects.get(pk=other.pk).last_seen == {}


def test_without_rows_or_columns_there_is_no_query(live: LiveStrategy, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        bulk.update_columns([], ["last_seen"])
        bulk.update_columns([live], [])
        bulk.insert_new([])


def test_an_update_on_sqlite_is_the_same(live: LiveStrategy, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": {}}
    sqlite = DatabaseWrapper(postgresql.settings_dict | engine, alias="memory")
    try:
        with sqlite.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE livetrading_livestrategy (id, last_seen, last_pnl, next_check_at, session)"
            )
            cursor.execute("INSERT INTO livetrading_livestrategy (id) VALUES (%s), (%s)", [live.pk, live.pk + 1])
            live.last_seen, live.last_pnl, live.session = {"A": [1]}, Decimal("-0.5"), None
            live.next_check_at = AT
            monkeypatch.setattr(bulk, "connection", sqlite)
            bulk.update_columns([live], ["last_seen", "last_pnl", "next_check_at", "session"])
            cursor.execute("SELECT * FROM livetrading_livestrategy ORDER BY id")
            assert cursor.fetchall() == [
                (live.pk, '{"A": [1]}', "-0.5", "2012-03-07 21:00:00.123456", None),
                (live.pk + 1, None, None, None, None),
            ]
    finally:
        sqlite.close()
