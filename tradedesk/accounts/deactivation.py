"""Deactivating a user: the records stay, and nobody gets in any more."""

from allauth.usersessions.models import UserSession
from django.db import transaction

from tradedesk.accounts.models import User


def deactivate(user: User) -> None:
    """Close the user's log-in, sessions and API tokens. Live strategies go on; `halt_trading` stops them."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False)
        user.api_tokens.all().delete()
        for session in UserSession.objects.filter(user=user):
            session.end()
