"""What the child process does: check the URL of a messenger, send to one, post to a webhook.

apprise is imported where it is used: a webhook does not wait for its plugins."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests

from tradedesk.notifications.channels import http_limits
from tradedesk.notifications.channels.message import Message, Outcome
from tradedesk.notifications.channels.schemes import ALLOWED
from tradedesk.notifications.channels.signature import body_of, headers_of

UNREADABLE = "This is not the complete address of a service. Copy it from the documentation of apprise."
NOT_ALLOWED = "This service is not allowed here: a channel may only use services that are reached over HTTP."
NO_HTTPS = "A webhook needs an address that begins with https://."
NOT_ACCEPTED = "The service did not accept the message."
# Messengers limit how fast one sender may be.
SECONDS_BETWEEN = 1.0
TYPES = {"low": "info", "normal": "info", "high": "warning", "critical": "failure"}


def service_of(url: str) -> tuple[Any, str]:
    """The apprise plugin of a URL, or None and why it cannot be used."""
    import apprise

    plugin = None
    with suppress(Exception):
        plugin = apprise.Apprise.instantiate(url)
    if plugin is None:
        return None, UNREADABLE
    if not schemes_of(plugin) & ALLOWED:
        return None, NOT_ALLOWED
    return plugin, ""


def schemes_of(plugin: Any) -> set[str]:
    """The apprise schemes of a plugin; the URL itself may be one that the service gave, with https."""
    found: set[str] = set()
    for named in (plugin.protocol, plugin.secure_protocol):
        found |= {named} if isinstance(named, str) else set(named or ())
    return found


def send_to_service(url: str, messages: Sequence[Message]) -> Iterator[Outcome]:
    """Until the first message that fails: the channel then rests."""
    import apprise

    plugin, error = service_of(url)
    if plugin is not None:
        plugin.request_rate_per_sec = SECONDS_BETWEEN
    for message in messages:
        if not error:
            http_limits.failures.clear()
            accepted = False
            with suppress(Exception):
                accepted = plugin.notify(
                    title=message.title, body=message.body, notify_type=apprise.NotifyType(TYPES[message.priority])
                )
            error = "" if accepted else (http_limits.failures or [NOT_ACCEPTED])[-1]
        yield Outcome(message.id, error)
        if error:
            return


def post_to_webhook(
    url: str, key: str, messages: Sequence[Message], timestamp: int, *, private: bool
) -> Iterator[Outcome]:
    """The same. private: plain http is for the operator's own network."""
    scheme = urlsplit(url).scheme
    for message in messages:
        error = "" if scheme == "https" or (private and scheme == "http") else NO_HTTPS
        error = error or _post(url, key, message, timestamp)
        yield Outcome(message.id, error)
        if error:
            return


def _post(url: str, key: str, message: Message, timestamp: int) -> str:
    body = body_of(message)
    try:
        headers = headers_of(message, key, timestamp, body)
        # A stream: what the receiver says is not read.
        response = requests.post(url, data=body, headers=headers, stream=True)  # noqa: S113 - http_limits sets it
    except (requests.RequestException, OSError, ValueError) as error:
        return http_limits.reason_of(error)
    with response:
        return "" if 200 <= response.status_code < 300 else http_limits.refusal_of(response)
