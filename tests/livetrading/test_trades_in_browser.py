"""The trades page in a browser: folding days, the dialog of a trade, filters; by keyboard, also on a phone."""

from collections.abc import Iterator
from datetime import date

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.flows.browser import Window, chromium
from tests.livetrading.factories import TODAY, WALL, at_day, closed, make_paper_trade
from tradedesk.accounts.models import User
from tradedesk.marketdata.services import load_samples
from tradedesk.marketdata.sessions import daily_time

FRIDAY = date(2010, 3, 5)
REFRESHED = "() => htmx.trigger(document.getElementById('trades'), 'sse:changed')"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, chromium() as launched:
        # Playwright runs an event loop in this thread; Django would refuse synchronous queries in it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield launched


def opened(browser: Browser, live_server: LiveServer, client: Client, width: int) -> Window:
    window = Window(browser, theme="dark", width=width)
    session = client.cookies["sessionid"].value
    window.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    # The server of the test has no event stream.
    window.context.add_init_script("window.EventSource = class { addEventListener() {} close() {} }")
    window.page.goto(f"{live_server.url}/trades?mode=paper")
    return window


def refresh(page: Page) -> None:
    with page.expect_response(lambda response: "/trades?" in response.url):
        page.evaluate(REFRESHED)


@pytest.mark.browser
def test_the_page_of_trades(
    browser: Browser, live_server: LiveServer, alices_browser: Client, alice: User
) -> None:
    load_samples(WALL)
    at_day(TODAY)
    for symbol, day in (("AAPL", TODAY), ("IBM", TODAY), ("AAPL", FRIDAY)):
        make_paper_trade(user=alice, symbol=symbol, **closed(daily_time(day), exit_price=33))
    window = opened(browser, live_server, alices_browser, 1440)
    page = window.page
    monday = page.get_by_role("button", name="Mon 2010-03-08", exact=True)
    ibm = page.get_by_role("row").filter(has_text="IBM")
    expect(ibm).to_be_visible()
    monday.focus()
    page.keyboard.press("Enter")
    expect(ibm).to_be_hidden()
    refresh(page)
    expect(monday).to_have_attribute("aria-expanded", "false")
    expect(ibm).to_be_hidden()
    page.get_by_role("button", name="Collapse all").click()
    page.get_by_role("button", name="Expand all").click()
    expect(ibm).to_be_visible()
    # The dialog of a trade opens and closes by keyboard, and draws its chart.
    link = page.get_by_role("link", name="Chart of 10 AAPL").last
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("canvas").first).to_be_visible()
    expect(dialog.get_by_role("button", name="MAE", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    # A filter applies at once, stays in the address and in the file.
    page.get_by_role("textbox", name="Symbol", exact=True).fill("IBM")
    page.get_by_role("textbox", name="Symbol", exact=True).press("Enter")
    expect(page.get_by_role("row").filter(has_text="AAPL")).to_have_count(0)
    expect(ibm).to_be_visible()
    assert "symbol=IBM" in page.url
    assert "symbol=IBM" in (page.get_by_role("link", name="CSV").get_attribute("href") or "")
    page.get_by_role("link", name="Clear filter").click()
    expect(page.get_by_role("row").filter(has_text="AAPL").first).to_be_visible()
    # A poll that is under way when the page is left is aborted.
    assert [error for error in window.errors if "htmx:" not in error] == []
    window.context.close()
    phone = opened(browser, live_server, alices_browser, 390)
    for tab in ("trading", "positions", "backtests"):
        phone.page.goto(f"{live_server.url}/trades?mode=paper&tab={tab}")
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.errors == []
