"""The analysis page in a real browser: its charts, and the names of figures that explain themselves."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.chromium import find_chromium
from tests.livetrading.factories import at_day, closed, make_paper_trade
from tests.livetrading.made_bars import DAYS, TIMES, flat, store_bars
from tradedesk.accounts.models import User

pytestmark = [pytest.mark.browser]


def test_charts_are_drawn_and_figures_explain_themselves(
    live_server: LiveServer, alices_browser: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_day(DAYS[6])
    store_bars(AAPL=flat(30, 31, 32, 33, 32))
    for row, price in ((2, 33), (3, 28), (4, 36)):
        exit_time = datetime.combine(DAYS[row], datetime.min.time(), UTC).replace(hour=15)
        make_paper_trade(user=alice, entry_time=TIMES[0], commission=Decimal(1), **closed(exit_time, price))
    # Playwright runs an event loop in this thread, which Django would treat as asynchronous code.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        context = chromium.new_context(viewport={"width": 390, "height": 844})
        session = alices_browser.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        wrong: list[str] = []
        page.expose_function("violated", lambda directive: wrong.append(directive))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', event => violated(event.violatedDirective), true)"
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{live_server.url}/trades/analysis")
        for label in ("Equity of the closed trades and its drawdown", "by R-multiple", "MFE against MAE"):
            expect(page.locator(f'[data-label*="{label}"] canvas').first).to_be_visible(timeout=60_000)
        _explained(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert wrong == []
        chromium.close()


def _explained(page: Page) -> None:
    """By the mouse, and by a press of the keyboard."""
    button, card = page.locator('[data-term="win_rate"]').first, page.locator("#term-text")
    expect(card).to_be_hidden()
    button.hover()
    expect(card).to_be_visible()
    expect(card.locator('[data-part="formula"]')).to_contain_text("closed trades")
    page.mouse.move(1, 1)
    expect(card).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
