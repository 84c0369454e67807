"""A chart whose desk is busy asks again, and leaves it to the user in the end."""

import json

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.static.script_page")]
BUSY = json.dumps({"detail": "The desk is busy."})
MOST_WAITS = 8


def test_it_is_drawn_after_the_desk_was_busy(chart_page: Page) -> None:
    asked = answer_busy(chart_page, times=2)
    load_again(chart_page)
    expect(chart_page.locator("#broken .chart-legend")).to_contain_text("Equity")
    assert len(asked) == 3


def test_after_some_requests_the_user_decides(chart_page: Page) -> None:
    asked = answer_busy(chart_page, times=1 + MOST_WAITS)
    load_again(chart_page)
    chart = chart_page.locator("#broken")
    expect(chart).to_contain_text("The desk is busy.")
    chart.get_by_role("button", name="Try again").click()
    expect(chart.locator(".chart-legend")).to_contain_text("Equity")
    assert len(asked) == 2 + MOST_WAITS


def load_again(page: Page) -> None:
    page.locator("#broken").get_by_text("could not be loaded").wait_for()
    page.evaluate("document.querySelector('#broken').dataset.url = '/equity.json?busy'")


def answer_busy(page: Page, times: int) -> list[str]:
    """The first answers to the chart say that the desk is busy. Returns the list of requests."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > times:
            return route.continue_()
        return route.fulfill(
            status=503, headers={"Retry-After": "0.01", "Content-Type": "application/json"}, body=BUSY
        )

    page.route("**/equity.json?busy", answer)
    return asked
