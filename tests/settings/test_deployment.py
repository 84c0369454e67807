"""What holds where others can reach the desk."""

import json
from pathlib import Path

import pytest

from tests.settings.test_environment import manage

KEY = "a-key-for-this-test-alone-0123456789-abcdefghijklmnopqrstuvwxyz"
SHOW = "import json; from django.conf import settings as s; print(json.dumps([s.SECURE_SSL_REDIRECT, \
s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE]))"


def safety_of(folder: Path, **environment: str) -> list[object]:
    answer = manage("shell", "-v0", "-c", SHOW, folder=folder, **environment)
    shown: list[object] = json.loads(answer.stdout)
    return shown


def test_the_deployment_check_has_nothing_to_say(tmp_path: Path) -> None:
    answer = manage("check", "--deploy", "--fail-level", "WARNING", folder=tmp_path, DEBUG="0", SECRET_KEY=KEY)

    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout


def test_without_debug_the_desk_insists_on_https(tmp_path: Path) -> None:
    assert safety_of(tmp_path) == [True, 31536000, True, True]
    assert safety_of(tmp_path, DEBUG="0") == [True, 31536000, True, True]


@pytest.mark.parametrize("environment", [{"DEBUG": "1"}, {"HTTPS": "0"}])
def test_on_this_machine_alone_it_serves_plain_http(environment: dict[str, str], tmp_path: Path) -> None:
    assert safety_of(tmp_path, **environment) == [False, 0, False, False]
