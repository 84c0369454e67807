"""A trader's way through the optimizer: rank, search, look at the landscape, open a row, save it, deploy it."""

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.flows.browser import Window
from tests.flows.newcomer import go_to

SEARCHED = "Moving averages 10/30"
# What comes of a row is named by its parameters; the browser would take the slash for the end of the pattern.
ROW = SEARCHED.replace("/", ".") + r" \(fast \d+, slow \d+\)"


def walk(browser: Browser, url: str, password: str) -> None:
    window = Window(browser)
    window.log_in(url, password)
    rank(window.page)
    run = search(window.page)
    see_the_landscape(window.page)
    save_a_row(window.page, run)
    open_a_row(window.page, run)
    read_its_evidence(window.page, run)
    deploy_the_first_row(window.page, run)
    window.context.close()
    assert window.complaints == []


def rank(page: Page) -> None:
    """All strategies and all kinds on one symbol; the best one is marked, and the rows sort without a reload."""
    go_to(page, "Optimizer")
    page.get_by_label("All kinds with their default parameters").check()
    page.get_by_label("Symbols").fill("AAPL")
    page.get_by_role("button", name="Rank them").click()
    expect(page.get_by_role("heading", name=re.compile("Ranking of .* strategies Completed"))).to_be_visible()
    expect(rows(page).first).to_have_class("row-best")
    page.get_by_role("region", name="Results").get_by_role("link", name="Trades").click()
    expect(page.get_by_role("columnheader", name="Trades")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("sort=-num_trades"))


def search(page: Page) -> str:
    """It says how much it will be, and its rows come by themselves; the address of the run."""
    go_to(page, "Optimizer")
    page.get_by_role("link", name="Search parameters").click()
    page.get_by_label("Strategy", exact=True).select_option(label=SEARCHED)
    expect(page.get_by_label("Fast average, from")).to_be_visible()
    page.get_by_label("Symbols").fill("AAPL")
    page.get_by_label("Fast average, to").fill("14")
    expect(page.get_by_text(re.compile(r"\d+ combinations.*, about"))).to_be_visible()
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_role("heading", name=f"Search of {SEARCHED} Completed")).to_be_visible()
    expect(page.get_by_text("is held back for the evidence")).to_be_visible()
    assert rows(page).count() == 25
    return page.url


def see_the_landscape(page: Page) -> None:
    for name in ("Heat map", "All scores", "Parallel coordinates"):
        plot = page.get_by_role("region", name=name).locator("[data-plot]")
        expect(plot.locator("svg :is(rect, polyline)").nth(5)).to_be_visible()
    legend = page.get_by_role("region", name="Heat map").locator(".plot-legend")
    expect(legend).to_contain_text("best Sharpe ratio")
    page.get_by_label("Shows").select_option(label="Median")
    expect(legend).to_contain_text("median Sharpe ratio")


def save_a_row(page: Page, run: str) -> None:
    rows(page).nth(1).get_by_role("button", name="Save").click()
    dialog = page.locator("[popover]:popover-open")
    dialog.get_by_label("Save as a strategy named").fill("Found by searching")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Found by searching", level=1)).to_be_visible()
    page.goto(run)


def open_a_row(page: Page, run: str) -> None:
    rows(page).first.get_by_role("button", name="Backtest").click()
    expect(page.get_by_role("heading", name=re.compile(f"{ROW} Completed"), level=1)).to_be_visible()
    page.goto(run)


def read_its_evidence(page: Page, run: str) -> None:
    """The marks stand in the row as soon as a worker has gathered them; a press opens the whole of it."""
    marks = rows(page).first.locator(".rating")
    for _ in range(120):
        if marks.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    rows(page).first.locator("a.marks").click()
    expect(page.get_by_role("heading", name="Evidence", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Luck")).to_contain_text("tries")
    expect(page.get_by_role("region", name="Walk-forward").get_by_role("row")).to_have_count(9)
    expect(page.get_by_role("region", name="Overfitting").locator("svg rect").nth(5)).to_be_visible()
    page.goto(run)


def deploy_the_first_row(page: Page, run: str) -> None:
    """No question is asked; the live strategy says which run it came from, the row that it is deployed."""
    rows(page).first.get_by_role("button", name="Deploy to Live").dblclick()
    page.wait_for_url("**/dashboard/live-trading")
    toast = re.compile(f"“Live - {ROW}” deployed. Now monitoring AAPL.")
    expect(page.get_by_role("region", name="Messages")).to_contain_text(toast)
    page.goto(run)
    rows(page).first.get_by_role("link", name="Deployed").click()
    expect(page.get_by_role("region", name="Deployment")).to_contain_text("a row of optimizer run")


def rows(page: Page) -> Locator:
    return page.get_by_role("region", name="Results").locator("tbody tr")
