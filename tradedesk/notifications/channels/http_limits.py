"""Limits of every HTTP request of the child process, and why one failed, without anything of its URL."""

from typing import Any

import requests

from tradedesk.notifications.channels import guard

# Seconds to connect, and between two packets of an answer.
TIMEOUT = (5, 10)
NO_REDIRECTS = "The receiver answered with a redirect, which is not followed. Enter the address that it leads to."
failures: list[str] = []


def limit_requests() -> None:
    """From now on every request of this process has these limits, whatever the library that makes it asks for."""
    send = requests.Session.send

    def limited(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        session.trust_env = False
        options |= {"timeout": TIMEOUT, "allow_redirects": False}
        try:
            response = send(session, request, **options)
        except requests.RequestException as error:
            failures.append(reason_of(error))
            raise
        if not response.ok or response.is_redirect:
            failures.append(refusal_of(response))
        return response

    requests.Session.send = limited  # type: ignore[assignment, method-assign] # replaced for the whole process


def reason_of(error: BaseException) -> str:
    if guard.refused:
        return guard.refused[-1]
    text = repr(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "The certificate of the receiver is not valid."
    if "NameResolutionError" in text or "gaierror" in text:
        return "The name of the receiver is not known."
    if isinstance(error, requests.Timeout):
        return "The receiver did not answer in time."
    if "ConnectionRefused" in text or "Connection refused" in text:
        return "The receiver refused the connection."
    return f"The receiver could not be reached ({type(error).__name__})."


def refusal_of(response: requests.Response) -> str:
    return NO_REDIRECTS if response.is_redirect else f"The receiver answered with status {response.status_code}."
