"""A user who gives up the second factor that live mode needs goes back to paper."""

from allauth.mfa.signals import authenticator_removed
from django.dispatch import receiver

from livetrading.services.mode import end_live_without_second_factor
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import read_clocks


@receiver(authenticator_removed)
def _removed(user: User, **_: object) -> None:
    end_live_without_second_factor(user, *read_clocks())
