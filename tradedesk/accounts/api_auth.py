"""Who calls the API: a bearer token or a signed-in browser session."""

from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import AuthenticationError, HttpError
from ninja.security import HttpBearer, SessionAuth

from tradedesk.accounts import tokens
from tradedesk.accounts.models import User

NO_CSRF = "A browser session needs the CSRF token in the header X-CSRFToken; a bearer token needs none."


class BearerToken(HttpBearer):
    """`Authorization: Bearer <access_token>`, the token of POST /api/v1/auth/login."""

    def authenticate(self, request: HttpRequest, token: str) -> str:
        user = tokens.verify(token, timezone.now())
        if user is None:
            # Who shows a token means it: a session that the request has as well does not replace it.
            raise AuthenticationError
        request.user = user
        return token


class SignedInSession(SessionAuth):
    """The browser's session cookie; writes then need the CSRF token."""

    def __call__(self, request: HttpRequest) -> User | None:
        # Who is not signed in gets the 401 and is not asked for a CSRF token first.
        if not isinstance(request.user, User):
            return None
        try:
            self._get_key(request)
        except HttpError as error:
            raise HttpError(403, NO_CSRF) from error
        return request.user
