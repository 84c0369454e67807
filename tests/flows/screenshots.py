"""Pictures of every page, light, dark and on a phone: `python -m tests.flows.screenshots OUTDIR`.

Also writes docs/screenshot.png, the picture in the readme.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.desk.test_runner import Desk
from tests.flows.browser import Theme, Window, chromium
from tests.flows.pages import OPEN_TO_ALL, PAGES, make_history
from tests.flows.trader import demo_password
from tests.processes.process import ROOT

ROUND_TRIPS = 12
README = ROOT / "docs" / "screenshot.png"
LOOKS: dict[str, tuple[Theme, int]] = {"light": ("light", 1440), "dark": ("dark", 1440), "phone": ("light", 390)}
COLOURS = 128


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="tradedesk-pictures-") as data,
        Desk(Path(data) / "data", environment={"REPLAY_SECONDS_PER_BAR": "1"}) as desk,
        chromium() as browser,
    ):
        make_history(desk, ROUND_TRIPS)
        for look, (theme, width) in LOOKS.items():
            take_all(browser, desk, folder, look, Window(browser, theme, width))
        window = Window(browser, "dark")
        window.log_in(desk.url, demo_password(desk.folder))
        window.show(f"{desk.url}/dashboard/live-trading")
        README.write_bytes(smaller(window.page.screenshot()))
    sys.stdout.write(f"{len(LOOKS) * len(PAGES | OPEN_TO_ALL)} pictures in {folder}, and {README}\n")


def take_all(browser: Browser, desk: Desk, folder: Path, look: str, window: Window) -> None:
    for pages in (OPEN_TO_ALL, PAGES):
        if pages is PAGES:
            window.log_in(desk.url, demo_password(desk.folder))
        for name, path in pages.items():
            window.show(desk.url + path)
            window.page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)
    if look == "phone":
        window.show(f"{desk.url}/dashboard")
        window.page.get_by_role("button", name="Menu", exact=True).click()
        expect(window.page.locator("#site-menu")).to_be_visible()
        window.page.screenshot(path=folder / f"menu-{look}.png")
    window.context.close()


def smaller(picture: bytes) -> bytes:
    """The same PNG with a palette."""
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
