"""Bearer tokens of the API: shown once, stored only as SHA-256.

The audit has what becomes of named ones, and of the others that end before their time; else they come and go with
each log-in."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from tradedesk.accounts.models import ApiToken, User
from tradedesk.audit.services import Entry, record_all

# Tokens that one user may have at a time.
MOST = 50
# How exactly the last use is known: a token in use does not write at every request.
USE_EVERY = timedelta(minutes=1)


class Issued(NamedTuple):
    """A new token; expires_in: seconds."""

    token: str
    expires_in: int


class TooManyTokens(Exception):
    """The user has MOST tokens; the message can be shown to a person."""


def issue(
    user: User,
    wall_now: datetime,
    *,
    name: str = "",
    scope: ApiToken.Scope = ApiToken.Scope.TRADE,
    life: timedelta | None = None,
) -> Issued:
    """A new token. Without `life` it is that of a log-in, for API_TOKEN_HOURS, and replaces the oldest log-in of a
    user with too many tokens. Deletes the user's expired tokens. Raises TooManyTokens."""
    token, lasts = secrets.token_urlsafe(32), life or timedelta(hours=settings.API_TOKEN_HOURS)
    user.api_tokens.filter(expires_at__lte=wall_now).delete()
    if user.api_tokens.count() >= MOST:
        oldest = user.api_tokens.filter(name="").order_by("pk").first()
        if life is not None or oldest is None:
            raise TooManyTokens(f"You have {MOST} tokens, the maximum for one user. Revoke one first.")
    else:
        oldest = None
    with transaction.atomic():
        ended = end_all(user.api_tokens.filter(pk=oldest.pk)) if oldest else []
        created = user.api_tokens.create(
            name=name,
            scope=scope,
            sha256=_hash(token),
            ending=token[-4:],
            created_at=wall_now,
            expires_at=wall_now + lasts,
        )
        record_all([*ended, *_told("token_issued", created)], wall_now)
    return Issued(token, int(lasts.total_seconds()))


def verify(token: str, wall_now: datetime) -> ApiToken | None:
    """The token with its user; None if it is unknown, revoked or expired, or the user is inactive."""
    tokens = ApiToken.objects.select_related("user").filter(
        sha256=_hash(token), expires_at__gt=wall_now, user__is_active=True
    )
    found = tokens.first()
    if found is not None and (found.last_used_at is None or found.last_used_at <= wall_now - USE_EVERY):
        unnoted = Q(last_used_at=None) | Q(last_used_at__lte=wall_now - USE_EVERY)
        ApiToken.objects.filter(unnoted, pk=found.pk).update(last_used_at=wall_now)
    return found


def revoke(token: ApiToken, wall_now: datetime) -> None:
    """Delete a token."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk).delete()[0]:
            record_all(_told("token_revoked", token), wall_now)


def end_all(tokens: "QuerySet[ApiToken]") -> list[Entry]:
    """Delete these tokens of one user, with those of log-ins, and return the records of it: the caller writes
    them, last in its transaction."""
    found = list(tokens.select_related("user"))
    if not found or not tokens.filter(pk__in=[token.pk for token in found]).delete()[0]:
        return []
    return [Entry(None, "tokens_ended", found[0].user, {"tokens": [token.described for token in found]})]


def _told(action: str, token: ApiToken) -> list[Entry]:
    if not token.name:
        return []
    details = {"name": token.name, "scope": token.scope, "ending": token.ending, "until": token.expires_at}
    return [Entry(token.user, action, token, details)]


def _hash(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()
