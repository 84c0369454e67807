"""Pictures for the README and the documentation: `make screenshots` writes them into docs/images.

With a folder as its argument it also writes every page there, light, dark and on a phone, to be looked at.
"""

import io
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.desk.test_runner import Desk
from tests.flows.browser import Theme, Window, chromium
from tests.flows.pages import OPEN_TO_ALL, PAGES, REFUSED, connect_live_account, make_history
from tests.flows.trader import Trader, demo_password
from tests.processes.process import ROOT

ROUND_TRIPS = 20
# As a new user sees them, before anything is deployed.
FRESH = ("home", "strategies", "backtests", "live-trading", "trades", "notifications")
IMAGES = ROOT / "docs" / "images"
# The pictures of the documentation, dark where nothing else is said.
FIRST = {"first-steps": "/dashboard"}
PLAYED = {
    "live-trading": "/dashboard/live-trading",
    "live-strategy": "/dashboard/live-trading/1",
    "strategy": "/dashboard/strategies/1",
    "backtest": "/dashboard/backtests/1",
    "evidence": "/dashboard/backtests/1?tab=evidence",
    "optimizer": "/dashboard/optimizer/1",
    "analysis": "/trades/analysis?mode=paper",
    "order": "/trades/order",
    "signals": "/signals",
    "risk-rules": "/dashboard/risk-rules",
    "data": "/dashboard/data",
}
LIGHT = {"trades-light": "/trades?mode=paper"}
ON_A_PHONE = {"home-phone": "/dashboard"}
PHONE = 390
VARIANTS: dict[str, tuple[Theme, int]] = {
    "light": ("light", 1440),
    "dark": ("dark", 1440),
    "phone": ("light", PHONE),
}
COLOURS = 256


def main(folder: Path | None) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="tradedesk-screenshots-") as data,
        Desk(Path(data) / "data") as desk,
        chromium() as browser,
    ):
        desk.wait_until_healthy()
        write_images(desk, Window(browser, "dark"), FIRST)
        if folder:
            write_pages(desk, browser, folder, {f"fresh-{name}": PAGES[name] for name in FRESH} | REFUSED)
        trader = Trader(desk.url, demo_password(desk.folder))
        assert trader.post("/dashboard/examples").status == 302
        assert trader.post("/dashboard/replay/control", action="10").status == 302
        make_history(desk, ROUND_TRIPS)
        write_images(desk, Window(browser, "dark"), PLAYED)
        write_images(desk, Window(browser, "light"), LIGHT)
        write_images(desk, Window(browser, "dark", PHONE, 844), ON_A_PHONE)
        if folder:
            connect_live_account(desk.folder)
            write_pages(desk, browser, folder, PAGES)


def write_images(desk: Desk, window: Window, pages: Mapping[str, str]) -> None:
    """What fits into the window, each as docs/images/NAME.png."""
    window.log_in(desk.url, demo_password(desk.folder))
    for name, path in pages.items():
        window.show(desk.url + path)
        (IMAGES / f"{name}.png").write_bytes(compress(window.page.screenshot()))
        sys.stdout.write(f"docs/images/{name}.png\n")
    window.context.close()


def write_pages(desk: Desk, browser: Browser, folder: Path, pages: Mapping[str, str]) -> None:
    """The whole of each page, light, dark and on a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    for variant, (theme, width) in VARIANTS.items():
        window = Window(browser, theme, width)
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
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
