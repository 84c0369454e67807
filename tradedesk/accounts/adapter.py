"""allauth's hooks: whether anyone may sign up, what the limit of failed log-ins counts, what the audit keeps."""

from collections.abc import Iterable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest

from tradedesk.accounts.log_records import log_in_failed, note
from tradedesk.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether this is the user's password. allauth would look for a row of EmailAddress, which a user that an
        operator created does not have."""
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        log_in_failed(str(credentials.get("email", "")), request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failed log-ins of an account are counted for each address: a stranger who fails on purpose locks out
        nobody but himself."""
        return f"{self.get_client_ip(request)} {super()._get_login_attempts_cache_key(request, **credentials)}"


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]  # allauth has no types
    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        """Of one user, by that user."""
        ended = list(sessions)
        super().end_sessions(ended)
        if ended:
            note(ended[0].user, "sessions_ended", sessions=len(ended))
