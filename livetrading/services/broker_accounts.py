"""A user's broker accounts: what a page or the API may do with them."""

from livetrading.models import BrokerAccount
from tradedesk.accounts.models import Mode, User


def is_live_configured(user: User) -> bool:
    """Whether real money can be traded: the active live account has passed its test and is not revoked."""
    live = BrokerAccount.objects.filter(user=user, mode=Mode.LIVE, active=True, revoked_at=None)
    return live.exclude(verified_at=None).exists()
