"""The optimizer's plots, in a real browser and under the real content security policy."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.flows.browser import Window, wait_until
from tests.flows.browser import chromium as a_chromium

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.static.plot_page")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, a_chromium() as browser:
        # Playwright runs an event loop in this thread, which Django would treat as asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield browser


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, alices_browser: Client) -> Iterator[Page]:
    """The page of the plots, logged in and loaded; afterwards the browser must have no errors."""
    window = Window(chromium)
    session = alices_browser.cookies["sessionid"].value
    window.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    window.page.goto(live_server.url)
    for legend in window.page.locator(".plot-legend").all():
        expect(legend).not_to_be_empty()
    yield window.page
    window.context.close()
    assert window.errors == []


def test_a_heat_map_describes_its_best_cell_and_its_range(page: Page) -> None:
    heat = page.locator("#heat")
    expect(heat.locator(".plot-legend")).to_have_text("Fast 10–14, Slow 20: best Sharpe ratio 1.25 of 2")
    expect(heat.locator(".plot-foot")).to_contain_text("5 combinations: from −0.50 to 1.25")
    assert "Heat map. Best Sharpe ratio of each cell" in (
        heat.locator(".plot-canvas").get_attribute("aria-label") or ""
    )


def test_the_figures_of_a_plot_are_a_table_too(page: Page) -> None:
    page.locator("#heat summary").press("Enter")
    rows = page.locator("#heat tbody tr")
    expect(rows).to_have_text(
        [
            "Fast 5, Slow 20: best Sharpe ratio 0.50",
            "Fast 10–14, Slow 20: best Sharpe ratio 1.25 of 2",
            "Fast 5, Slow 30: not tested",
            "Fast 10–14, Slow 30: best Sharpe ratio −0.50 of 2",
        ]
    )


def test_the_arrow_keys_move_through_a_heat_map(page: Page) -> None:
    legend = page.locator("#heat .plot-legend")
    page.locator("#heat .plot-canvas").focus()
    page.keyboard.press("ArrowUp")
    expect(legend).to_have_text("Fast 10–14, Slow 30: best Sharpe ratio −0.50 of 2")
    page.keyboard.press("ArrowLeft")
    expect(legend).to_have_text("Fast 5, Slow 30: not tested")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(legend).to_have_text("Fast 5, Slow 20: best Sharpe ratio 0.50")


def test_the_pointer_selects_a_cell_of_a_heat_map(page: Page) -> None:
    legend = page.locator("#heat .plot-legend")
    box = page.locator("#heat .plot-canvas").bounding_box()
    assert box
    # The upper left of the four cells.
    page.locator("#heat .plot-canvas").hover(position={"x": box["width"] * 0.3, "y": box["height"] * 0.25})
    expect(legend).to_have_text("Fast 5, Slow 30: not tested")
    page.mouse.move(0, 0)
    expect(legend).to_contain_text("best Sharpe ratio 1.25")


def test_the_controls_load_another_heat_map(page: Page) -> None:
    page.get_by_label("Show").select_option("median")
    legend = page.locator("#heat .plot-legend")
    expect(legend).to_have_text("Fast 5, Slow 20: median Sharpe ratio 0.50")
    page.locator("#heat .plot-canvas").focus()
    page.keyboard.press("ArrowUp")
    expect(legend).to_have_text("Fast 5, Slow 30: tested, not ranked")


@pytest.mark.parametrize("late", ["real", '{"cells": []}', "no JSON"])
def test_a_late_response_to_an_earlier_request_is_ignored(page: Page, late: str) -> None:
    held: list[Route] = []
    page.route("**/heat.json?*statistic=median", lambda route: held.append(route))
    select = page.get_by_label("Show")
    with page.expect_request("**/heat.json?*statistic=median"):
        select.select_option("median")
    with page.expect_response("**/heat.json?*statistic=best"):
        select.select_option("best")
    with page.expect_response("**/heat.json?*statistic=median"):
        if late == "real":
            held[0].continue_()
        else:
            held[0].fulfill(status=200, body=late)
    page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    assert "best Sharpe ratio 1.25" in page.locator("#heat .plot-legend").inner_text()


def test_a_histogram_marks_rank_1_and_counts_rows(page: Page) -> None:
    expect(page.locator("#scores .plot-legend")).to_have_text("Rank 1 has 1.25, marked by the line.")
    page.locator("#scores .plot-canvas").focus()
    page.keyboard.press("ArrowLeft")
    legend = page.locator("#scores .plot-legend")
    expect(legend).to_have_text("Up to 0.00, and all below −1.00: 3 rows")
    page.keyboard.press("ArrowRight")
    expect(legend).to_have_text("0.00 to 1.00: 1,000 rows")
    page.keyboard.press("ArrowRight")
    expect(legend).to_have_text("From 1.00, and all above 2.00: 1 row")


def test_parallel_coordinates_describe_the_best_and_other_rows(page: Page) -> None:
    expect(page.locator("#lines .plot-legend")).to_have_text("The best: Fast 10, Slow 20, Sharpe ratio 1.25")
    page.locator("#lines .plot-canvas").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#lines .plot-legend")).to_have_text("Fast 5, Slow 30, Sharpe ratio 0.50")


def test_an_incomplete_plot_says_that_it_shows_the_best_rows(page: Page) -> None:
    expect(page.locator("#heat .plot-foot")).to_contain_text("of each cell, 5 combinations: from")
    expect(page.locator("#scores .plot-foot")).to_contain_text("Sharpe ratio of 1,004 rows")
    expect(page.locator("#lines .plot-foot")).to_contain_text("3 of 5,000 combinations, evenly")
    for plot, text in (
        ("#incomplete-heat", "of each cell, the best 5 combinations kept so far: from"),
        ("#incomplete-scores", "Sharpe ratio of the best 1,004 rows kept so far, most"),
        ("#incomplete-lines", "3 of the best 5,000 combinations kept so far, evenly"),
    ):
        expect(page.locator(f"{plot} .plot-foot")).to_contain_text(text)


def test_plots_without_data_or_space_show_a_message(page: Page) -> None:
    expect(page.locator("#empty")).to_contain_text("No data yet")
    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.locator("#many")).to_contain_text("This plot needs a wider screen.")
    expect(page.locator("#lines .plot-canvas")).to_be_visible()
    page.set_viewport_size({"width": 1200, "height": 800})
    expect(page.locator("#many .plot-canvas")).to_be_visible()


def test_colours_follow_the_theme(page: Page) -> None:
    canvas = page.locator("#heat .plot-canvas")
    light = canvas.screenshot()
    page.click("[data-theme-toggle]")
    expect(page.locator("html")).to_have_attribute("data-theme", "desk-dark")
    assert canvas.screenshot() != light


def test_a_scatter_describes_its_points(page: Page) -> None:
    expect(page.locator("#excursions .plot-foot")).to_have_text("MFE against MAE of 2 trades.")
    page.locator("#excursions .plot-canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#excursions .plot-legend")).to_have_text("IBM 2010-04-01: MAE −5.0%, MFE 1.0%")


def test_bars_read_data_of_the_page(page: Page) -> None:
    expect(page.locator("#contribution .plot-legend")).to_have_text("P&L, all: +$101")
    page.locator("#contribution .plot-canvas").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#contribution .plot-legend")).to_have_text("IBM: −$20")


@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_plot_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    wait_until(
        page, "[...document.querySelectorAll('.plot canvas')].every(canvas => canvas.clientWidth <= innerWidth)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
