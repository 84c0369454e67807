"""A page with a chart of each kind, in a real browser and under the real content security policy."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.flows.browser import Window, chromium


@pytest.fixture
def chart_page(live_server: LiveServer, alices_browser: Client) -> Iterator[Page]:
    with pytest.MonkeyPatch.context() as patch, chromium() as browser:
        # Playwright runs an event loop in this thread, which Django would treat as asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        window = Window(browser, height=800)
        session = alices_browser.cookies["sessionid"].value
        window.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        window.page.goto(live_server.url)
        yield window.page
        window.context.close()
