"""Deactivating a user: the records stay, and nobody gets in any more, until the user is activated again."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tradedesk.accounts.models import User
from tradedesk.accounts.tokens import end_all
from tradedesk.audit.services import Entry, record, record_all


def deactivate(user: User, actor: AbstractBaseUser, wall_now: datetime) -> None:
    """Close the user's log-in, sessions and API tokens. Live strategies go on; `halt_trading` stops them."""
    with transaction.atomic():
        was_active = User.objects.filter(pk=user.pk, is_active=True).update(is_active=False) == 1
        told = end_all(user.api_tokens.all())
        sessions = list(UserSession.objects.filter(user=user))
        for session in sessions:
            session.end()
        if was_active:
            told.append(Entry(actor, "deactivate", user, {"sessions": len(sessions)}))
        record_all(told, wall_now)


def activate(user: User, actor: AbstractBaseUser, wall_now: datetime) -> None:
    """Let a deactivated user log in again; tokens and sessions stay ended."""
    with transaction.atomic():
        if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
            record(actor, "activate", user, {}, wall_now)
