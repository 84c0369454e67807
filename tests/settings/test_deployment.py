"""The security settings of a desk that others can reach."""

import json
from pathlib import Path

import pytest

from tests.settings.test_environment import manage

KEY = "a-key-for-this-test-alone-0123456789-abcdefghijklmnopqrstuvwxyz"
SHOW = "import json; from django.conf import settings as s; print(json.dumps([s.SECURE_SSL_REDIRECT, \
s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE]))"


def https_settings(folder: Path, **environment: str) -> list[object]:
    finished = manage("shell", "-v0", "-c", SHOW, folder=folder, **environment)
    printed: list[object] = json.loads(finished.stdout)
    return printed


def test_the_deployment_check_finds_no_issues(tmp_path: Path) -> None:
    finished = manage("check", "--deploy", "--fail-level", "WARNING", folder=tmp_path, DEBUG="0", SECRET_KEY=KEY)

    assert finished.returncode == 0, finished.stderr
    assert "no issues" in finished.stdout


def test_without_debug_the_desk_requires_https(tmp_path: Path) -> None:
    assert https_settings(tmp_path) == [True, 31536000, True, True]
    assert https_settings(tmp_path, DEBUG="0") == [True, 31536000, True, True]


@pytest.mark.parametrize("environment", [{"DEBUG": "1"}, {"HTTPS": "0"}])
def test_a_local_desk_serves_plain_http(environment: dict[str, str], tmp_path: Path) -> None:
    assert https_settings(tmp_path, **environment) == [False, 0, False, False]
