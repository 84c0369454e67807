"""Settings that depend on who can reach the desk, and the headers that every page has."""

import json
import stat
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from tests.settings.test_environment import manage
from tradedesk.accounts.models import User
from tradedesk.preparation import close_to_others

SHOW = "import json; from django.conf import settings as s; print(json.dumps([s.SIGNUP_OPEN, \
s.ACCOUNT_EMAIL_VERIFICATION, s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD, \
s.LIVE_NEEDS_SECOND_FACTOR]))"


def shown(folder: Path, **environment: str) -> list[object]:
    printed: list[object] = json.loads(manage("shell", "-v0", "-c", SHOW, folder=folder, **environment).stdout)
    return printed


def test_by_default_nobody_signs_up_and_hsts_is_for_this_name_alone(tmp_path: Path) -> None:
    assert shown(tmp_path) == [False, "none", False, False, True]


def test_an_open_sign_up_that_others_reach_confirms_addresses(tmp_path: Path) -> None:
    asked = {"SIGNUP_OPEN": "1", "HSTS_SUBDOMAINS": "1", "HSTS_PRELOAD": "1", "LIVE_NEEDS_SECOND_FACTOR": "0"}
    assert shown(tmp_path, **asked) == [True, "mandatory", True, True, False]


def test_a_wrong_origin_is_refused_in_one_line(tmp_path: Path) -> None:
    finished = manage("check", folder=tmp_path, CORS_ALLOWED_ORIGINS="example.com")
    assert finished.returncode == 1
    assert "CORS_ALLOWED_ORIGINS" in finished.stderr


def test_new_files_and_folders_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    manage("check", folder=folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_others_could_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "bars").mkdir(mode=0o755)
    (tmp_path / "desk.sqlite3").touch(mode=0o644)
    tmp_path.chmod(0o755)
    close_to_others(tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"bars": 0o700, "desk.sqlite3": 0o600}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_no_cache_keeps_the_pages_of_a_user(alices_browser: Client, charlies_browser: Client) -> None:
    page = alices_browser.get("/dashboard/notifications")
    assert page["Cache-Control"] == "private, no-store"
    assert "camera=()" in page["Permissions-Policy"]
    assert "camera=()" in charlies_browser.get("/accounts/login/")["Permissions-Policy"]


def test_a_form_from_an_unknown_origin_is_told_the_setting(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/accounts/login/", {}, HTTP_ORIGIN="https://elsewhere.example")
    assert answer.status_code == 403
    assert "CSRF_TRUSTED_ORIGINS" in answer.content.decode()
    assert "https://elsewhere.example" in answer.content.decode()


def test_an_unknown_host_is_told_the_setting(charlies_browser: Client) -> None:
    answer = charlies_browser.get("/accounts/login/", HTTP_HOST="<b>.example")
    assert answer.status_code == 400
    assert "ALLOWED_HOSTS" in answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://app.example.com", True), ("https://other.example", False)]
)
def test_the_api_answers_scripts_of_listed_origins_alone(
    charlies_browser: Client, settings: Settings, origin: str, allowed: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    for path, with_cors in (("/api/openapi.json", allowed), ("/accounts/login/", False)):
        answer = charlies_browser.get(path, HTTP_ORIGIN=origin)
        assert (answer.get("Access-Control-Allow-Origin") == origin) is with_cors


def test_the_log_in_of_the_admin_is_the_log_in_of_the_desk(charlies_browser: Client) -> None:
    answer = charlies_browser.post("/admin/login/", {"username": "a@example.com", "password": "x"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
