"""What a line of the log looks like, where it goes, and that no secret is in it."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.test import RequestFactory

from tests.settings.test_environment import manage
from tradedesk.monitoring.scrubbing import scrubber
from tradedesk.settings.logs import LONGEST, configure_structlog, logging_settings

PLANTED = "pl4nted-s3cret"


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    """The console of a desk with its own logging; the one of the tests comes back."""
    from django.conf import settings

    yield io.StringIO()
    logging.config.dictConfig(settings.LOGGING)


def use(
    console: io.StringIO, folder: Path | None = None, *, level: str = "WARNING", readable: bool = False
) -> None:
    config = logging_settings(
        level=level, readable=readable, scrub=scrubber([PLANTED]), folder=folder, most_bytes=10**6, kept=2
    )
    config["handlers"]["console"]["stream"] = console
    configure_structlog()
    logging.config.dictConfig(config)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_lines_of_every_library_have_one_form(console: io.StringIO) -> None:
    use(console)
    logging.getLogger("celery.worker").warning("lost %s", "it", extra={"user_id": 7, "request": object()})
    structlog.get_logger("desk.test").warning("fill", order="a", quantity=3)
    first, second = lines(console.getvalue())
    assert (first["event"], first["level"], first["logger"]) == ("lost it", "warning", "celery.worker")
    assert first["user_id"] == 7
    assert "request" not in first
    assert (second["event"], second["order"], second["quantity"]) == ("fill", "a", 3)
    assert second["timestamp"].endswith("Z")


def test_a_traceback_is_in_its_line_and_a_long_one_is_cut(console: io.StringIO) -> None:
    use(console)
    try:
        raise ValueError("no " + "x" * 3 * LONGEST)
    except ValueError:
        logging.getLogger("desk.test").exception("failed")
    (line,) = lines(console.getvalue())
    assert line["exception"].startswith("Traceback")
    assert len(line["exception"]) < LONGEST + 10


def test_a_line_feed_in_a_value_starts_no_line(console: io.StringIO) -> None:
    use(console)
    logging.getLogger("desk.test").error("name: %s", 'x\n{"event": "fill"}')
    assert len(console.getvalue().splitlines()) == 1


def test_no_secret_is_in_a_line(console: io.StringIO, tmp_path: Path) -> None:
    for readable in (False, True):
        use(console, tmp_path, readable=readable)
        log = logging.getLogger("desk.test")
        log.error("connecting to postgresql://desk:%s@db/desk", PLANTED)
        structlog.get_logger("desk.test").error("login", password=PLANTED, headers={"x": f"Bearer {PLANTED}"})
        try:
            raise OSError(f"token={PLANTED}")
        except OSError:
            log.exception("failed")
    written = console.getvalue() + (tmp_path / "desk.log").read_text()
    assert "[removed]" in written
    assert PLANTED not in written


def test_the_journal_is_in_the_file_whatever_the_level_is(console: io.StringIO, tmp_path: Path) -> None:
    use(console, tmp_path, level="ERROR")
    structlog.get_logger("tradedesk.journal").info("fill", order="a")
    logging.getLogger("desk.test").info("chatter")
    assert console.getvalue() == ""
    assert [line["event"] for line in lines((tmp_path / "desk.log").read_text())] == ["fill"]


def test_the_health_of_a_desk_that_is_down_is_no_error(console: io.StringIO) -> None:
    use(console)
    for path in ("/api/health", "/api/v1/strategies"):
        request = RequestFactory().get(path)
        logging.getLogger("django.request").error("Service Unavailable: %s", path, extra={"request": request})
    assert [line["event"] for line in lines(console.getvalue())] == ["Service Unavailable: /api/v1/strategies"]


def test_what_a_task_works_on_is_in_its_lines(console: io.StringIO) -> None:
    from celery.signals import task_postrun, task_prerun

    use(console)
    task_prerun.send(sender=None, task_id="1", task=None, args=[42, "x"])
    logging.getLogger("desk.test").error("in the task")
    task_postrun.send(sender=None)
    logging.getLogger("desk.test").error("after the task")
    # Other code of the same process may log meanwhile.
    first, second = (line for line in lines(console.getvalue()) if line["logger"] == "desk.test")
    assert (first["task_id"], first["arguments"]) == ("1", "42, x")
    assert "task_id" not in second


def test_the_desk_logs_json_into_its_data_folder_and_its_key_nowhere(tmp_path: Path) -> None:
    key = "the-key-of-this-desk-0123456789-abcdefghijklmnopqrstuvwxyz"
    code = f"import logging; logging.getLogger('x').error('the key is {key}')"
    finished = manage("shell", "-v0", "-c", code, folder=tmp_path, SECRET_KEY=key)
    assert finished.returncode == 0, finished.stderr
    written = (tmp_path / "logs" / "desk.log").read_text()
    assert lines(written)[0]["event"] == "the key is [removed]"
    assert lines(finished.stderr)[0]["event"] == "the key is [removed]"
    assert key not in written + finished.stderr


def test_without_a_sentry_address_its_library_is_not_imported(tmp_path: Path) -> None:
    code = "import sys; print('sentry_sdk' in sys.modules)"
    assert manage("shell", "-v0", "-c", code, folder=tmp_path).stdout.strip() == "False"
    finished = manage("check", folder=tmp_path, SENTRY_DSN="not-an-address")
    assert finished.stderr.strip() == "SENTRY_DSN must look like https://key@host/project."
    with_address = manage(
        "shell",
        "-v0",
        "-c",
        "import sentry_sdk; o = sentry_sdk.get_client().options; "
        "print(o['send_default_pii'], o['include_local_variables'], o['traces_sample_rate'])",
        folder=tmp_path,
        SENTRY_DSN="https://key@127.0.0.1:1/1",
    )
    assert with_address.stdout.strip() == "False False 0.0", with_address.stderr
