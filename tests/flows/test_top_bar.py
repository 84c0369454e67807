"""The top bar keeps its links and buttons in one row, whatever the market line says."""

from pathlib import Path

import pytest

from tests.desk.test_runner import Desk
from tests.flows.browser import Window, chromium
from tests.flows.trader import demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = [pytest.mark.browser, pytest.mark.processes]
# A phone, the narrowest window with all links, a small and a large laptop, and where the broker is named.
WIDTHS = (390, 1024, 1280, 1440, 1600)
LONG = "Replay market · 2012-03-05 · 1 session = 2 s · moved on without 3 checks, 1 account with fills to book"
# The links and buttons that are not in the row of the first one.
WRAPPED = """text => {
  document.querySelector(".market-line").lastChild.textContent = text;
  const bar = ".topbar > a, .topbar > nav a, .topbar .btn, .mode-switch, .broker-line";
  const shown = [...document.querySelectorAll(bar)]
    .filter(element => element.checkVisibility() && !element.closest("[popover]"));
  return shown.filter(element => element.getBoundingClientRect().bottom > 49).map(element => element.outerHTML);
}"""


def test_the_top_bar_has_one_row(tmp_path: Path) -> None:
    wrapped = {}
    with Desk(copy_prepared_folder(tmp_path / "data")) as desk, chromium() as browser:
        desk.wait_until_healthy()
        for width in WIDTHS:
            window = Window(browser, width=width)
            window.log_in(desk.url, demo_password(desk.folder))
            wrapped[width] = window.page.evaluate(WRAPPED, LONG)
            window.context.close()
    assert not any(wrapped.values()), wrapped
