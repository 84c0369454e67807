"""The keys of a user's Alpaca account, for market data where the installation has none."""

import logging

from django.conf import settings
from django.db.models import F

from livetrading.credentials import credentials_of
from livetrading.models import BrokerAccount
from tradedesk.accounts.models import Mode
from tradedesk.encryption import NotDecrypted
from tradedesk.marketdata.data_keys import UserKeys
from tradedesk.marketdata.feeds.alpaca_client import DataKeys

log = logging.getLogger(__name__)


def keys_of_user(user_id: int) -> UserKeys | None:
    """Of the user's accounts at Alpaca the one that was verified last; None without keys."""
    mine = BrokerAccount.objects.filter(user=user_id, broker=BrokerAccount.Broker.ALPACA, revoked_at=None)
    account = (
        mine.exclude(credentials="").order_by(F("verified_at").desc(nulls_last=True), "-active", "pk").first()
    )
    if account is None:
        return None
    try:
        found = credentials_of(account)
    except NotDecrypted:
        log.warning("The keys of the account %s could not be decrypted.", account.pk)
        return None
    live = account.mode == Mode.LIVE
    url = settings.ALPACA_API_BASE_URL if live else settings.ALPACA_PAPER_API_BASE_URL
    return UserKeys(DataKeys(found.key_id, found.secret), url)
