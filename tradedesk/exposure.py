"""Who can reach the desk: only this machine, or others. A desk that others can reach has no open doors."""

import ipaddress
from collections.abc import Mapping, Sequence

from django.conf import settings

CONSOLE = "django.core.mail.backends.console.EmailBackend"


class Exposed(Exception):
    """The desk would be open to others. The message names the setting."""


def host_of(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """The address that `manage.py desk` or `manage.py web` listens on: --host, else HOST, else this machine."""
    for at, argument in enumerate(argv):
        if argument == "--host" and at + 1 < len(argv):
            return argv[at + 1]
        if argument.startswith("--host="):
            return argument.removeprefix("--host=")
    return environment.get("HOST") or "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address. A name other than localhost counts as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_open_doors(host: str) -> None:
    """Raises Exposed when others reach `host`, also through a proxy, and the demo user or an unconfirmed sign-up
    would let them in."""
    if is_loopback(host) and not settings.BEHIND_PROXY:
        return
    others = "others can reach this desk through its proxy" if is_loopback(host) else f"others can reach {host}"
    if settings.DEMO_USER:
        raise Exposed(
            f"REFUSED: {others}, and this desk has a demo user. Set DEMO_USER=0, create your own user with "
            "“manage.py createsuperuser”, and start it again."
        )
    if settings.SIGNUP_OPEN and settings.EMAIL_BACKEND == CONSOLE:
        raise Exposed(
            f"REFUSED: {others}, and SIGNUP_OPEN=1 lets anyone create an account. Set SIGNUP_OPEN=0, or set "
            "EMAIL_BACKEND, so that each new address is confirmed by email."
        )
