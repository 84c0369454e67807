"""The switch on the one-process desk, in a real browser: one tab switches, the others follow."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.desk.test_runner import Desk
from tests.flows.alpaca_hosts import LIVE_KEY, AlpacaHosts
from tests.flows.browser import Window, chromium
from tests.flows.trader import EMAIL, demo_password
from tests.processes.prepared import copy_prepared_folder
from tests.settings.test_environment import manage

pytestmark = [pytest.mark.browser, pytest.mark.processes]
TRADER = "trader@example.com"
# A live account whose keys have passed their test. Its user is not the demo user, whom a desk on the real market
# turns away.
CONNECT = f"""
from django.utils import timezone
from livetrading.credentials import Credentials, store_credentials
from livetrading.models import BrokerAccount
from tradedesk.accounts.models import User
user = User.objects.get(email="{EMAIL}")
User.objects.filter(pk=user.pk).update(email="{TRADER}")
account = BrokerAccount.objects.create(user=user, broker="alpaca", mode="live", name="Alpaca account")
store_credentials(account, Credentials(key_id="{LIVE_KEY}", secret="{LIVE_KEY}-secret"))
BrokerAccount.objects.filter(pk=account.pk).update(
    number="1234824821", verified_at=timezone.now(), equity="25842.18", buying_power=43787
)
"""


def test_one_tab_switches_and_the_others_follow(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    assert manage("shell", "-v0", "-c", CONNECT, folder=folder).returncode == 0
    with (
        AlpacaHosts() as hosts,
        Desk(folder, environment=hosts.environment) as desk,
        chromium() as browser,
    ):
        desk.wait_until_healthy()
        first, elsewhere = Window(browser), Window(browser)
        for window in (first, elsewhere):
            window.log_in(desk.url, demo_password(folder), TRADER)
        second, typing = first.context.new_page(), first.context.new_page()
        second.goto(f"{desk.url}/dashboard/strategies")
        typing.goto(f"{desk.url}/dashboard/live-trading/new")
        typing.get_by_role("button", name="Continue").click()
        typing.locator("#id_name").fill("Half typed")
        first.confirm(desk.url, demo_password(folder))
        first.page.goto(f"{desk.url}/dashboard")
        go_live(first.page)
        for page in (first.page, second, typing, elsewhere.page):
            shows(page, "live")
        for page in (first.page, elsewhere.page):
            expect(page).to_have_url(re.compile(r"/dashboard\?mode=live$"))
        # A page with nothing typed was loaded again, so its buttons deploy into live mode; the other one asks.
        expect(second.get_by_role("button", name="Deploy to Live · LIVE").first).to_be_visible()
        expect(typing.locator("#id_name")).to_have_value("Half typed")
        expect(typing.locator("#mode-changed")).to_be_visible()
        typing.get_by_role("button", name="Deploy to Live").click()
        expect(typing.get_by_role("region", name="Messages")).to_contain_text("Nothing was done")
        assert desk.query("SELECT count(*) FROM livetrading_livestrategy") == [(0,)]
        second.locator("#mode-switch").get_by_role("button").click()
        for page in (first.page, second, typing, elsewhere.page):
            shows(page, "paper")
        assert first.errors == elsewhere.errors == []
        assert "Traceback" not in desk.output()


def go_live(page: Page) -> None:
    """The red button waits for the box and the word."""
    page.locator("#mode-switch").get_by_role("link").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("$25,842.18")
    switch = dialog.get_by_role("button", name="Switch to live")
    expect(switch).to_be_disabled()
    dialog.get_by_role("checkbox").check()
    expect(switch).to_be_disabled()
    dialog.get_by_role("textbox").fill("LIVE")
    switch.click()


def shows(page: Page, mode: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-mode", mode)
    expect(page.locator("#status")).to_have_attribute("data-mode", mode)
    expect(page.locator(".live-banner")).to_have_count(int(mode == "live"))
    badge = page.locator(".site-foot .foot-badge").filter(visible=True)
    expect(badge).to_have_text(mode.upper())
