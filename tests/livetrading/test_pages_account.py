"""What the pages say about the account: its snapshot, its state, stopped entries, incidents and protection."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from livetrading.models import BrokerAccount, LiveStrategy, OrderState
from livetrading.summaries.account import INCIDENTS, read_account
from livetrading.summaries.positions import OpenLot
from livetrading.templatetags.trading import tone
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_incident,
    make_live_strategy,
    make_order,
    make_paper_trade,
    make_stop,
    report_figures,
)
from tests.livetrading.reading import HOME, LIVE, ORDERS, POSITIONS, TRADE_LIST, detail_of, text_of
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples

WAITING, GUARDED, ACCEPTED = OrderState.WAITING, OrderState.GUARDED, OrderState.ACCEPTED


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    load_samples(WALL)
    at_day(TODAY)


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    return make_live_strategy(user=alice)


def pages_of(live: LiveStrategy) -> tuple[str, ...]:
    """Home lists what needs attention (test_pages_home.py)."""
    return LIVE, TRADE_LIST, detail_of(live)


def html_of(browser: Client, url: str) -> str:
    return browser.get(url).content.decode()


def row_of(browser: Client, url: str, row: str) -> str:
    """The HTML of the table row or list item with this id."""
    found = re.search(rf'<(tr|li) id="{row}".*?</\1>', html_of(browser, url), re.DOTALL)
    assert found, row
    return " ".join(found[0].split())


def test_an_account_without_trouble_is_quiet(alices_browser: Client, live: LiveStrategy) -> None:
    make_incident(account=live.account, reported_at=None)  # it may still go away
    make_incident(account=live.account, reported_at=NOW - timedelta(days=1), resolved_at=NOW)
    for url in pages_of(live):
        page = html_of(alices_browser, url)
        # A deployment without evidence is doubted where it runs.
        assert all("data-evidence" in notice for notice in re.findall(r'<p class="notice[^>]*>', page))
        assert 'id="incidents-heading"' not in page


@pytest.mark.parametrize(("state", "notice"), [("degraded", "notice-warning"), ("blocked", "notice-error")])
def test_a_degraded_or_blocked_account_says_why(
    alices_browser: Client, bobs_browser: Client, bob: User, live: LiveStrategy, state: str, notice: str
) -> None:
    account_of(bob)
    BrokerAccount.objects.filter(pk=live.account_id).update(state=state, state_reason="The <reason>.")
    for url in pages_of(live):
        page = html_of(alices_browser, url)
        start = page.index(f'class="notice {notice}"')
        assert "The &lt;reason&gt;." in page[start : page.index("</p>", start)]
    for url in (HOME, LIVE, TRADE_LIST):
        assert "&lt;reason" not in html_of(bobs_browser, url)


def test_stopped_entries_say_since_when_by_whom_and_why(alices_browser: Client, live: LiveStrategy) -> None:
    stopped: dict[str, Any] = {"entries_stopped_at": NOW, "entries_stopped_by": "alice@example.com"}
    BrokerAccount.objects.update(**stopped, entries_stopped_reason="Too many losses")
    for url in pages_of(live):
        page = text_of(alices_browser, url)
        assert "since 2010-03-08 16:00 by alice@example.com." in page
        assert "Too many losses" in page
        assert 'class="notice notice-error"' in html_of(alices_browser, url)
    BrokerAccount.objects.update(entries_stopped_at=None)
    assert "Too many losses" not in html_of(alices_browser, LIVE)


def test_open_incidents_and_those_of_today_are_listed(
    alices_browser: Client, bobs_browser: Client, live: LiveStrategy
) -> None:
    long_ago = NOW - timedelta(days=9)
    old = make_incident(account=live.account, reported_at=long_ago, text="IBM <differs>.")
    today = make_incident(account=live.account, resolved_at=NOW)
    for url in pages_of(live):
        assert html_of(alices_browser, url).index(f'id="incident-{old.pk}"') < html_of(alices_browser, url).index(
            f'id="incident-{today.pk}"'
        )
        opened, closed = (row_of(alices_browser, url, f"incident-{each.pk}") for each in (old, today))
        assert "IBM &lt;differs&gt;." in opened
        assert "2010-02-27" in opened
        assert ('tag-error">Open<' in opened, ">Closed<" in opened) == (True, False)
        assert (">Open<" in closed, ">Closed<" in closed) == (False, True)
    assert "differs" not in html_of(bobs_browser, LIVE)


def test_an_open_incident_is_not_displaced_by_closed_ones(alice: User) -> None:
    account = account_of(alice)
    opened = make_incident(account=account, reported_at=NOW - timedelta(days=9))
    for _ in range(INCIDENTS + 1):
        make_incident(account=account, resolved_at=NOW)
    summary = read_account(alice, "paper", NOW)
    assert (len(summary.incidents), summary.incidents[0], summary.open_incidents) == (INCIDENTS, opened, 1)


@pytest.mark.parametrize("url", [LIVE, TRADE_LIST])
def test_the_equity_says_when_it_was_reported(
    alices_browser: Client, live: LiveStrategy, alice: User, url: str
) -> None:
    assert "As of" not in text_of(alices_browser, url)
    report_figures(alice, equity=98_765.43, cash=50_000)
    page = text_of(alices_browser, url)
    assert re.search(r"[Ee]quity \$98,765\.43 (\$50,000\.00 in cash )?As of 2010-03-08 16:00", page)
    # And in the top bar of every page.
    assert 'title="As the broker reported it on 2010-03-08 16:00 ET"' in html_of(alices_browser, HOME)


def test_a_live_account_is_told_from_none(alices_browser: Client, alice: User) -> None:
    alice.mode = "live"
    alice.save()
    for url in (LIVE, "/trades"):
        assert "No live account is connected" in text_of(alices_browser, url)
    account_of(alice, "live")
    BrokerAccount.objects.update(equity=None)
    for url in (LIVE, "/trades"):
        assert "No live account is connected" not in text_of(alices_browser, url)
    assert "Equity — Not reported yet" in text_of(alices_browser, LIVE)


# --- Where the stops are ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holder", "state", "short", "title"),
    [
        ("attached", ACCEPTED, "Broker", "At the broker, with the entry"),
        ("broker", ACCEPTED, "Broker", "At the broker"),
        ("desk", GUARDED, "Desk", "Guarded by the desk"),
    ],
)
def test_a_position_says_where_its_stop_is_kept(
    alices_browser: Client, alice: User, live: LiveStrategy, holder: str, state: str, short: str, title: str
) -> None:
    trade = make_paper_trade(user=alice, live_strategy=live)
    make_stop(trade=trade, holder=holder, state=state)
    for url in (POSITIONS, detail_of(live)):
        # Once in its column, and once below the symbol on a phone.
        assert row_of(alices_browser, url, f"lot-{trade.pk}").count(f'<span title="{title}">{short}</span>') == 2


@pytest.mark.usefixtures("live")
def test_the_lots_of_a_position_can_be_protected_in_different_ways(alices_browser: Client, alice: User) -> None:
    make_stop(trade=make_paper_trade(user=alice))
    make_stop(trade=make_paper_trade(user=alice), holder="desk", state=GUARDED)
    make_paper_trade(user=alice, stop_price=None)
    (position,) = read_account(alice, "paper", NOW).positions
    assert (position.protected_by, position.is_unprotected) == ("Broker, Desk", False)
    assert position.protection == "At the broker, with the entry; Guarded by the desk"
    assert ">Broker, Desk<" not in row_of(alices_browser, POSITIONS, "position-AAPL")
    make_paper_trade(user=alice)
    (position,) = read_account(alice, "paper", NOW).positions
    assert (position.protected_by, position.is_unprotected) == ("Broker, Desk, Nothing now", True)
    assert "AAPL not protected now" in text_of(alices_browser, HOME)


def test_a_stop_and_a_target_can_be_kept_at_two_places(alice: User) -> None:
    trade = make_paper_trade(user=alice, target_price=Decimal(40))
    make_stop(trade=trade, holder="broker")
    make_stop(trade=trade, holder="desk", state=GUARDED, purpose="take_profit", type="limit")
    (lot,) = read_account(alice, "paper", NOW).positions[0].lots
    assert lot.protected_by == "Broker and Desk"
    assert lot.protection == "Stop loss: At the broker; Take profit: Guarded by the desk"


def test_a_stop_without_a_working_order_is_marked(alices_browser: Client, alice: User, live: LiveStrategy) -> None:
    marked = make_paper_trade(user=alice, live_strategy=live)
    make_stop(trade=marked, state="cancelled")
    off = make_paper_trade(user=alice, live_strategy=live, symbol="IBM", stop_price=None)
    summary = read_account(alice, "paper", NOW)
    unprotected = {lot.trade.symbol: lot.is_unprotected for each in summary.positions for lot in each.lots}
    assert unprotected == {"AAPL": True, "IBM": False}
    assert row_of(alices_browser, POSITIONS, f"lot-{marked.pk}").count("text-warning") == 2
    assert "text-warning" not in row_of(alices_browser, POSITIONS, f"lot-{off.pk}")


def test_a_lot_without_protection_has_no_words_for_it(alice: User) -> None:
    lot = OpenLot(make_paper_trade(user=alice, stop_price=None), None)
    assert (lot.protection, lot.protected_by, lot.is_unprotected) == ("", "", False)


# --- Orders ----------------------------------------------------------------------------------------------------


def test_the_stop_of_an_entry_that_is_not_filled_is_listed_only_with_all_orders(
    alices_browser: Client, alice: User, live: LiveStrategy
) -> None:
    stop: dict[str, Any] = {"purpose": "stop_loss", "side": "sell", "type": "stop", "distance": 0.1}
    entry = make_order(user=alice, live_strategy=live)
    waiting = make_order(user=alice, live_strategy=live, opening_order=entry, state=WAITING, **stop)
    assert f'id="order-{waiting.pk}"' not in html_of(alices_browser, ORDERS)
    assert f'id="order-{entry.pk}"' in html_of(alices_browser, ORDERS)
    history = f"{detail_of(live)}?show=orders"
    assert "Sell Stop loss Stop 10 10.00% — Waiting for its entry" in text_of(alices_browser, history)
    entry.filled_quantity = Decimal(1)
    entry.save()
    assert f'id="order-{waiting.pk}"' in html_of(alices_browser, ORDERS)


def test_an_exit_that_waits_for_its_shares_is_a_working_order(
    alices_browser: Client, alice: User, live: LiveStrategy
) -> None:
    make_order(user=alice, live_strategy=live, state=WAITING, purpose="exit", side="sell")
    make_order(
        user=alice,
        live_strategy=live,
        state=GUARDED,
        purpose="take_profit",
        side="sell",
        type="limit",
        limit_price=Decimal("41.5"),
    )
    page = text_of(alices_browser, ORDERS)
    assert f"AAPL {live.name} Sell Exit Market 10 — Waiting for its shares" in page
    assert f"AAPL {live.name} Sell Take profit Limit 10 41.50 Guarded by the desk" in page


def test_every_working_order_state_has_a_tone() -> None:
    neutral = {state for state in OrderState if tone(state) == "neutral"}
    assert neutral == {OrderState.CANCELLED, OrderState.EXPIRED}


# --- Checks that fail ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("failures", "marked"), [(0, False), (2, False), (3, True), (17, True)])
def test_a_strategy_whose_checks_keep_failing_says_so(
    alices_browser: Client, live: LiveStrategy, failures: int, marked: bool
) -> None:
    LiveStrategy.objects.update(failures=failures, last_error="The last check failed: no bars")
    row = row_of(alices_browser, LIVE, f"live-strategy-{live.pk}")
    assert (f'tag-error">{failures} failed checks<' in row) is marked
    assert "The last check failed: no bars" in row
    page = text_of(alices_browser, detail_of(live))
    assert (f"{failures} checks in a row have failed. The last check failed: no bars" in page) is marked


@pytest.mark.parametrize("name", ["home", "live", "trades", "detail"])
def test_the_queries_do_not_grow_with_incidents_and_stops(
    alices_browser: Client, alice: User, live: LiveStrategy, name: str
) -> None:
    url = dict(zip(("home", "live", "trades", "detail"), (HOME, *pages_of(live)), strict=True))[name]
    counts = []
    for rows in (1, 12):
        for _ in range(rows):
            make_stop(trade=make_paper_trade(user=alice, live_strategy=live))
            make_incident(account=live.account)
        alices_browser.get(url)
        with CaptureQueriesContext(connection) as queries:
            alices_browser.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]
