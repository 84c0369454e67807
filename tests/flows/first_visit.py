"""The first visit of a new user: log in, backtest, deploy, see trades, log out. The same steps on every kind of
desk."""

import re
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Request, expect

from tests.flows.browser import TIMEOUT_MS, Window, wait_until_drawn

FIRST, OTHERS = "Buy and hold", ("Moving averages 10/30", "Buy the dip", "Breakout 20/10", "MACD momentum")
LIVE = f"Live - {FIRST}"
# Seconds until the first trades of the replay, doubled for a slow machine.
UNTIL_TRADES = 240
# Stores the state of the pressed button in the session, because the browser leaves the page immediately.
RECORD_PRESS = """button => new MutationObserver(() => {
  const spins = getComputedStyle(button, "::after").animationName === "turn";
  sessionStorage.setItem("pressed", [button.disabled, button.ariaBusy, spins].join());
}).observe(button, { attributes: true })"""
LOGIN_REQUIRED = (
    "/dashboard",
    "/dashboard/strategies",
    "/dashboard/backtests",
    "/dashboard/live-trading",
    "/trades?mode=paper",
    "/dashboard/data",
)


@dataclass
class Measured:
    """Seconds from the press of Deploy to the next page, to the end of the first check, and to a closed trade."""

    landed: float
    checked: float
    traded: float = 0


def run_first_visit(browser: Browser, url: str, password: str) -> Measured:
    window = Window(browser)
    page = window.page
    window.log_in(url, password)
    see_five_strategies(page)
    preview(page)
    backtest(page)
    measured = deploy(page)
    started = time.monotonic()
    deploy_the_others(page)
    see_trades(page)
    measured.traded = measured.checked + time.monotonic() - started
    pause_start_and_stop(page)
    log_out(page, url)
    window.context.close()
    assert window.errors == []
    charlie_is_redirected_to_the_login_page(browser, url)
    return measured


def see_five_strategies(page: Page) -> None:
    go_to(page, "Strategies")
    expect(page.get_by_role("region", name="Strategies").locator("tbody tr")).to_have_count(5)
    for name in (FIRST, *OTHERS):
        facts = strategy_row(page, name)
        expect(facts).to_contain_text("AAPL")
        expect(facts.get_by_role("button", name="Deploy to Live · PAPER")).to_be_enabled()
        expect(facts.get_by_role("link", name=name, exact=True)).to_be_visible()
        expect(facts.get_by_role("link", name=f"Backtest {name}")).to_be_visible()


def preview(page: Page) -> None:
    """The chart follows what is typed; an error stands at its field, and the chart stays."""
    strategy_row(page, OTHERS[0]).get_by_role("link", name=OTHERS[0], exact=True).click()
    chart = page.get_by_role("region", name="Preview")
    expect(chart.locator(".chart-legend")).to_contain_text("SMA 10")
    fast = page.get_by_label("Fast average")
    fast.fill("12")
    expect(chart.locator(".chart-legend")).to_contain_text("SMA 12")
    expect(page.get_by_text("Not saved.")).to_be_visible()
    fast.fill("50")
    expect(chart).to_contain_text("before the last change")
    expect(chart.locator(".chart-legend")).to_contain_text("SMA 12")
    chart.get_by_label("Symbol of the preview").fill("IBM")
    fast.fill("10")
    expect(chart.locator(".chart-title")).to_contain_text("IBM")
    go_to(page, "Strategies")


def backtest(page: Page) -> None:
    """The result appears without a reload: metrics, both charts and trades."""
    page.get_by_role("link", name="Backtest Buy the dip").click()
    page.get_by_role("button", name="Run backtest").click()
    expect(page.get_by_role("heading", name="Buy the dip Completed", level=1)).to_be_visible()
    metrics = page.get_by_role("region", name="Metrics")
    expect(metrics.get_by_role("row", name="Total return")).to_contain_text("%")
    expect(metrics.get_by_role("row", name="Sharpe ratio")).not_to_contain_text("—")
    charts = page.get_by_role("region", name="Chart", exact=True)
    for chart in ("equity", "price"):
        charts.get_by_role("button", name=chart.capitalize(), exact=True).locator("visible=true").click()
        wait_until_drawn(page.locator(f"[data-chart={chart}]"))
    trades = page.get_by_role("region", name="Trades", exact=True)
    assert trades.get_by_role("row").count() > 10
    shown = trades.get_by_role("row").filter(has=page.get_by_role("button", name="Show the trade of")).first
    shown.get_by_role("button").click()
    expect(shown).to_have_class("row-chosen")
    bought = shown.get_by_role("button").get_attribute("data-time") or "no time"
    expect(page.locator("[data-chart=price] .chart-legend")).to_contain_text(bought)


def deploy(page: Page) -> Measured:
    """A double click deploys once, and the first check starts immediately."""
    presses: list[Request] = []
    page.on("request", lambda request: presses.append(request) if request.method == "POST" else None)
    go_to(page, "Strategies")
    button = strategy_row(page, FIRST).get_by_role("button", name="Deploy to Live")
    button.evaluate(RECORD_PRESS)
    button.dblclick()
    pressed = time.monotonic()
    page.wait_for_url(re.compile(r"/dashboard/live-trading(\?|$)"))
    landed = time.monotonic() - pressed
    toast = f"“{LIVE}” deployed. Now monitoring AAPL, GOOG, IBM, MSFT, FB."
    expect(page.get_by_role("region", name="Messages")).to_contain_text(toast)
    checked = wait_for_first_check(page, pressed)

    assert page.evaluate("sessionStorage.getItem('pressed')") == "true,true,true"
    assert len(presses) == 1
    assert [live["name"] for live in live_strategies(page)] == [LIVE]
    expect(row(page)).to_contain_text("PAPER")
    expect(row(page)).to_contain_text("Active")
    expect(row(page)).not_to_contain_text("Not yet")
    expect(page.get_by_role("link", name=re.compile(r"Notifications, \d+ unread"))).to_be_visible()
    go_to(page, "Strategies")
    expect(strategy_row(page, FIRST).get_by_role("link", name="Deployed", exact=True)).to_be_visible()
    expect(strategy_row(page, FIRST).get_by_role("button", name="Deploy to Live")).to_have_count(0)
    return Measured(landed, checked)


def wait_for_first_check(page: Page, pressed: float) -> float:
    """Seconds from the press to the end of the check."""
    while live_strategies(page)[0]["last_check"]["at"] is None:
        assert time.monotonic() - pressed < TIMEOUT_MS / 1000, "the first check did not end in time"
        page.wait_for_timeout(20)
    return time.monotonic() - pressed


def deploy_the_others(page: Page) -> None:
    for name in OTHERS:
        go_to(page, "Strategies")
        strategy_row(page, name).get_by_role("button", name="Deploy to Live").click()
        page.wait_for_url(re.compile(r"/dashboard/live-trading(\?|$)"))
    assert len(live_strategies(page)) == 5


def see_trades(page: Page) -> None:
    """Trades appear without a reload, grouped by day, and the totals in the footer add up."""
    go_to(page, "Trades")
    page.goto(page.url.partition("?")[0] + "?mode=paper")
    trades = page.get_by_role("region", name="Trades")
    expect(trades.get_by_role("row").filter(has_text="Signal").first).to_be_visible(timeout=UNTIL_TRADES * 1000)
    expect(trades.locator("tr.day-row:visible").filter(has_text="trade").first).to_contain_text("$")
    page.get_by_role("link", name="Open positions").click()
    positions = page.get_by_role("region", name="Open positions")
    expect(positions.get_by_role("link", name=re.compile("^Sell ")).first).to_be_visible()
    totals = wait_for_reported_totals(page)
    assert abs(totals["Realized"] + totals["Unrealized"] - totals["P&L total"]) < 0.02
    assert abs(totals["Equity"] - 100_000 - totals["P&L total"]) < 0.02
    assert 0 < totals["Cash"] < totals["Equity"]


def wait_for_reported_totals(page: Page) -> dict[str, float]:
    """The equity is that of the broker's last report, which follows a new close a moment later: the totals once
    the two agree, otherwise those after the timeout."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while True:
        totals = read_totals(page)
        agree = abs(totals["Equity"] - 100_000 - totals["P&L total"]) < 0.02
        if agree or time.monotonic() > deadline:
            return totals
        page.wait_for_timeout(100)


def read_totals(page: Page) -> dict[str, float]:
    read: list[tuple[str, str]] = page.get_by_label("Totals").evaluate("""footer =>
      [...footer.querySelectorAll("dt")].map(dt => [dt.innerText, dt.nextElementSibling.innerText])""")
    dollars = [(label, value) for label, value in read if "$" in value]
    return {label: float(value.translate(str.maketrans("−", "-", "$,+▲▼ "))) for label, value in dollars}


def pause_start_and_stop(page: Page) -> None:
    go_to(page, "Live trading")
    page.evaluate("() => { window.neverReloaded = true; }")
    verbs = (("Pause", "Paused", "Start"), ("Start", "Active", "Pause"))
    for press, state, then in verbs:
        row(page).get_by_role("button", name=press).click()
        expect(row(page).get_by_text(state, exact=True)).to_be_visible()
        expect(row(page).get_by_role("button", name=then)).to_be_enabled()
        message = page.get_by_role("region", name="Messages").get_by_text(f"“{LIVE}” is {state.lower()}.")
        expect(message).to_be_visible()
    assert page.evaluate("window.neverReloaded") is True
    # It holds positions, so Stop asks.
    row(page).get_by_role("link", name="Stop").click()
    page.get_by_role("button", name="Stop and keep them").click()
    expect(page.get_by_role("region", name="Messages")).to_contain_text(f"“{LIVE}” is stopped.")
    assert {live["name"]: live["status"] for live in live_strategies(page)}[LIVE] == "stopped"


def log_out(page: Page, url: str) -> None:
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto(f"{url}/trades")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def charlie_is_redirected_to_the_login_page(browser: Browser, url: str) -> None:
    window = Window(browser)
    for path in LOGIN_REQUIRED:
        window.page.goto(url + path)
        expect(window.page.get_by_role("heading", name="Log in")).to_be_visible()
    window.context.close()
    assert window.errors == []


def go_to(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def strategy_row(page: Page, name: str) -> Locator:
    """The row of the strategy in the list."""
    return page.get_by_role("region", name="Strategies").get_by_role("row", name=name)


def row(page: Page) -> Locator:
    """The deployed strategy's row on the live trading page."""
    return page.get_by_role("region", name="Strategies").get_by_role("row", name=LIVE)


def live_strategies(page: Page) -> list[dict[str, Any]]:
    """From the API, with the session of the page."""
    response = page.request.get(page.url.partition("/dashboard")[0] + "/api/v1/live-trading/strategies")
    items: list[dict[str, Any]] = response.json()["items"]
    return items
