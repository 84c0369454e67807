"""Who calls the API: a bearer token or a signed-in browser session."""

from hashlib import sha256

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer, SessionAuth

from tradedesk.accounts.models import ApiToken, User


def token_hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


class BearerToken(HttpBearer):
    """`Authorization: Bearer <access_token>` of POST /api/v1/auth/login."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        known = ApiToken.objects.select_related("user").filter(
            sha256=token_hash(token), expires_at__gt=timezone.now(), user__is_active=True
        )
        if (found := known.first()) is None:
            return None
        request.user = found.user
        return found.user


class SignedInSession(SessionAuth):
    """The browser's session cookie; writes then need the CSRF token."""

    def __call__(self, request: HttpRequest) -> User | None:
        # Who is not signed in gets the 401 and is not asked for a CSRF token first.
        if not isinstance(request.user, User):
            return None
        self._get_key(request)
        return request.user
