"""Every page on a phone, in both themes."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.desk.test_runner import Desk
from tests.flows.browser import Theme, Window, chromium
from tests.flows.pages import OPEN_TO_ALL, PAGES, make_history
from tests.flows.trader import demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = [pytest.mark.browser, pytest.mark.processes]
PHONE = 390
THEMES: tuple[Theme, ...] = ("dark", "light")
# Elements wider than the screen, except inside elements that scroll.
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest(".table-scroll, [popover]"))
  .filter(element => element.getBoundingClientRect().right > innerWidth)
  .map(element => element.outerHTML.slice(0, 120))"""


def test_no_page_is_wider_than_a_phone_or_violates_its_policy(tmp_path: Path) -> None:
    """In both themes: an open page follows a change of the system's theme."""
    too_wide = {}
    with (
        Desk(copy_prepared_folder(tmp_path / "data"), environment={"REPLAY_SECONDS_PER_BAR": "0.5"}) as desk,
        chromium() as browser,
    ):
        make_history(desk, round_trips=1)
        window = Window(browser, width=PHONE)
        for paths in (OPEN_TO_ALL, PAGES):
            if paths is PAGES:
                window.log_in(desk.url, demo_password(desk.folder))
                window.confirm(desk.url, demo_password(desk.folder))
            for path in paths.values():
                window.show(desk.url + path)
                for theme in THEMES:
                    window.page.emulate_media(color_scheme=theme)
                    expect(window.page.locator("html")).to_have_attribute("data-theme", f"desk-{theme}")
                    if window.page.evaluate("document.documentElement.scrollWidth") > PHONE:
                        too_wide[path] = window.page.evaluate(TOO_WIDE)
        window.context.close()
    assert too_wide == {}
    assert window.errors == []
