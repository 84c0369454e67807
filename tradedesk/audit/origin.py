"""From where the desk is acted on: a page, the API, a command, or the desk itself. Pure.

An entry point notes it where it begins, and tradedesk.audit.services reads it when a record is written, so no
service has to pass it on. A thread or a task for which nothing was noted is the desk's own part.
"""

import getpass
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Via(StrEnum):
    PAGE = "page"
    ADMIN = "admin"
    API = "api"
    TOKEN = "token"  # noqa: S105 - a word
    COMMAND = "command"
    DESK = "desk"


# The actor of what the desk does by itself.
DESK = "the desk"
# API: in the session of a browser.
LABELS = {
    Via.PAGE: "Page",
    Via.ADMIN: "Admin",
    Via.API: "API, logged in",
    Via.TOKEN: "API token",
    Via.COMMAND: "Command",
    Via.DESK: "Automatic",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """through: which token or command. address: of the client, or who runs the command on which machine. who: the
    user who acts, or the name of the command or of the part of the desk; for services that are not told."""

    via: Via = Via.DESK
    through: str = ""
    address: str = ""
    who: Callable[[], object] = field(default=lambda: DESK, compare=False, repr=False)


_origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 - it is frozen


def current() -> Origin:
    return _origin.get()


@contextmanager
def acting(origin: Origin) -> Iterator[None]:
    """What is recorded inside comes from there."""
    before = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(before)


def with_token(token: str) -> None:
    """The request at work was let in by this token, described in words. Call it inside `acting`, which ends it."""
    _origin.set(replace(current(), via=Via.TOKEN, through=token))


def of_command(argv: Sequence[str]) -> Origin:
    """Of `manage.py NAME ...`."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        who = ""
    command = " ".join(["manage.py", *argv[1:2]])
    return Origin(Via.COMMAND, command, f"{who}@{socket.gethostname()}", lambda: command)
