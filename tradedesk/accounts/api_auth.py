"""Authentication of the API: a bearer token or a logged-in browser session."""

from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import AuthenticationError, HttpError
from ninja.security import HttpBearer, SessionAuth

from tradedesk.accounts import tokens
from tradedesk.accounts.models import ApiToken, User
from tradedesk.audit.origin import with_token

READ_ONLY = "This token may only read. Use one with the scope “trade”."
SAFE = ("GET", "HEAD", "OPTIONS")
NO_CSRF = "Send the CSRF token in the header X-CSRFToken. Requests with a bearer token do not need it."


class BearerToken(HttpBearer):
    """`Authorization: Bearer <access_token>`, with the token from POST /api/v1/auth/login or from the settings."""

    def __init__(self, *, any_scope: bool = False) -> None:
        super().__init__()
        self.any_scope = any_scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        found = tokens.verify(token, timezone.now())
        if found is None:
            # A session in the same request does not replace an invalid token.
            raise AuthenticationError
        if found.scope == ApiToken.Scope.READ and request.method not in SAFE and not self.any_scope:
            raise HttpError(403, READ_ONLY)
        request.user = found.user
        with_token(found.described)
        return found


class SignedInSession(SessionAuth):
    """The session cookie of the browser. POST, PUT and DELETE also need the CSRF token."""

    def __call__(self, request: HttpRequest) -> User | None:
        # Without a user the response is 401, before the CSRF token is checked.
        if not isinstance(request.user, User):
            return None
        try:
            self._get_key(request)
        except HttpError as error:
            raise HttpError(403, NO_CSRF) from error
        return request.user
