"""A Chromium for the flows, and windows that record every error in them."""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect, sync_playwright

from tests.chromium import find_chromium
from tests.flows.trader import EMAIL

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds. Generous: the machine may be busy with other tests.
TIMEOUT_MS = 120_000
Theme = Literal["light", "dark"]


class Window:
    """A browser window. `errors`: policy violations, console errors and failed responses."""

    def __init__(self, browser: Browser, theme: Theme = "light", width: int = 1440, height: int = 900) -> None:
        self.errors: list[str] = []
        self.context = browser.new_context(
            color_scheme=theme, viewport={"width": width, "height": height}, reduced_motion="reduce"
        )
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.expose_function("violated", lambda words: self.errors.append(f"policy: {words}"))
        self.context.add_init_script(
            "addEventListener('securitypolicyviolation',"
            " event => violated(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`), true)"
        )
        self.context.on("console", self._on_console)
        self.context.on("weberror", lambda error: self.errors.append(f"script: {error.error}"))
        self.context.on("response", self._on_response)
        self.page: Page = self.context.new_page()

    def log_in(self, url: str, password: str, email: str = EMAIL) -> None:
        self.page.goto(url)
        expect(self.page).to_have_url(f"{url}/accounts/login/?next=/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", name="Home", level=1)).to_be_visible()

    def confirm(self, url: str, password: str) -> None:
        """Type the password again, which the pages of secrets ask for."""
        self.page.goto(f"{url}/accounts/reauthenticate/")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Confirm").click()
        expect(self.page).not_to_have_url(re.compile("reauthenticate"))

    def show(self, url: str) -> None:
        """Open a page and wait until it is complete: late fragments are loaded and charts are drawn, or
        say that there is nothing to draw."""
        self.page.goto(url)
        expect(self.page.locator("[hx-trigger='load'], .swagger-ui .loading")).to_have_count(0)
        for chart in self.page.locator("[data-chart]:visible").all():
            expect(chart.locator("canvas:visible, .chart-message").first).to_be_visible()
        for legend in self.page.locator("[data-plot] .plot-legend").all():
            expect(legend).not_to_be_empty()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"console {message.type}: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.errors.append(f"{response.status} {urlsplit(response.url).path}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


def wait_until_drawn(chart: Locator) -> None:
    """The canvas is there before its data are: a busy machine draws them later."""
    expect(chart.locator("canvas").first).to_be_visible()
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while count_colours(chart) <= 3:
        assert time.monotonic() < deadline, "the chart is empty"
        chart.page.wait_for_timeout(200)


def count_colours(chart: Locator) -> int:
    """The number of colours in the largest canvas of the chart."""
    colours: int = chart.evaluate("""chart => {
      const size = canvas => canvas.width * canvas.height;
      const [canvas] = [...chart.querySelectorAll("canvas")].sort((a, b) => size(b) - size(a));
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    }""")
    return colours


def wait_until(page: Page, expression: str) -> None:
    """Wait until this JavaScript is true. Page.wait_for_function asks again inside the page, where the policy of
    the desk forbids it, so it fails unless its first answer is true."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"It did not become true: {expression}")
