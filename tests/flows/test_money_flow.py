"""A newcomer connects Alpaca, trades on paper, then with real money, stops everything and goes back: in a browser,
on the one-process desk."""

import re
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.alpaca_server.account import Account
from tests.desk.test_runner import Desk
from tests.flows import money_walk as walk
from tests.flows.alpaca_hosts import LIVE_KEY, PAPER_KEY, SYMBOL, AlpacaHosts
from tests.flows.browser import TIMEOUT_MS, Window, chromium
from tests.processes.prepared import copy_prepared_folder

pytestmark = [pytest.mark.browser, pytest.mark.processes]
# A tenth of the equity at a little more than a hundred dollars a share; with money, a quarter of that.
ON_PAPER, WITH_MONEY = Decimal(99), Decimal(6)
PROTECTED = {"sell stop 95", "sell limit 110"}


def test_from_the_first_keys_to_real_money_and_back(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    with AlpacaHosts() as hosts, Desk(folder, environment=hosts.environment) as desk, chromium() as browser:
        desk.wait_until_healthy()
        window = Window(browser)
        page, url = window.page, desk.url
        walk.sign_up(page, url)
        walk.add_account(page, url, "paper", PAPER_KEY, "$100,000.00")
        walk.download(page)
        walk.backtest(page)
        paper_page = walk.deploy_on_paper(page)
        walk.see_position(page, ON_PAPER)
        holds(page, hosts.on_paper, ON_PAPER)
        assert hosts.with_money.orders == {}

        walk.add_account(page, url, "live", LIVE_KEY, "$25,842.18")
        walk.go_live(page, url)
        live_page = walk.promote(page, paper_page)
        walk.see_position(page, WITH_MONEY)
        holds(page, hosts.with_money, WITH_MONEY)

        walk.flatten(page, url)
        until(page, lambda: hosts.with_money.held(SYMBOL) == 0)
        assert working(hosts.with_money) == set()
        page.goto(live_page)
        expect(page.get_by_role("region", name="Open positions")).to_have_count(0)
        walk.back_to_paper(page)
        page.goto(paper_page)
        walk.see_position(page, ON_PAPER)

        holds(page, hosts.on_paper, ON_PAPER)
        assert window.errors == []
        assert hosts.problems() == []
        assert not re.search(f"Traceback|{PAPER_KEY}|{LIVE_KEY}", desk.output())


def holds(page: Page, account: Account, shares: Decimal) -> None:
    """The account at the stand-in has what the page shows, and both exits."""
    assert account.held(SYMBOL) == shares
    until(page, lambda: working(account) == PROTECTED)


def working(account: Account) -> set[str]:
    with account.lock:
        open_orders = [order for order in account.orders.values() if order.is_open]
        prices = [(each, each.stop_price or each.limit_price) for each in open_orders]
        return {f"{each.side} {each.type} {price or 0:.0f}" for each, price in prices}


def until(page: Page, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "It did not happen at the stand-in."
        page.wait_for_timeout(100)
