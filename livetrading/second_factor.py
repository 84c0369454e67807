"""A user without the second factor that live mode needs goes back to paper, whoever deleted it: the user on
allauth's pages, an operator in the admin, or a shell."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from livetrading.services.mode import end_live_without_second_factor
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.clock import read_clocks


@receiver(post_delete, sender=Authenticator)
def _deleted(instance: Authenticator, **_: Any) -> None:
    """After the commit: the admin holds the lock of the audit until then."""
    transaction.on_commit(lambda: _check(instance.user_id), robust=True)


def _check(user_id: int) -> None:
    # A deleted user has none.
    if (user := User.objects.filter(pk=user_id, mode=Mode.LIVE).first()) is not None:
        end_live_without_second_factor(user, *read_clocks())
