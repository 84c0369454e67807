"""Bearer tokens of the API: shown once, stored only as SHA-256."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from allauth.account.signals import password_changed, password_reset
from django.conf import settings
from django.dispatch import receiver

from tradedesk.accounts.models import ApiToken, User


class Issued(NamedTuple):
    """A new token; expires_in: seconds."""

    token: str
    expires_in: int


def issue(user: User, wall_now: datetime) -> Issued:
    """A new token for API_TOKEN_HOURS. Deletes the user's expired tokens."""
    token, life = secrets.token_urlsafe(32), timedelta(hours=settings.API_TOKEN_HOURS)
    user.api_tokens.filter(expires_at__lte=wall_now).delete()
    user.api_tokens.create(sha256=_hash(token), created_at=wall_now, expires_at=wall_now + life)
    return Issued(token, int(life.total_seconds()))


def verify(token: str, wall_now: datetime) -> User | None:
    """The user of a token; None if the token is unknown, revoked or expired, or the user is inactive."""
    tokens = ApiToken.objects.select_related("user").filter(
        sha256=_hash(token), expires_at__gt=wall_now, user__is_active=True
    )
    found = tokens.first()
    return None if found is None else found.user


def revoke(token: str) -> bool:
    """Delete a token. Returns whether it existed."""
    return ApiToken.objects.filter(sha256=_hash(token)).delete()[0] == 1


@receiver([password_changed, password_reset])
def revoke_all(user: User, **_: object) -> None:
    """A new password also ends access with tokens from the old password."""
    user.api_tokens.all().delete()


def _hash(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()
