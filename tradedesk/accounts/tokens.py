"""Bearer tokens of the API: given out once, kept as SHA-256 alone."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from allauth.account.signals import password_changed, password_reset
from django.conf import settings
from django.dispatch import receiver

from tradedesk.accounts.models import ApiToken, User


class Issued(NamedTuple):
    """expires_in: seconds."""

    token: str
    expires_in: int


def issue(user: User, wall_now: datetime) -> Issued:
    """A new token for API_TOKEN_HOURS; the user's expired ones are forgotten."""
    token, life = secrets.token_urlsafe(32), timedelta(hours=settings.API_TOKEN_HOURS)
    user.api_tokens.filter(expires_at__lte=wall_now).delete()
    user.api_tokens.create(sha256=_hash(token), created_at=wall_now, expires_at=wall_now + life)
    return Issued(token, int(life.total_seconds()))


def verify(token: str, wall_now: datetime) -> User | None:
    """Whose token this is; None when it is unknown, revoked or expired, or its user may not log in any more."""
    known = ApiToken.objects.select_related("user").filter(
        sha256=_hash(token), expires_at__gt=wall_now, user__is_active=True
    )
    found = known.first()
    return None if found is None else found.user


def revoke(token: str) -> bool:
    """Whether there was such a token."""
    return ApiToken.objects.filter(sha256=_hash(token)).delete()[0] == 1


@receiver([password_changed, password_reset])
def revoke_all(user: User, **_: object) -> None:
    """Who changes a password wants everybody out who got in with the old one."""
    user.api_tokens.all().delete()


def _hash(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()
