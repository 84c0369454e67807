"""Every page on a phone, in both modes and both themes: its width, its policy, and what axe-core finds."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.desk.test_runner import Desk
from tests.flows.accessibility import CONTRAST, serious_findings
from tests.flows.browser import Theme, Window, chromium
from tests.flows.pages import OF_OPERATORS, OPEN_TO_ALL, PAGES, connect_live_account, make_history
from tests.flows.trader import demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = [pytest.mark.browser, pytest.mark.processes]
PHONE = 390
THEMES: tuple[Theme, ...] = ("dark", "light")
MODES = ("paper", "live")
# All rules once: only colours differ between the themes, and the modes besides in what the pages hold.
ALL_RULES = {("logged out", "dark"), ("operator", "dark"), ("paper", "dark")}
# Swagger's page, which is not the desk's own.
API_DOCS = "/api/docs"
# Elements wider than the screen, except inside elements that scroll.
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest(".table-scroll, [popover]"))
  .filter(element => element.getBoundingClientRect().right > innerWidth)
  .map(element => element.outerHTML.slice(0, 120))"""


class Findings:
    def __init__(self) -> None:
        self.too_wide: dict[tuple[str, str], list[str]] = {}
        self.serious: dict[tuple[str, str, Theme], list[str]] = {}

    def look(self, window: Window, path: str, mode: str) -> None:
        """In both themes: an open page follows a change of the system's theme."""
        for theme in THEMES:
            window.page.emulate_media(color_scheme=theme)
            expect(window.page.locator("html")).to_have_attribute("data-theme", f"desk-{theme}")
            if window.page.evaluate("document.documentElement.scrollWidth") > PHONE:
                self.too_wide[path, mode] = window.page.evaluate(TOO_WIDE)
            rules = () if (mode, theme) in ALL_RULES else CONTRAST
            if path != API_DOCS and (serious := serious_findings(window.page, *rules)):
                self.serious[path, mode, theme] = serious


def test_no_page_is_wider_than_a_phone_or_violates_its_policy_or_keeps_people_out(tmp_path: Path) -> None:
    found = Findings()
    folder = copy_prepared_folder(tmp_path / "data")
    connect_live_account(folder)
    with Desk(folder, environment={"REPLAY_SECONDS_PER_BAR": "0.5"}) as desk, chromium() as browser:
        make_history(desk, round_trips=1)
        window = Window(browser, width=PHONE)
        for path in OPEN_TO_ALL.values():
            window.show(desk.url + path)
            found.look(window, path, "logged out")
        window.log_in(desk.url, demo_password(folder))
        desk.execute("UPDATE accounts_user SET is_staff = 1")
        for path in OF_OPERATORS.values():
            window.show(desk.url + path)
            found.look(window, path, "operator")
        desk.execute("UPDATE accounts_user SET is_staff = 0")
        for mode in MODES:
            desk.execute(f"UPDATE accounts_user SET mode = '{mode}'")
            window.confirm(desk.url, demo_password(folder))
            for path in PAGES.values():
                window.show(desk.url + path)
                if path != API_DOCS:
                    expect(window.page.locator("html")).to_have_attribute("data-mode", mode)
                found.look(window, path, mode)
        window.context.close()
    assert found.too_wide == {}
    assert found.serious == {}
    assert window.errors == []
