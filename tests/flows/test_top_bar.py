"""The frame at all widths: the rows of the top bar, the side bar or the drawer, the palette, and what axe-core
finds in paper and in live mode."""

import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.desk.test_runner import Desk
from tests.flows.accessibility import serious_findings
from tests.flows.browser import Theme, Window, chromium
from tests.flows.trader import demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = [pytest.mark.browser, pytest.mark.processes]
# A phone, a tablet, the first width with one row, a laptop, and a large screen; and where the last row ends there.
ENDS = {390: 148, 768: 90, 1024: 52, 1440: 52, 1920: 52}
END = """() => {
  const parts = document.querySelectorAll(".stop-button, .bar-bell, .bar-search, .market, .mode-switch");
  return Math.max(...[...parts].map(element => element.getBoundingClientRect().bottom));
}"""
STATES: tuple[tuple[int, Theme, str], ...] = (
    (390, "light", "paper"),
    (1440, "dark", "paper"),
    (390, "dark", "live"),
    (1440, "light", "live"),
)
# What is cut off or outside of the window, of what the top bar shows.
CUT_OFF = """() => {
  const shown = ":is(a, button, dd, .market-line, .market-time, .mode-switch, .broker-line)";
  const isCut = element => element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1;
  return [...document.querySelectorAll(`.topbar ${shown}`)]
    .filter(element => element.checkVisibility() && !element.closest("[popover]"))
    .filter(element => isCut(element) || element.getBoundingClientRect().right > innerWidth)
    .map(element => element.outerHTML.slice(0, 200));
}"""


def test_the_frame_at_all_widths_and_in_both_modes(tmp_path: Path) -> None:
    with Desk(copy_prepared_folder(tmp_path / "data"), environment={"DEBUG": "1"}) as desk, chromium() as browser:
        desk.wait_until_healthy()
        window = Window(browser)
        page = window.page
        window.log_in(desk.url, demo_password(desk.folder))
        for width, end in ENDS.items():
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{desk.url}/settings")
            assert (width, page.evaluate(CUT_OFF)) == (width, [])
            assert (width, page.evaluate(END)) <= (width, end)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            expect(page.get_by_role("navigation", name="Main", exact=True)).to_be_visible(visible=width >= 640)
        uses_the_palette(page, desk.url)
        found = {}
        for width, theme, mode in STATES:
            set_mode(desk, mode)
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            page.goto(f"{desk.url}/styleguide")
            expect(page.locator("html")).to_have_attribute("data-mode", mode)
            if serious := serious_findings(page):
                found[width, theme, mode] = serious
        assert found == {}
        assert window.errors == []


def uses_the_palette(page: Page, url: str) -> None:
    """By keyboard alone."""
    page.keyboard.press("Control+k")
    box, said = page.get_by_role("combobox", name="Search symbols"), page.locator("#palette-said")
    expect(box).to_be_focused()
    expect(said).to_contain_text("results")
    page.keyboard.type("settings")
    expect(page.get_by_role("option").first).to_contain_text("Settings")
    expect(box).to_have_attribute("aria-activedescendant", "palette-option-0")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role='option'][aria-selected='true']")).to_have_count(1)
    expect(box).not_to_have_attribute("aria-activedescendant", "palette-option-0")
    assert serious_findings(page) == []
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("glossary")
    expect(said).to_contain_text("1 result")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{url}/glossary")


def set_mode(desk: Desk, mode: str) -> None:
    with sqlite3.connect(desk.folder / "desk.sqlite3", timeout=60) as database:
        database.execute("UPDATE accounts_user SET mode = ?", [mode])
