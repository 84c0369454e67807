"""allauth's hooks: whether anyone may sign up, and what the limit of failed log-ins counts."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failed log-ins of an account are counted for each address: a stranger who fails on purpose locks out
        nobody but himself."""
        return f"{self.get_client_ip(request)} {super()._get_login_attempts_cache_key(request, **credentials)}"
