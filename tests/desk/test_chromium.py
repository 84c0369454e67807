"""Where the browser tests take their Chromium from."""

from pathlib import Path

import pytest

from tests import chromium


def test_the_first_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "google-chrome").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert chromium.find_chromium() == str(tmp_path / "google-chrome")


def test_playwrights_own_is_taken_when_the_path_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chrome").touch(mode=0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(chromium, "_path_of_playwright", lambda: str(tmp_path / "chrome"))

    assert chromium.find_chromium() == str(tmp_path / "chrome")


def test_what_to_do_is_said_when_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(chromium, "_path_of_playwright", lambda: str(tmp_path / "missing"))

    with pytest.raises(chromium.NoChromium, match="make chromium"):
        chromium.find_chromium()
