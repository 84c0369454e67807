"""No page reads a large table from one end to the other, and an unchanged part is not made again."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import Fill, LiveTrade, Order, PaperTrade, SignalHistory
from tests.livetrading.factories import TODAY, WALL, at_day, make_desk_rows
from tradedesk import unchanged
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples

pytestmark = pytest.mark.django_db
LARGE = {model._meta.db_table for model in (PaperTrade, LiveTrade, SignalHistory, Order, Fill)}
PAGES = (
    "/dashboard",
    "/dashboard/live-trading",
    "/dashboard/live-trading?show=orders",
    "/dashboard/live-trading?show=signals",
    "/dashboard/live-trading?show=log",
    "/trades?mode=paper",
    "/trades?mode=paper&sort=pnl",
    "/trades?mode=paper&symbol=AAPL",
    "/trades?mode=paper&tab=positions",
    "/signals",
    "/signals?symbol=AAPL",
    "/dashboard/strategies",
    "/dashboard/stop-trading",
    "/dashboard/risk-rules",
    "/api/v1/live-trading/dashboard",
    "/api/v1/live-trading/strategies",
    "/api/v1/live-trading/positions",
    "/api/v1/live-trading/orders",
    "/api/v1/live-trading/signals/recent",
    "/api/paper/trades",
)


def scanned(query: str) -> set[str]:
    """The large tables that PostgreSQL can only read as a whole for this query."""
    with connection.cursor() as cursor:
        # The tables of a test are small, and then a scan is the best plan: here only one without an index is left.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {query}".replace("%", "%%"), ())
        plan = "\n".join(row[0] for row in cursor.fetchall())
    return LARGE & set(re.findall(r"Seq Scan on (\w+)", plan))


def test_no_page_scans_a_large_table(alice: User, alices_browser: Client) -> None:
    load_samples(WALL)
    at_day(TODAY)
    make_desk_rows(alice, 3)
    live = alice.live_strategies.order_by("pk")[0].pk
    for path in (*PAGES, f"/dashboard/live-trading/{live}", f"/dashboard/live-trading/{live}?show=trades"):
        with CaptureQueriesContext(connection) as captured:
            assert alices_browser.get(path).status_code == 200
        asked = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
        assert {sql: found for sql in asked if (found := scanned(sql))} == {}, path
    # A query without an index is found.
    assert scanned("SELECT * FROM livetrading_papertrade WHERE commission = 1") == {"livetrading_papertrade"}


def test_an_unchanged_part_is_answered_with_304(
    alice: User, bob: User, alices_browser: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unchanged, "LONGEST", 10**9)
    make_desk_rows(alice, 1)
    polled = {"hx-request": "true", "if-none-match": '"none"'}
    first = alices_browser.get("/dashboard/live-trading", headers=polled)
    tag = first.headers["ETag"]
    again = polled | {"if-none-match": f"W/{tag}"}
    with CaptureQueriesContext(connection) as captured:
        same = alices_browser.get("/dashboard/live-trading", headers=again)
    assert (same.status_code, same.content) == (304, b"")
    assert len(captured) <= 4
    assert alices_browser.get("/dashboard/live-trading?show=log", headers=again).status_code == 200
    # A whole page has no tag, and nobody else has this one.
    assert "ETag" not in alices_browser.get("/dashboard/live-trading").headers
    client.force_login(bob)
    assert client.get("/dashboard/live-trading", headers=again).status_code == 200
    bump_version(alice.pk)
    assert alices_browser.get("/dashboard/live-trading", headers=again).status_code == 200


def test_parts_are_sent_compressed(alice: User, alices_browser: Client) -> None:
    make_desk_rows(alice, 1)
    packed = alices_browser.get("/dashboard/live-trading", headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.content) * 3 < len(alices_browser.get("/dashboard/live-trading").content)
