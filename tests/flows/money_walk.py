"""The walk of a newcomer from the first keys to real money and back."""

import re
from decimal import Decimal

from playwright.sync_api import Page, expect

from tests.flows.alpaca_hosts import SYMBOL
from tests.flows.browser import TIMEOUT_MS
from tests.flows.first_visit import go_to

NAME = "Hold with exits"
EMAIL, PASSWORD = "newcomer@example.com", "a-walk-along-the-harbour"
# A signal waits for the end of a minute, then for the bar, the order and its fill.
UNTIL_FILLED_MS = 4 * TIMEOUT_MS


def sign_up(page: Page, url: str) -> None:
    page.goto(f"{url}/accounts/signup/")
    page.get_by_label("Email").fill(EMAIL)
    page.locator("#id_password1").fill(PASSWORD)
    page.locator("#id_password2").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()


def add_account(page: Page, url: str, mode: str, key: str, equity: str) -> None:
    """Add keys, see that their test passes, and make them the active account of their mode."""
    page.goto(f"{url}/settings/brokers")
    page.get_by_role("link", name=f"Add Alpaca {mode}").click()
    confirm_password(page)
    page.get_by_label("API key id").fill(key)
    page.get_by_label("Secret key").fill(f"{key}-secret")
    page.get_by_label("Make it the active").uncheck()
    page.get_by_role("button", name="Add and test").click()
    account = page.get_by_role("region", name=f"Alpaca {mode}")
    expect(account.get_by_role("heading", name="Test passed")).to_be_visible()
    expect(account).to_contain_text(equity)
    account.get_by_role("button", name=f"Make active: Alpaca {mode}").click()
    expect(account.get_by_text("Active", exact=True)).to_be_visible()
    assert key not in page.content()


def confirm_password(page: Page) -> None:
    """Where keys are typed, the password of a while ago does not do."""
    keys, password = page.get_by_label("API key id"), page.get_by_label("Password")
    expect(keys.or_(password)).to_be_visible()
    if password.count():
        password.fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()


def download(page: Page) -> None:
    go_to(page, "Data")
    page.get_by_label("Symbol or name").fill(SYMBOL)
    found = page.locator(f"#share-{SYMBOL}")
    # The list of shares is read by a worker after the first search for one.
    expect(page.locator("#shares")).not_to_be_empty()
    for _ in range(TIMEOUT_MS // 1000):
        if found.count():
            break
        page.wait_for_timeout(1000)
        page.get_by_label("Symbol or name").fill("")
        page.get_by_label("Symbol or name").fill(SYMBOL)
    found.get_by_role("link", name="Download").click()
    page.get_by_label("Timeframe").select_option("1Min")
    page.get_by_role("button", name="Download").click()
    downloads = page.get_by_role("region", name="Downloads")
    expect(downloads.get_by_role("row", name=SYMBOL)).to_contain_text("Done")
    # Without a reload.
    stored = page.get_by_role("region", name="Series").get_by_role("row", name=re.compile(f"{SYMBOL} .*1Min"))
    expect(stored).to_be_visible()


def backtest(page: Page) -> None:
    """A new strategy on the bars of before; its result is on the page."""
    go_to(page, "Strategies")
    page.get_by_role("link", name="New strategy").first.click()
    page.get_by_label("Name").fill(NAME)
    page.locator("#id_timeframe").select_option("1Min")
    page.locator("#id_symbols").fill(SYMBOL)
    page.locator("#id_kind").select_option("buy_and_hold")
    # The parameters of this kind replace the others, which moves the button.
    expect(page.locator("#kind-fields")).to_contain_text("Buys on the first bar")
    page.get_by_role("button", name="Create strategy").click()
    expect(page.get_by_role("region", name="Messages")).to_contain_text(NAME)
    go_to(page, "Strategies")
    page.get_by_role("link", name=f"Backtest {NAME}").click()
    page.locator("#id_stop_loss_pct").fill("5")
    page.locator("#id_take_profit_pct").fill("10")
    page.get_by_role("button", name="Run backtest").click()
    expect(page.get_by_role("heading", name=f"{NAME} Completed", level=1)).to_be_visible()


def deploy_on_paper(page: Page) -> str:
    """From the result of the backtest, whose stop and target it keeps. Returns the address of its page."""
    page.get_by_role("link", name="Deploy with settings").click()
    expect(page.locator("#id_stop_loss_pct")).to_have_value("5")
    page.locator("#id_position_size_pct").fill("10")
    page.get_by_role("button", name="Deploy to Live · PAPER").click()
    expect(page.get_by_role("heading", name=NAME, level=1)).to_be_visible()
    return page.url


def see_position(page: Page, shares: Decimal) -> None:
    """What was bought appears by itself, with a stop and a target that the broker keeps."""
    position = page.get_by_role("region", name="Open positions").get_by_role("row", name=SYMBOL)
    expect(position.get_by_text("Broker", exact=True).last).to_be_visible(timeout=UNTIL_FILLED_MS)
    cells = position.get_by_role("cell")
    for figure in (f"{shares}", "95.00", "110.00"):
        expect(cells.filter(has_text=re.compile(f"^\\s*{figure}\\s*$"))).to_be_visible()


def go_live(page: Page, url: str) -> None:
    """The dialog shows the live account, and waits for the box and the word."""
    page.goto(f"{url}/dashboard")
    page.locator("#mode-switch").get_by_role("link").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("$25,842.18")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("textbox").fill("LIVE")
    dialog.get_by_role("button", name="Switch to live").click()
    expect(page.locator("html")).to_have_attribute("data-mode", "live")
    expect(page.locator(".live-banner")).to_be_visible()


def promote(page: Page, paper_page: str) -> str:
    """A second deployment at a quarter of the size. Returns the address of its page, which has both."""
    page.goto(paper_page)
    page.get_by_role("link", name="Promote to live").click()
    expect(page.locator("#id_fraction")).to_have_value("25")
    page.get_by_role("button", name="Promote to live").click()
    comparison = page.get_by_role("region", name="Paper and live")
    expect(comparison.get_by_role("row", name="Equity a position")).to_contain_text("2.50%")
    assert page.url != paper_page
    return page.url


def flatten(page: Page, url: str) -> None:
    """The kill switch, in the menu that is on every page."""
    page.get_by_role("button", name="Stop trading").click()
    menu = page.locator("#stop-menu")
    menu.get_by_label("Yes, sell everything").check()
    menu.get_by_role("button", name="Flatten").click()
    expect(page.get_by_role("button", name="Trading stopped")).to_be_visible()
    page.goto(f"{url}/dashboard/stop-trading")
    expect(page.get_by_text("Finished after").first).to_be_visible(timeout=UNTIL_FILLED_MS)


def back_to_paper(page: Page) -> None:
    """One press."""
    page.locator("#mode-switch").get_by_role("button").click()
    expect(page.locator("html")).to_have_attribute("data-mode", "paper")
    expect(page.locator(".live-banner")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop trading")).to_be_visible()
