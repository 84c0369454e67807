"""A user's path through the optimizer: rank, search, read the plots, save, backtest and deploy a row."""

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.flows.browser import TIMEOUT_MS, Window, wait_until_drawn
from tests.flows.first_visit import go_to

# A run takes more than a minute on a busy machine.
LONG_MS = 4 * TIMEOUT_MS
SEARCHED = "Moving averages 10/30"
# The name of a row has its parameters. In the browser a slash would end the pattern.
ROW = SEARCHED.replace("/", ".") + r" \(fast \d+, slow \d+\)"


def walk(browser: Browser, url: str, password: str) -> None:
    window = Window(browser)
    window.log_in(url, password)
    rank(window.page)
    run = search(window.page)
    read_the_plots(window.page, run)
    save_a_row(window.page, run)
    backtest_a_row(window.page, run)
    read_its_evidence(window.page, run)
    deploy_the_first_row(window.page, run)
    window.context.close()
    assert window.errors == []


def rank(page: Page) -> None:
    """Rank all strategies and kinds on one symbol; the best row is marked, and the rows sort without a reload."""
    go_to(page, "Optimizer")
    page.get_by_label("All kinds with their default parameters").check()
    page.locator("#id_symbols").fill("AAPL")
    page.get_by_role("button", name="Start ranking").click()
    completed = page.get_by_role("heading", name=re.compile("Ranking of .* strategies Completed"))
    expect(completed).to_be_visible(timeout=LONG_MS)
    expect(rows(page).first).to_have_class("row-best")
    page.get_by_role("region", name="Results").get_by_role("link", name="Trades").click()
    expect(page.get_by_role("columnheader", name="Trades")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("sort=-trades"))


def search(page: Page) -> str:
    """The form shows the number of combinations, and the rows appear without a reload. Returns the run's URL."""
    go_to(page, "Optimizer")
    page.get_by_role("link", name="Search parameters").click()
    strategy = page.get_by_label("Strategy", exact=True)
    strategy.select_option(label=SEARCHED)
    expect(page.get_by_label("Fast average, from")).to_be_visible()
    # Symbols and period come in an answer of their own, which would replace what is typed before it arrives.
    expect(page.locator("[name=shown_strategy]")).to_have_value(strategy.input_value())
    page.locator("#id_symbols").fill("AAPL")
    page.get_by_label("Fast average, to").fill("14")
    expect(page.get_by_text(re.compile(r"\d+ combinations.*, about"))).to_be_visible()
    page.get_by_role("button", name="Start search").click()
    completed = page.get_by_role("heading", name=f"Search of {SEARCHED} Completed")
    expect(completed).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("holdout period to")).to_be_visible()
    assert rows(page).count() == 25
    return page.url


def read_the_plots(page: Page, run: str) -> None:
    page.get_by_role("link", name="Plots").click()
    for name in ("Heat map", "All scores", "Parallel coordinates"):
        plot = page.get_by_role("region", name=name).locator("[data-plot]")
        wait_until_drawn(plot)
    legend = page.get_by_role("region", name="Heat map").locator(".plot-legend")
    expect(legend).to_contain_text("best Sharpe ratio")
    page.locator("#heat-map-axes [name=statistic]").select_option(label="Median")
    expect(legend).to_contain_text("median Sharpe ratio")
    page.goto(run)


def save_a_row(page: Page, run: str) -> None:
    menu = menu_of(page, rows(page).nth(1))
    menu.get_by_label("Strategy name").fill("Found by searching")
    menu.get_by_role("button", name="Save as strategy").click()
    expect(page.get_by_role("heading", name="Found by searching", level=1)).to_be_visible()
    page.goto(run)


def backtest_a_row(page: Page, run: str) -> None:
    menu_of(page, rows(page).first).get_by_role("button", name="Backtest").click()
    expect(page.get_by_role("heading", name=re.compile(f"{ROW} Completed"), level=1)).to_be_visible()
    page.goto(run)


def menu_of(page: Page, row: Locator) -> Locator:
    """The open menu of a row with its other actions."""
    row.get_by_role("button", name="More actions").click()
    return page.locator("[popover]:popover-open")


def read_its_evidence(page: Page, run: str) -> None:
    """The row shows its ratings when a worker has computed them; a click opens the evidence page."""
    ratings = rows(page).first.locator(".rating")
    for _ in range(120):
        if ratings.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    rows(page).first.locator("a.ratings").click()
    expect(page.get_by_role("heading", name="Evidence", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Chance")).to_contain_text("Distinct trials")
    expect(page.get_by_role("region", name="Walk-forward").get_by_role("row")).to_have_count(9)
    wait_until_drawn(page.get_by_role("region", name="Overfitting").locator("[data-plot]"))
    page.goto(run)


def deploy_the_first_row(page: Page, run: str) -> None:
    """Deploying needs one press. The live strategy names the optimizer run, the row says that it is deployed."""
    rows(page).first.get_by_role("button", name="Deploy to Live").dblclick()
    page.wait_for_url(re.compile(r"/dashboard/live-trading(\?|$)"))
    toast = re.compile(f"“Live - {ROW}” deployed. Now monitoring AAPL.")
    expect(page.get_by_role("region", name="Messages")).to_contain_text(toast)
    page.goto(run)
    rows(page).first.get_by_role("link", name="Deployed").click()
    expect(page.get_by_role("region", name="Deployment")).to_contain_text(f"row of optimizer run {number_of(run)}")


def number_of(run: str) -> str:
    """The run's number in its URL."""
    match = re.search(r"/optimizer/(\d+)", run)
    assert match is not None
    return match[1]


def rows(page: Page) -> Locator:
    return page.get_by_role("region", name="Results").locator("tbody tr")
