"""Running the child process: a hanging receiver is ended with it, and what a plugin does wrong stays in it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tradedesk.notifications.channels.message import Message, Outcome

# Of wall time, for all messages of a batch.
SECONDS = 45.0
CHECK_SECONDS = 15.0
ROOT = Path(__file__).resolve().parents[3]
TOO_SLOW = "The receiver did not answer in time."
CRASHED = "Sending ended unexpectedly."
# The child gets no more of the environment: it has the keys of the desk.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT")


def send_in_child(
    kind: str, address: str, key: str, messages: Sequence[Message], timestamp: int, *, private: bool
) -> list[Outcome]:
    """The outcome of each message until the first failure. timestamp: seconds since 1970, for the signature."""
    request = {
        "kind": kind,
        "address": address,
        "key": key,
        "messages": [message.as_dict() for message in messages],
        "timestamp": timestamp,
        "private": private,
    }
    lines, in_time = _run(request, SECONDS)
    outcomes = [Outcome(line["id"], line["error"]) for line in lines]
    if len(outcomes) < len(messages) and not (outcomes and outcomes[-1].error):
        outcomes.append(Outcome(messages[len(outcomes)].id, CRASHED if in_time else TOO_SLOW))
    return outcomes


def check_service(address: str) -> tuple[str, str]:
    """The scheme of a messenger's URL, and why it cannot be used ("" when it can)."""
    lines, _ = _run({"kind": "apprise", "address": address, "messages": [], "private": False}, CHECK_SECONDS)
    return (
        (lines[0]["scheme"], lines[0]["error"]) if lines else ("", "The address could not be checked. Try again.")
    )


def _run(request: dict[str, Any], seconds: float) -> tuple[list[dict[str, str]], bool]:
    """The lines that the child wrote, and whether it ended by itself."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [sys.executable, "-B", "-m", "tradedesk.notifications.channels.child"]
    child = subprocess.Popen(  # noqa: S603  # this interpreter and this module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment,
        text=True,
        close_fds=True,
    )
    in_time = True
    try:
        written, _ = child.communicate(json.dumps(request), timeout=seconds)
    except subprocess.TimeoutExpired:
        in_time = False
        child.kill()
        written, _ = child.communicate()
    complete = written[: written.rfind("\n") + 1]
    return [json.loads(line) for line in complete.splitlines()], in_time
