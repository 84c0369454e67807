"""The home page in a real browser: its chart, and the buttons of the replay."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from playwright.sync_api import expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from livetrading.models import AccountDay, BrokerAccount
from tests.chromium import find_chromium
from tests.livetrading.factories import TODAY, WALL, at_day, make_live_strategy, make_paper_trade, report_figures
from tradedesk.accounts.models import User
from tradedesk.marketdata.replay import replay_state
from tradedesk.marketdata.services import load_samples

pytestmark = pytest.mark.browser
VIOLATIONS = (
    "addEventListener('securitypolicyviolation', event => console.log(`policy ${event.violatedDirective}`), true)"
)


def test_the_chart_stays_and_grows_with_the_page(
    live_server: LiveServer, alices_browser: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_samples(WALL)
    at_day(TODAY)
    make_live_strategy(user=alice, symbols=["AAPL"])
    make_paper_trade(user=alice)
    account = report_figures(alice, equity=101_000, cash=50_000)
    BrokerAccount.objects.update(equity_day=TODAY)
    for days in range(3, 40):
        day = TODAY - timedelta(days=days)
        AccountDay.objects.create(account=account, day=day, start=100_000, equity=Decimal(100_000 + days))
    session = alices_browser.cookies["sessionid"].value
    # Playwright runs an event loop in this thread, which Django would treat as asynchronous code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        # Without the messages about the event stream, which this server has not.
        page.on("console", lambda message: problems.extend(re.findall("^policy.*", message.text)))
        page.add_init_script(VIOLATIONS)
        page.goto(f"{live_server.url}/dashboard")
        legend = page.locator("#home-equity .chart-legend")
        expect(legend).to_contain_text("Account $101,000.00")
        expect(legend).to_contain_text("Equal-weight hold")
        week = page.get_by_role("button", name="1W", exact=True)
        week.click()
        expect(week).to_have_attribute("aria-pressed", "true")
        page.evaluate("document.querySelector('#home-equity canvas').dataset.mine = 'yes'")
        BrokerAccount.objects.update(equity=Decimal(102_500), equity_day=TODAY + timedelta(days=1))
        expect(legend).to_contain_text("Account $102,500.00", timeout=60_000)
        expect(legend).to_contain_text("2010-03-09")
        expect(page.locator("#home-equity canvas[data-mine]")).to_have_count(1)
        expect(week).to_have_attribute("aria-pressed", "true")
        pause = page.get_by_role("button", name="Pause the replay")
        pause.click()
        expect(pause).to_have_attribute("aria-pressed", "true")
        assert replay_state().play.stands
        browser.close()
    assert problems == []
