"""Telling a user's open pages that something changed."""

from django.db.models import F

from tradedesk.accounts.models import UserVersion


def touch(user_id: int) -> None:
    """Move the user's version on, so that every open page of theirs refreshes."""
    if not UserVersion.objects.filter(user_id=user_id).update(number=F("number") + 1):
        UserVersion.objects.get_or_create(user_id=user_id)
