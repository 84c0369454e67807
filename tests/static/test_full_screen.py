"""A chart on the whole screen, in a real browser and under the real content security policy."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.flows.browser import Window, chromium, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.static.script_page")]


@pytest.fixture
def page(live_server: LiveServer, alices_browser: Client) -> Iterator[Page]:
    with pytest.MonkeyPatch.context() as patch, chromium() as browser:
        # Playwright runs an event loop in this thread, which Django would treat as asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        window = Window(browser, height=800)
        session = alices_browser.cookies["sessionid"].value
        window.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        window.page.goto(live_server.url)
        yield window.page
        window.context.close()


def test_a_chart_takes_the_whole_screen_and_gives_it_back(page: Page) -> None:
    canvas = page.locator("#prices .chart-canvas")
    button = page.locator("#prices").get_by_role("button", name="Full screen")
    button.click()
    wait_until(page, "document.fullscreenElement?.id === 'prices'")
    wait_until(page, "document.querySelector('#prices .chart-canvas').clientHeight > 600")
    expect(canvas.locator("canvas").first).to_be_visible()
    button.click()
    wait_until(page, "document.fullscreenElement === null")
    wait_until(page, "document.querySelector('#prices .chart-canvas').clientHeight < 600")
