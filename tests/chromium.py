"""Chromium for the browser tests: from the PATH, otherwise Debian's package, otherwise Playwright's.

`python -m tests.chromium` installs it if it is missing and prints its path.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoChromium(Exception):
    """Chromium is missing and could not be installed. The message says what to do."""


def find_chromium() -> str:
    """The path of an executable Chromium. Raises NoChromium."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    path = _path_of_playwright()
    if os.path.exists(path):
        return path
    raise NoChromium("The browser tests need Chromium. Install it, run “make chromium”, or use “make test-fast”.")


def install_chromium() -> str:
    """The path of an executable Chromium; it is installed if missing. Raises NoChromium."""
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
    # A failure is shown in the output; the caller checks afterwards whether there is a Chromium.
    subprocess.run(command, stdout=sys.stderr, check=False)


if __name__ == "__main__":
    try:
        print(install_chromium())
    except NoChromium as error:
        sys.exit(str(error))
