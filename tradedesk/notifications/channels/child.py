"""The child process: `python -m tradedesk.notifications.channels.child`.

It reads one request as JSON from its input and writes one line of JSON for each message, or one for a check. It
has no access to the database, the settings or the environment of the desk, and guard.py locks it before it looks
at the request's URL.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tradedesk.notifications.channels import guard, http_limits, sending
from tradedesk.notifications.channels.message import Message
from tradedesk.notifications.channels.schemes import ALLOWED

MEMORY = 1024**3


def main() -> None:
    request = json.load(sys.stdin)
    with suppress(ImportError, ValueError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # What libraries print or log may contain the URL.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    if request["kind"] == "apprise":
        import apprise  # noqa: F401  # before the lock
    http_limits.limit_requests()
    guard.lock(private=request["private"])
    for line in _answer(request):
        output.write(json.dumps(line) + "\n")
        output.flush()


def _answer(request: dict[str, Any]) -> Iterator[dict[str, str]]:
    messages = [Message(**values) for values in request["messages"]]
    if request["kind"] == "webhook":
        outcomes = sending.post_to_webhook(
            request["address"], request["key"], messages, request["timestamp"], private=request["private"]
        )
    elif messages:
        outcomes = sending.send_to_service(request["address"], messages)
    else:
        plugin, error = sending.service_of(request["address"])
        yield {"error": error, "scheme": min(sending.schemes_of(plugin) & ALLOWED) if plugin else ""}
        return
    for outcome in outcomes:
        yield {"id": outcome.id, "error": outcome.error}


if __name__ == "__main__":
    main()
