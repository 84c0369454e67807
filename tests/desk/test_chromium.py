"""Where the browser tests find Chromium."""

from pathlib import Path

import pytest

from tests import chromium


def test_chromium_on_the_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "google-chrome").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert chromium.find_chromium() == str(tmp_path / "google-chrome")


def test_playwrights_chromium_is_used_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chrome").touch(mode=0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(chromium, "_path_of_playwright", lambda: str(tmp_path / "chrome"))

    assert chromium.find_chromium() == str(tmp_path / "chrome")


def test_without_chromium_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(chromium, "_path_of_playwright", lambda: str(tmp_path / "missing"))

    with pytest.raises(chromium.NoChromium, match="make chromium"):
        chromium.find_chromium()
