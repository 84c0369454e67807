"""A chart on the whole screen."""

import pytest
from playwright.sync_api import Page, expect

from tests.flows.browser import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.static.script_page")]


def test_a_chart_takes_the_whole_screen_and_gives_it_back(chart_page: Page) -> None:
    page = chart_page
    canvas = page.locator("#prices .chart-canvas")
    button = page.locator("#prices").get_by_role("button", name="Full screen")
    button.click()
    wait_until(page, "document.fullscreenElement?.id === 'prices'")
    wait_until(page, "document.querySelector('#prices .chart-canvas').clientHeight > 600")
    expect(canvas.locator("canvas").first).to_be_visible()
    button.click()
    wait_until(page, "document.fullscreenElement === null")
    wait_until(page, "document.querySelector('#prices .chart-canvas').clientHeight < 600")
