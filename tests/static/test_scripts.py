"""The front end's scripts, in a real browser and under the real content security policy."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.chromium import find_chromium
from tests.flows.browser import wait_until
from tests.static import script_page
from tradedesk import unchanged
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.static.script_page")]
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {get: () => hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, which Django would treat as asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture
def desk(chromium: Browser, live_server: LiveServer, alices_browser: Client) -> Iterator[Page]:
    """The page of the scripts, logged in and loaded; afterwards there must be no violations and no errors."""
    script_page.posts.clear()
    script_page.regions.clear()
    script_page.made.clear()
    session = alices_browser.cookies["sessionid"].value
    context = chromium.new_context(color_scheme="light", viewport={"width": 1200, "height": 800})
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    violations: list[str] = []
    errors: list[str] = []
    page.expose_function("violated", lambda directive: violations.append(directive))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => violated(event.violatedDirective), true)"
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(live_server.url)
    yield page
    context.close()
    assert (violations, errors) == ([], [])


def test_a_price_chart_shows_the_values_of_the_last_bar(desk: Page) -> None:
    legend = desk.locator("#prices .chart-legend")
    expect(legend).to_contain_text("2012-03-06")
    # The change is relative to the previous close, 104.50.
    expect(legend).to_contain_text("O 103.00 H 107.00 L 99.00 C 105.50 +0.96%")
    expect(legend).to_contain_text("Vol 4.5M")
    expect(legend).to_contain_text("SMA 2 101.25")
    expect(legend).to_contain_text("RSI 2 70.00")
    expect(desk.locator("#prices canvas").first).to_be_visible()


def test_an_equity_chart_shows_equity_benchmark_and_drawdown(desk: Page) -> None:
    legend = desk.locator("#curve .chart-legend")
    expect(legend).to_contain_text("Equity $100,030.00")
    expect(legend).to_contain_text("Buy and hold $100,000.00")
    expect(legend).to_contain_text("Drawdown −1.50%")


def test_a_page_has_one_credit_for_its_charts(desk: Page) -> None:
    credit = desk.get_by_role("link", name="Charts by TradingView")
    expect(credit).to_have_count(1)
    expect(credit).to_have_attribute("href", "https://www.tradingview.com/")


def test_minutes_are_shown_in_new_york(desk: Page) -> None:
    expect(desk.locator("#minutes .chart-legend")).to_contain_text("2012-07-05 09:30 ET")


def test_a_button_shows_its_time_on_a_chart(desk: Page) -> None:
    expect(desk.locator("#prices canvas").first).to_be_visible()
    desk.click("#show")
    legend = desk.locator("#prices .chart-legend")
    expect(legend).to_contain_text("2012-03-05")
    # The indicator has no value there.
    expect(legend).not_to_contain_text("RSI 2 70")


def test_a_time_selected_while_the_chart_loads_is_shown_afterwards(desk: Page) -> None:
    waiting: list[Route] = []
    desk.route("**/prices.json", lambda route: waiting.append(route))
    desk.reload()
    desk.click("#show")
    assert waiting
    for route in waiting:
        route.continue_()
    expect(desk.locator("#prices .chart-legend")).to_contain_text("2012-03-05")


def test_the_legend_keeps_the_selected_time_after_the_pointer_leaves(desk: Page) -> None:
    canvas, legend = desk.locator("#prices .chart-canvas"), desk.locator("#prices .chart-legend")
    expect(legend).to_contain_text("2012-03-06")
    desk.click("#show")
    expect(legend).to_contain_text("2012-03-05")
    desk.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    canvas.hover(position={"x": 20, "y": 60})  # left of the first bar
    canvas.hover(position={"x": 300, "y": 60})
    desk.mouse.move(1, 1)
    desk.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(legend).to_contain_text("2012-03-05")


def test_the_selected_trade_shows_its_stop_and_target(desk: Page) -> None:
    legend = desk.locator("#prices .chart-legend")
    expect(legend).to_contain_text("2012-03-06")
    expect(legend).not_to_contain_text("Stop")
    # A click anywhere in the row acts like its button, except on a link.
    desk.click("#cell")
    expect(legend).to_contain_text("2012-03-02")
    expect(legend).to_contain_text("Stop 91.00Target 121.50")
    desk.click("#away")
    expect(desk).to_have_url(re.compile("#away$"))


def test_a_chart_can_start_at_a_trade(desk: Page) -> None:
    expect(desk.locator("#chosen .chart-legend")).to_contain_text("2012-03-02")


def test_the_selected_trade_is_highlighted_on_the_canvas(desk: Page) -> None:
    expect(desk.locator("#prices canvas").first).to_be_visible()
    before = desk.locator("#prices .chart-canvas").screenshot()
    desk.click("#cell")
    expect(desk.locator("#prices .chart-legend")).to_contain_text("Target")
    assert desk.locator("#prices .chart-canvas").screenshot() != before


def test_the_scale_is_remembered_for_each_kind_of_chart(desk: Page) -> None:
    def button(chart: str) -> Locator:
        return desk.locator(chart).get_by_role("button", name="Log")

    # Prices open on a linear scale, equity on a logarithmic one.
    for chart, opens, then in (("#prices", "false", "true"), ("#curve", "true", "false")):
        expect(button(chart)).to_have_attribute("aria-pressed", opens)
        canvas = desk.locator(f"{chart} .chart-canvas")
        before = canvas.screenshot()
        button(chart).click()
        expect(button(chart)).to_have_attribute("aria-pressed", then)
        assert canvas.screenshot() != before
    desk.reload()
    expect(button("#prices")).to_have_attribute("aria-pressed", "true")
    expect(button("#curve")).to_have_attribute("aria-pressed", "false")
    expect(desk.locator("#rolling").get_by_role("button", name="Log")).to_have_count(0)


def test_lines_have_their_unit(desk: Page) -> None:
    expect(desk.locator("#rolling .chart-legend")).to_contain_text("Strategy 1.50Buy and hold 0.25")
    expect(desk.locator("#exposure .chart-legend")).to_contain_text("Strategy 1.50%Buy and hold 0.25%")


def test_a_histogram_describes_its_bins(desk: Page) -> None:
    legend = desk.locator("#bins .plot-legend")
    expect(legend).to_have_text("All: 6 trades")
    box = desk.locator("#bins .plot-canvas").bounding_box()
    assert box
    # The second of four bins.
    desk.locator("#bins .plot-canvas").hover(position={"x": box["width"] * 0.4, "y": box["height"] / 2})
    expect(legend).to_have_text("−$100 to $0: 3 trades")


def test_a_live_curve_stands_beside_its_backtest(desk: Page) -> None:
    legend = desk.locator("#beside .chart-legend")
    expect(legend).to_contain_text("Live +$12.50Backtest +$15.00Difference −$2.50Expected 5% to 95% −$20 to +$22")
    expect(desk.locator("#spark").get_by_role("img", name="P&L of the last days")).to_be_visible()
    # The ends of a trade are joined at their heights: of 1 to 4, with zero below them.
    lines = "spark => [...spark.shadowRoot.querySelectorAll('line')].map(line => [...'x1 y1 x2 y2'.split(' ')"
    drawn = desk.locator("#trade-spark").evaluate(f"{lines}.map(name => Number(line.getAttribute(name)))])")
    assert drawn == [[3, 19, 69, 19], [3, 15, 36, 3]]


def test_a_chart_is_read_and_zoomed_with_the_keyboard(desk: Page) -> None:
    canvas, legend = desk.locator("#prices .chart-canvas"), desk.locator("#prices .chart-legend")
    expect(legend).to_contain_text("2012-03-06")
    canvas.focus()
    desk.keyboard.press("ArrowLeft")
    expect(legend).to_contain_text("2012-03-05")
    desk.keyboard.press("Home")
    expect(legend).to_contain_text("2012-03-01")
    desk.keyboard.press("Escape")
    expect(legend).to_contain_text("2012-03-06")


def test_the_figures_of_a_chart_are_a_table_too(desk: Page) -> None:
    expect(desk.locator("#curve canvas").first).to_be_visible()
    desk.locator("#curve summary").press("Enter")
    rows = desk.locator("#curve tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_have_text("2012-03-06$100,030.00$100,000.00−1.50%")


def test_an_indicator_can_be_hidden(desk: Page) -> None:
    canvas, line = (
        desk.locator("#prices .chart-canvas"),
        desk.locator("#prices").get_by_role("button", name="SMA 2"),
    )
    expect(line).to_have_attribute("aria-pressed", "true")
    before = canvas.screenshot()
    line.click()
    expect(line).to_have_attribute("aria-pressed", "false")
    assert canvas.screenshot() != before


def test_the_plain_wheel_scrolls_the_page_and_with_ctrl_it_zooms(desk: Page) -> None:
    canvas = desk.locator("#curve .chart-canvas")
    canvas.scroll_into_view_if_needed()
    canvas.hover()
    before = canvas.screenshot()
    top = desk.evaluate("scrollY")
    desk.mouse.wheel(0, 120)
    wait_until(desk, f"scrollY > {top}")
    desk.evaluate(f"scrollTo(0, {top})")
    canvas.hover()
    desk.keyboard.down("Control")
    desk.mouse.wheel(0, 600)
    desk.keyboard.up("Control")
    desk.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert desk.evaluate("scrollY") == top
    assert canvas.screenshot() != before


def test_a_chart_without_data_or_response_shows_a_message(desk: Page) -> None:
    expect(desk.locator("#empty")).to_contain_text("No data yet.")
    expect(desk.locator("#broken")).to_contain_text("The chart could not be loaded.")


def test_the_theme_is_remembered_and_charts_follow(desk: Page) -> None:
    expect(desk.locator("html")).to_have_attribute("data-theme", "desk-light")
    expect(desk.locator("#prices canvas").first).to_be_visible()
    swatch = "() => getComputedStyle(document.querySelector('#prices .chart-swatch')).backgroundColor"
    before = desk.evaluate(swatch)
    desk.set_viewport_size({"width": 1440, "height": 900})  # in the bar; narrower, it is in the menu of the user
    desk.click("[data-theme-toggle]:visible")
    expect(desk.locator("html")).to_have_attribute("data-theme", "desk-dark")
    assert desk.evaluate(swatch) != before
    desk.reload(wait_until="commit")
    expect(desk.locator("html")).to_have_attribute("data-theme", "desk-dark")


def test_a_region_refreshes_and_keeps_what_is_being_typed(desk: Page) -> None:
    desk.fill("#typed", "half a sen")
    expect(desk.locator("#count")).to_have_text(re.compile(r"^[3-9]$"))
    expect(desk.locator("#typed")).to_be_focused()
    expect(desk.locator("#typed")).to_have_value("half a sen")


def test_a_region_refreshes_and_keeps_what_is_ticked(desk: Page) -> None:
    desk.check("#ticked")
    desk.focus("#typed")
    expect(desk.locator("#count")).to_have_text(re.compile(r"^[3-9]$"))
    expect(desk.locator("#ticked")).to_be_checked()
    desk.uncheck("#ticked")
    count = desk.locator("#count").inner_text()
    expect(desk.locator("#count")).not_to_have_text(count)
    expect(desk.locator("#ticked")).not_to_be_checked()


def test_a_hidden_page_does_not_poll_until_it_is_shown(desk: Page) -> None:
    expect(desk.locator("#count")).not_to_have_text("0")
    desk.evaluate(HIDE, True)
    desk.wait_for_timeout(300)
    polls = len(script_page.regions)
    desk.wait_for_timeout(2500)
    assert len(script_page.regions) == polls
    desk.evaluate(HIDE, False)
    expect(desk.locator("#count")).not_to_have_text(str(polls))


def test_a_lost_connection_is_reported_until_it_returns(desk: Page) -> None:
    line = desk.locator("#connection-lost")
    expect(line).to_be_hidden()
    desk.route("**/*", lambda route: route.abort())
    expect(line).to_be_visible()
    desk.unroute_all()
    expect(line).to_be_hidden()


def test_a_plain_form_is_sent_once_with_the_value_of_its_button(desk: Page) -> None:
    desk.evaluate("() => { for (let press = 0; press < 3; press += 1) document.getElementById('plain').click(); }")
    desk.wait_for_url("**/plain")
    assert script_page.posts == ["plain deploy"]


def test_an_htmx_form_is_sent_once_and_can_be_sent_again(desk: Page) -> None:
    desk.evaluate(
        "() => { for (let press = 0; press < 3; press += 1) document.getElementById('htmx-submit').click(); }"
    )
    expect(desk.locator("#htmx-submit")).to_have_attribute("aria-busy", "true")
    expect(desk.locator("#htmx-submit")).to_be_enabled()
    assert script_page.posts == ["htmx_form"]
    desk.click("#htmx-submit")
    expect(desk.locator("#htmx-submit")).to_have_attribute("aria-busy", "true")
    expect(desk.locator("#htmx-submit")).to_be_enabled()
    assert script_page.posts == ["htmx_form", "htmx_form"]


def test_a_refresh_does_not_change_a_form_being_sent(desk: Page) -> None:
    expect(desk.locator("#htmx-form input")).not_to_have_value("key-0")
    desk.click("#htmx-submit")
    key = desk.locator("#htmx-form input").input_value()
    count = desk.locator("#count").inner_text()
    expect(desk.locator("#count")).not_to_have_text(count)
    expect(desk.locator("#htmx-submit")).to_have_attribute("aria-busy", "true")
    expect(desk.locator("#htmx-form input")).to_have_value(key)
    expect(desk.locator("#htmx-form input")).not_to_have_value(key)


def test_a_response_can_show_a_toast_with_escaped_text(desk: Page) -> None:
    desk.click("#htmx-submit")
    toast = desk.locator("#toasts [data-toast]")
    expect(toast).to_contain_text("<b>Paused.</b>")
    toast.get_by_role("button", name="Close message").click()
    expect(toast).to_have_count(0)


def test_an_ended_session_redirects_to_the_login(desk: Page) -> None:
    desk.context.clear_cookies()
    desk.wait_for_url("**/accounts/login/**")


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_nothing_is_wider_than_the_screen(desk: Page, width: int) -> None:
    desk.set_viewport_size({"width": width, "height": 800})
    expect(desk.locator("#prices canvas").first).to_be_visible()
    assert desk.evaluate("document.documentElement.scrollWidth") <= width


def test_the_menu_of_a_small_screen_opens_and_closes(desk: Page) -> None:
    desk.set_viewport_size({"width": 390, "height": 800})
    menu = desk.locator("#site-menu")
    expect(menu).to_be_hidden()
    desk.get_by_role("button", name="Menu", exact=True).click()
    expect(menu).to_be_visible()
    desk.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_an_unchanged_region_stays_and_is_not_made_again(
    desk: Page, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unchanged, "LONGEST", 10**9)
    bump_version(alice.pk)
    expect(desk.locator("#made")).not_to_have_text("0")
    number = len(script_page.made)
    for _ in range(2):
        with desk.expect_response(lambda response: "/tagged" in response.url and response.status == 304):
            pass
    expect(desk.locator("#made")).to_have_text(str(number))
    assert len(script_page.made) == number
    bump_version(alice.pk)
    expect(desk.locator("#made")).to_have_text(str(number + 1))
