"""A Chromium for the browser tests: from the PATH, else Debian's package, else Playwright's.

`python -m tests.chromium` gets one and prints where it is.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoChromium(Exception):
    """None was found and none could be got; the message says what to do."""


def find_chromium() -> str:
    """Path of an executable Chromium. Raises NoChromium."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    path = _path_of_playwright()
    if os.path.exists(path):
        return path
    raise NoChromium("The browser tests need Chromium. Install it, try “make chromium”, or use “make test-fast”.")


def get_chromium() -> str:
    """Path of an executable Chromium, installed where there was none. Raises NoChromium."""
    try:
        return find_chromium()
    except NoChromium:
        if os.geteuid() == 0 and shutil.which("apt-get"):
            _run("apt-get", "update", "-qq")
            _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
        if not any(map(shutil.which, NAMES)):
            _run(sys.executable, "-m", "playwright", "install", "chromium")
        return find_chromium()


def _path_of_playwright() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _run(*command: str) -> None:
    # What went wrong shows in its output; whether there is a Chromium now is asked afterwards.
    subprocess.run(command, stdout=sys.stderr, check=False)


if __name__ == "__main__":
    try:
        print(get_chromium())
    except NoChromium as sentence:
        sys.exit(str(sentence))
