"""Refreshing the open pages of a user after a change."""

from django.db.models import F

from tradedesk.accounts.models import UserVersion


def bump_version(user_id: int) -> None:
    """Increase the user's version number, so that all open pages of the user refresh."""
    if not UserVersion.objects.filter(user_id=user_id).update(number=F("number") + 1):
        # Not 0: a page that is open since before the first change has seen 0.
        UserVersion.objects.get_or_create(user_id=user_id, defaults={"number": 1})
