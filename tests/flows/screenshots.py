"""Screenshots of every page, light, dark and on a phone: `python -m tests.flows.screenshots OUTDIR`.

Also writes docs/screenshot.png, the screenshot in the README.
"""

import io
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from tests.desk.test_runner import Desk
from tests.flows.browser import Theme, Window, chromium
from tests.flows.pages import OPEN_TO_ALL, PAGES, REFUSED, make_history
from tests.flows.trader import demo_password
from tests.processes.process import ROOT

ROUND_TRIPS = 12
# As a new user sees them, before anything is deployed.
FRESH = ("home", "strategies", "backtests", "live-trading", "trades", "notifications")
README = ROOT / "docs" / "screenshot.png"
VARIANTS: dict[str, tuple[Theme, int]] = {
    "light": ("light", 1440),
    "dark": ("dark", 1440),
    "phone": ("light", 390),
}
COLOURS = 256


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="tradedesk-screenshots-") as data,
        Desk(Path(data) / "data") as desk,
        chromium() as browser,
    ):
        desk.wait_until_healthy()
        fresh = {f"fresh-{name}": PAGES[name] for name in FRESH} | REFUSED
        for variant, (theme, width) in VARIANTS.items():
            take_screenshots(desk, folder, variant, Window(browser, theme, width), fresh)
        make_history(desk, ROUND_TRIPS)
        for variant, (theme, width) in VARIANTS.items():
            take_screenshots(desk, folder, variant, Window(browser, theme, width), PAGES)
        window = Window(browser, "dark")
        window.log_in(desk.url, demo_password(desk.folder))
        window.show(f"{desk.url}/dashboard/live-trading")
        README.write_bytes(compress(window.page.screenshot()))
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} screenshots in {folder}, and {README}\n")


def take_screenshots(desk: Desk, folder: Path, variant: str, window: Window, pages: Mapping[str, str]) -> None:
    for paths in (OPEN_TO_ALL, pages):
        if paths is pages:
            window.log_in(desk.url, demo_password(desk.folder))
            window.confirm(desk.url, demo_password(desk.folder))
        for name, path in paths.items():
            window.show(desk.url + path)
            window.page.screenshot(path=folder / f"{name}-{variant}.png", full_page=True)
    window.context.close()


def compress(picture: bytes) -> bytes:
    """The same PNG with a palette."""
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
