"""The environment is read strictly: an invalid value is refused in one line that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from environ import Env

from tradedesk.settings.environment import read_host_url

ROOT = Path(__file__).resolve().parent.parent.parent


def manage(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with only the given environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DESK_DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MARKET", "maybe", "MARKET must be one of replay, real, alpaca, not “maybe”."),
        ("DEBUG", "perhaps", "DEBUG must be 1 or 0, not “perhaps”."),
        ("HTTPS", "ja", "HTTPS must be 1 or 0, not “ja”."),
        ("BEHIND_PROXY", "2", "BEHIND_PROXY must be 1 or 0, not “2”."),
        ("SIGNUP_OPEN", "open", "SIGNUP_OPEN must be 1 or 0, not “open”."),
        ("REPLAY_SECONDS_PER_BAR", "0", "REPLAY_SECONDS_PER_BAR must be a number above 0, not “0”."),
        ("REPLAY_MAX_WAIT", "-5", "REPLAY_MAX_WAIT must be a number above 0, not “-5”."),
        ("PAPER_STARTING_CASH", "-1", "PAPER_STARTING_CASH must be a number above 0, not “-1”."),
        ("API_TOKEN_HOURS", "nan", "API_TOKEN_HOURS must be a number above 0, not “nan”."),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, not “LOUD”."),
        (
            "METRICS_ALLOW",
            "10.0.0.1,localhost",
            "METRICS_ALLOW must have addresses or networks like 10.0.0.5 or 10.0.0.0/24, not “localhost”.",
        ),
        ("BACKUP_TIME", "24:00", "BACKUP_TIME must be a time like 06:00, or off, not “24:00”."),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be one of auto, json, readable, not “xml”."),
        ("LOG_FILES_KEPT", "0", "LOG_FILES_KEPT must be a whole number from 1 to 2147483647, not “0”."),
        ("REDIS_URL", "localhost:6379", "REDIS_URL must look like redis://host:6379/0, or be empty."),
        (
            "DATABASE_URL",
            "mysql://user:secret@host/name",
            "DATABASE_URL must look like postgresql://user:password@host:5432/name.",
        ),
        *(
            (
                "BARS_URL",
                url,
                "BARS_URL must look like file:///srv/bars or s3://bucket/folder?region=us-east-1.",
            )
            for url in (
                "/srv/bars",
                "file:bars",
                "file://srv/bars",
                "file:///",
                "s3:///folder",
                "ftp://key:secret@host/",
            )
        ),
        ("SECRET_KEY", "short", "SECRET_KEY must have at least 50 random characters, not 5."),
        (
            "ENCRYPTION_KEY",
            f"{'n' * 50},short",
            "ENCRYPTION_KEY must have at least 50 random characters, not 5.",
        ),
        (
            "DESK_DATA_DIR",
            "/dev/null/desk",
            "DESK_DATA_DIR: the folder /dev/null/desk cannot be used (Not a directory).",
        ),
    ],
)
def test_an_invalid_value_is_refused_in_one_line(variable: str, value: str, message: str, tmp_path: Path) -> None:
    finished = manage("check", **{"folder": tmp_path, variable: value})  # type: ignore[arg-type]

    assert finished.stderr.strip() == message
    assert finished.stdout == ""
    assert finished.returncode == 1


def test_a_replay_start_outside_the_samples_is_refused(tmp_path: Path) -> None:
    finished = manage("check", folder=tmp_path, REPLAY_START="2030-01-01")

    assert "REPLAY_START must be a date from 2000-03-01 to 2013-02-28" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.returncode == 1


def test_a_password_in_a_wrong_url_is_not_repeated(tmp_path: Path) -> None:
    assert "secret" not in manage("check", folder=tmp_path, DATABASE_URL="mysql://user:secret@host/name").stderr
    assert "secret" not in manage("check", folder=tmp_path, BARS_URL="ftp://key:secret@host/folder").stderr


@pytest.mark.parametrize("url", ["", "file:///tmp/some%20bars", "s3://key:secret@bucket/folder?region=eu-west-1"])
def test_the_bars_are_in_the_data_folder_or_at_their_url(url: str, tmp_path: Path) -> None:
    show = ("shell", "-v0", "-c", "from django.conf import settings; print(settings.BARS_URL)")
    assert manage(*show, folder=tmp_path, BARS_URL=url).stdout.strip() == (url or (tmp_path / "bars").as_uri())


def test_empty_variables_count_as_not_set(tmp_path: Path) -> None:
    empty = dict.fromkeys(
        (
            "DATABASE_URL",
            "REDIS_URL",
            "BARS_URL",
            "SECRET_KEY",
            "ENCRYPTION_KEY",
            "MARKET",
            "DEBUG",
            "HTTPS",
            "ALLOWED_HOSTS",
            "LOG_LEVEL",
        ),
        "",
    )
    finished = manage("check", folder=tmp_path, **empty)

    assert finished.returncode == 0, finished.stderr


def test_the_keys_are_generated_once_and_readable_only_by_their_owner(tmp_path: Path) -> None:
    code = "from django.conf import settings; print(settings.SECRET_KEY, *settings.ENCRYPTION_KEYS)"
    first, second = (manage("shell", "-v0", "-c", code, folder=tmp_path) for _ in range(2))

    signing, encrypting = first.stdout.split()
    assert min(len(signing), len(encrypting)) >= 50
    assert signing != encrypting
    assert first.stdout == second.stdout
    for file in ("secret.key", "encryption.key"):
        assert (tmp_path / file).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (None, "https://data.alpaca.markets"),
        ("https://data.sandbox.alpaca.markets/", "https://data.sandbox.alpaca.markets"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        # An empty variable never means the real host, and keys are sent to no other machine in the clear.
        ("", None),
        ("http://data.example.com", None),
        ("https://data.example.com/v2", None),
        ("https://user:key@data.example.com", None),
        ("data.example.com", None),
    ],
)
def test_the_host_that_gets_keys(value: str | None, host: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALPACA_DATA_URL", raising=False)
    if value is not None:
        monkeypatch.setenv("ALPACA_DATA_URL", value)

    def read() -> str:
        return read_host_url(Env(), "ALPACA_DATA_URL", default="https://data.alpaca.markets")

    if host is not None:
        assert read() == host
        return
    with pytest.raises(ImproperlyConfigured, match="ALPACA_DATA_URL must look like"):
        read()
