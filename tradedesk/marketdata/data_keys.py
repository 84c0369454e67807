"""Whose keys a request to Alpaca's market data is made with, and whose series its bars become.

With the installation's keys the bars are for all users. Without them a user's own keys get bars for that user
alone. Live trading has the keys of users, and registers how to read them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from tradedesk.marketdata.feeds.alpaca import AlpacaFeed
from tradedesk.marketdata.feeds.alpaca_client import AlpacaClient, DataKeys
from tradedesk.marketdata.feeds.protocol import FeedFailed


@dataclass(frozen=True, slots=True)
class UserKeys:
    """The keys of a user's account at Alpaca, and the host that they trade at."""

    keys: DataKeys
    trading_url: str


# The keys of a user, None without any.
Provider = Callable[[int], UserKeys | None]
_providers: list[Provider] = []


class NoKeys(FeedFailed):
    """Nobody has keys for this request."""

    def __init__(self) -> None:
        super().__init__(
            "There are no keys for Alpaca's market data. Add an Alpaca account under Settings, Broker accounts, "
            "or let the operator set ALPACA_DATA_KEY_ID and ALPACA_DATA_SECRET.",
            keys=True,
        )


@dataclass(frozen=True, slots=True)
class Access:
    """owner_id: whose series the bars become; None for those of all users. trading_urls: where the list of shares
    may be read with these keys."""

    keys: DataKeys
    owner_id: int | None
    trading_urls: tuple[str, ...]

    def client(self) -> AlpacaClient:
        return AlpacaClient(settings.ALPACA_DATA_URL, self.keys)

    def feed(self) -> AlpacaFeed:
        return AlpacaFeed(self.client(), settings.ALPACA_FEED)


def register(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def access_of_user(user_id: int) -> Access:
    """For what this user downloads. Raises NoKeys."""
    if settings.ALPACA_DATA_KEY_ID and settings.ALPACA_DATA_SECRET:
        keys = DataKeys(settings.ALPACA_DATA_KEY_ID, settings.ALPACA_DATA_SECRET)
        return Access(keys, None, (settings.ALPACA_PAPER_API_BASE_URL, settings.ALPACA_API_BASE_URL))
    for provider in _providers:
        if found := provider(user_id):
            return Access(found.keys, user_id, (found.trading_url,))
    raise NoKeys


def access_of_owner(owner_id: int | None) -> Access:
    """For the series of this owner that are kept up to date. Raises NoKeys."""
    if owner_id is None and not settings.ALPACA_DATA_KEY_ID:
        raise NoKeys
    found = access_of_user(0 if owner_id is None else owner_id)
    return Access(found.keys, owner_id, found.trading_urls)


def has_access(user_id: int) -> bool:
    try:
        access_of_user(user_id)
    except NoKeys:
        return False
    return True
