"""Login and logout of the API."""

from allauth.account.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.utils import is_mfa_enabled
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from tradedesk.accounts import tokens
from tradedesk.accounts.api_auth import BearerToken
from tradedesk.accounts.log_records import note, password_accepted
from tradedesk.accounts.models import ApiToken, User
from tradedesk.rest.bodies import Body, Secret, Text
from tradedesk.rest.refusals import BAD_BODY, NO_USER, Problem
from tradedesk.rest.schemas import Schema

CODE_NEEDED = "This user has two-factor log-in. Send the code of the app, or a recovery code, in `code`."
WRONG_CODE = "The code is not correct."
WRONG = "The email address or the password is not correct."
TOO_MANY = "Too many failed attempts. Wait five minutes, then try again."
# Seconds: the longest window in which allauth counts failed logins, of the API and of the login page together.
RETRY_AFTER = 300

router = Router(tags=["login"])


class Credentials(Body):
    email: Text = Field(examples=["demo@example.com"])
    password: Secret
    code: Text = Field("", description="Of the authenticator app, for a user with two-factor log-in.")


class TokenSchema(Schema):
    access_token: str = Field(description="Send it as `Authorization: Bearer <access_token>`.")
    token_type: str = Field(examples=["bearer"])
    expires_in: int = Field(description="Seconds.", examples=[86400])


@router.post("/login", auth=None, response={200: TokenSchema, **BAD_BODY, 409: Problem, 429: Problem})
def log_in(request: HttpRequest, credentials: Credentials, response: HttpResponse) -> Status[object]:
    """Returns a bearer token. After five failed logins within five minutes, here or on the login page, the
    status is 429."""
    try:
        user = get_adapter(request).authenticate(
            request, email=credentials.email.strip(), password=credentials.password
        )
    except ValidationError:
        response["Retry-After"] = str(RETRY_AFTER)
        return Status(429, {"detail": TOO_MANY})
    if not isinstance(user, User) or not user.is_active:
        return Status(401, {"detail": WRONG})
    means = ["password"]
    if is_mfa_enabled(user):
        if not credentials.code:
            password_accepted(user)
            return Status(401, {"detail": CODE_NEEDED})
        form = AuthenticateForm({"code": credentials.code}, user=user)
        if not form.is_valid():
            if form.has_error("code", "too_many_login_attempts"):
                response["Retry-After"] = str(RETRY_AFTER)
                return Status(429, {"detail": TOO_MANY})
            return Status(401, {"detail": WRONG_CODE})
        form.authenticator.record_usage()
        means.append(form.authenticator.type)
    try:
        token, expires_in = tokens.issue(user, timezone.now())
    except tokens.TooManyTokens as refusal:
        return Status(409, {"detail": str(refusal)})
    note(user, "log_in", means=means)
    return Status(200, {"access_token": token, "token_type": "bearer", "expires_in": expires_in})


@router.post("/logout", auth=BearerToken(any_scope=True), response={204: None, **NO_USER})
def log_out(request: HttpRequest) -> Status[None]:
    """Revokes the bearer token of this request."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # set by BearerToken
    tokens.revoke(token, timezone.now())
    if not token.name:  # of a named one the audit has that it was revoked
        note(token.user, "log_out")
    return Status(204, None)
