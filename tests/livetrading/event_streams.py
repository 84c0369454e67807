"""Browsers that listen to /events over ASGI."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.test import Client

from tradedesk.accounts.models import User


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


def listener(user: User) -> Any:
    """A browser of the user that requests /events."""
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/events",
        "query_string": b"",
        "headers": [(b"cookie", cookie.encode()), (b"host", b"testserver")],
    }
    return ApplicationCommunicator(get_asgi_application(), scope)  # type: ignore[no-untyped-call]


async def send_request(browser: Any) -> dict[str, Any]:
    await browser.send_input({"type": "http.request", "body": b"", "more_body": False})
    response: dict[str, Any] = await browser.receive_output(10)
    return response


async def disconnect(browser: Any) -> None:
    await browser.send_input({"type": "http.disconnect"})
    await browser.wait(10)
