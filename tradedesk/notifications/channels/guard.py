"""Locks the child process: from then on it reaches public addresses alone, reads no file of the desk, writes none,
and starts no program.

Plugins of apprise follow what a user's URL says: hosts, templates and key files among it. An audit hook of Python
sees every connection and every file, whichever library opens it, and cannot be removed.
"""

import os
import sys

from tradedesk.notifications.channels.addresses import may_connect

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
# What libraries read of the system.
SYSTEM_FILES = ("/usr/share/zoneinfo/", "/etc/localtime", "/etc/mime.types", "/dev/urandom")
FORBIDDEN = (
    "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.", "ctypes.", "sqlite3.",
    "shutil.", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.kill", "socket.bind", "socket.sendto", "socket.sendmsg",
)  # fmt: skip
PRIVATE_ADDRESS = "The address is on this machine or in a private network, which this desk does not send to."
# Why the last connection was refused: libraries turn the exception into one of their own.
refused: list[str] = []


def lock(*, private: bool) -> None:
    """private: whether the operator allows addresses of the own network."""
    libraries = tuple(
        {os.path.join(os.path.realpath(folder), "") for folder in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    )

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) else None
            if not may_connect(host, private=private):
                refused.append(PRIVATE_ADDRESS)
                raise PermissionError(PRIVATE_ADDRESS)
        elif event == "open":
            _check_file(arguments[0], arguments[2], libraries)
        elif event.startswith(FORBIDDEN):
            raise PermissionError(event)

    sys.addaudithook(hook)


def _check_file(path: object, flags: object, libraries: tuple[str, ...]) -> None:
    if isinstance(path, int):
        return  # it is open already
    name = os.path.realpath(os.fsdecode(path) if isinstance(path, bytes) else str(path))
    if (isinstance(flags, int) and flags & WRITING) or not name.startswith(libraries + SYSTEM_FILES):
        raise PermissionError("open")
