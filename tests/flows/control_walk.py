"""A walk of a trader who stays in control: create with limits, a limit trips, halt, flatten, lift."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.flows.browser import TIMEOUT_MS, Window

NAME = "Careful"
# The replay needs some sessions until something is held and until it loses a dollar in one.
LONG_MS = 4 * TIMEOUT_MS


def run_control_walk(browser: Browser, url: str, password: str) -> None:
    window = Window(browser)
    page = window.page
    window.log_in(url, password)
    create(page, url)
    wait_for_the_signal_and_its_fill(page)
    wait_until_the_limit_trips(page, url)
    halt(page, url)
    flatten(page, url)
    lift(page, url)
    window.context.close()
    assert window.errors == []


def create(page: Page, url: str) -> None:
    """Buy and hold with a tenth of the equity a position, and a daily loss limit of a dollar."""
    page.goto(f"{url}/dashboard/live-trading/new")
    choices = page.get_by_label("Base strategy")
    choices.select_option(label=re.sub(r"\s+", " ", str(option_of(page, "Buy and hold"))))
    page.get_by_role("button", name="Continue").click()
    page.locator("#id_name").fill(NAME)
    page.locator("#id_position_size_pct").fill("10")
    page.locator("#id_daily_loss_limit").fill("0")
    page.get_by_role("button", name="Deploy to Live").click()
    expect(page.locator("#id_daily_loss_limit_error")).to_be_visible()
    page.locator("#id_daily_loss_limit").fill("1")
    page.get_by_role("button", name="Deploy to Live").click()
    expect(page.get_by_role("heading", name=NAME, level=1)).to_be_visible()


def option_of(page: Page, strategy: str) -> str | None:
    return page.get_by_role("option").filter(has_text=strategy).first.text_content()


def wait_for_the_signal_and_its_fill(page: Page) -> None:
    """Both appear on the page without a reload."""
    history = page.get_by_role("region", name="History")
    expect(history.get_by_role("row").filter(has_text="Buy").first).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("region", name="Open positions")).to_be_visible(timeout=LONG_MS)


def wait_until_the_limit_trips(page: Page, url: str) -> None:
    inbox = f"{url}/dashboard/notifications"
    page.goto(inbox)
    tripped = page.get_by_text(re.compile("daily limit")).first
    for _ in range(LONG_MS // 1000):
        if tripped.count():
            break
        page.wait_for_timeout(1000)
        page.goto(inbox)
    expect(tripped).to_contain_text(NAME)


def halt(page: Page, url: str) -> None:
    page.goto(f"{url}/dashboard/live-trading")
    page.get_by_role("button", name="Stop trading").click()
    page.get_by_role("button", name="Stop entries").click()
    expect(page.get_by_role("button", name="Trading stopped")).to_be_visible()


def flatten(page: Page, url: str) -> None:
    page.goto(f"{url}/dashboard/stop-trading")
    page.get_by_label("Yes, sell everything").check()
    page.get_by_role("button", name="Flatten").click()
    page.goto(f"{url}/dashboard/stop-trading")
    expect(page.get_by_text(re.compile(r"Finished after")).first).to_be_visible(timeout=LONG_MS)
    page.goto(f"{url}/trades?mode=paper&tab=positions")
    expect(page.get_by_role("heading", name="No open positions")).to_be_visible()


def lift(page: Page, url: str) -> None:
    page.goto(f"{url}/dashboard/stop-trading")
    page.get_by_label("Type RESUME to trade again").fill("resume please")
    page.get_by_role("button", name="Resume trading").click()
    expect(page.get_by_text("Trading is stopped", exact=True)).to_be_visible()
    page.get_by_label("Type RESUME to trade again").fill("RESUME")
    page.get_by_role("button", name="Resume trading").click()
    page.goto(f"{url}/dashboard/live-trading")
    expect(page.get_by_role("button", name="Stop trading")).to_be_visible()
