"""What the audit keeps of log-ins, log-outs, passwords and second factors.

allauth says what happened on its pages with signals of its own, which are events and no changes of rows; the API
calls the same functions.
"""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest
from django.utils import timezone

from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record_all

# Who failed to log in is not known.
SOMEBODY = "somebody"
# The session key under which allauth keeps by which means its user has logged in.
METHODS = "account_authentication_methods"


def connect() -> None:
    account.authentication_step_completed.connect(_step_completed)
    account.user_logged_in.connect(_logged_in)
    account.user_logged_out.connect(_logged_out)
    account.user_signed_up.connect(_signed_up)
    for signal in (account.password_changed, account.password_set, account.password_reset):
        signal.connect(_password_changed)
    account.email_changed.connect(_email_changed)
    mfa.authenticator_added.connect(_factor_added)
    mfa.authenticator_removed.connect(_factor_removed)
    mfa.authenticator_reset.connect(_codes_renewed)
    mfa.authentication_failed.connect(_factor_failed)


def note(user: User, action: str, *, actor: User | str | None = None, **details: Any) -> None:
    record_all([Entry(actor or user, action, user, details)], timezone.now())


def log_in_failed(email: str, request: HttpRequest) -> None:
    """A wrong password, at the log-in or where a logged-in user is asked for it again. An address that no user has
    gets a record as well, without it: else the time of the answer would tell which addresses have one."""
    user = User.objects.filter(email__iexact=email).first()
    known = user is not None and request.user == user
    details = {"what": "password", "logged_in": known}
    record_all([Entry(user if known else SOMEBODY, "log_in_failed", user, details)], timezone.now())


def password_accepted(user: User) -> None:
    """The password was right, and the second factor is asked for: who got so far knows the password."""
    note(user, "password_accepted", actor=SOMEBODY)


def _step_completed(user: User, method: str, reauthenticated: bool = False, **_: Any) -> None:
    if method == "password" and not reauthenticated and is_mfa_enabled(user):
        password_accepted(user)


def _logged_in(request: HttpRequest, user: User, **_: Any) -> None:
    used = [str(each.get("type") or each.get("method")) for each in request.session.get(METHODS, ())]
    note(user, "log_in", means=used)


def _logged_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if isinstance(user, User):
        note(user, "log_out")


def _signed_up(request: HttpRequest, user: User, **_: Any) -> None:
    note(user, "sign_up")


def _password_changed(signal: Any, request: HttpRequest, user: User, **_: Any) -> None:
    note(user, "password_changed", forgotten=signal is account.password_reset)


def _email_changed(
    request: HttpRequest, user: User, from_email_address: Any, to_email_address: Any, **_: Any
) -> None:
    note(
        user, "email_changed", before=from_email_address and from_email_address.email, after=to_email_address.email
    )


def _factor_added(user: User, authenticator: Authenticator, **_: Any) -> None:
    note(user, "second_factor_added", type=authenticator.type)


def _factor_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    note(user, "second_factor_removed", type=authenticator.type)


def _codes_renewed(user: User, authenticator: Authenticator, **_: Any) -> None:
    note(user, "recovery_codes_renewed")


def _factor_failed(user: User, authenticator: Authenticator, reauthentication: bool = False, **_: Any) -> None:
    actor = user if reauthentication else SOMEBODY
    note(user, "log_in_failed", actor=actor, what=authenticator.type, logged_in=reauthentication)
