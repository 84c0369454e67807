"""The desk as a process of its own that outlives the terminal, and its health as seen from outside."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from django.conf import settings

from tradedesk.running import Running, find

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
# The first start of a version compiles for a quarter of a minute, on a slow machine for minutes.
SECONDS_TO_START = 600.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, and where it is reached


class NotStarted(Exception):
    """The message has what the desk printed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer of /api/health. status: ok, degraded or down. ill: the parts that are not ok, with their text."""

    status: str
    ill: dict[str, str]


def start_in_background(arguments: Sequence[str], url: str, log: Path) -> None:
    """Start `manage.py` with these arguments, and return when the desk at `url` is healthy. What it prints goes to
    `log`; the log of the start before is kept beside it. Raises NotStarted."""
    if look(url) is not None:
        raise NotStarted(f"Another desk answers at {url}. Stop it, or choose another PORT.")
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("wb") as opened:
        child = subprocess.Popen(  # noqa: S603 - this desk itself
            [sys.executable, str(MANAGE), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the end of the terminal does not end it
        )
    deadline = time.monotonic() + SECONDS_TO_START
    while not _is_healthy(child.pid, url):
        if child.poll() is not None:
            raise NotStarted(log.read_text(errors="replace").strip() or f"It ended with {child.returncode}.")
        if time.monotonic() >= deadline:
            raise NotStarted(f"The desk is not healthy after {SECONDS_TO_START:.0f} s; it goes on. See {log}")
        time.sleep(0.2)


def _is_healthy(process: int, url: str) -> bool:
    """Whether this process has the data folder, and its desk answers."""
    held = find()
    if not (isinstance(held, Running) and held.process == process):
        return False
    seen = look(url)
    return seen is not None and seen.status != "down"


def look(url: str) -> Seen | None:
    """The health of the desk that listens at `url`; None when it does not answer."""
    parts = urlsplit(url)
    host = ANYWHERE.get(parts.hostname or "", parts.hostname or "")
    address = f"[{host}]:{parts.port}" if ":" in host else f"{host}:{parts.port}"
    # One of its names, which need not be the address that it listens on.
    name = next((each.lstrip(".*") for each in settings.ALLOWED_HOSTS if each.lstrip(".*")), host)
    request = Request(f"http://{address}/api/health", headers={"Host": name})
    try:
        # Not through a proxy of the environment.
        with build_opener(ProxyHandler({})).open(request, timeout=5) as response:
            answer = json.load(response)
    except HTTPError as error:
        try:
            answer = json.load(error)
        except ValueError:
            return None
    except (OSError, ValueError):
        return None
    if not isinstance(answer, dict) or "status" not in answer:
        return None
    ill = {part: text for part, text in answer.items() if part not in ("status", "details") and text != "ok"}
    return Seen(answer["status"], ill)
