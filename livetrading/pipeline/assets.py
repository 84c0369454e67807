"""What brokers say of symbols: whether they can be traded, and in parts of a share. Kept for an account and a day.

What is not known stops nothing: the broker decides on the order. No exit waits for it.
"""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from django.core.cache import cache

from livetrading.brokers.protocol import Asset, Broker, ListsAssets
from livetrading.models import BrokerAccount
from livetrading.pipeline.patience import Patience
from tradedesk.marketdata.quotes import market_day

log = logging.getLogger(__name__)

# Seconds in the cache. A symbol that cannot be traded may be again soon; one that the broker did not answer for is
# left alone for a while.
DAY, SOON, UNANSWERED = 86_400, 900, 60


def known_assets(account: BrokerAccount, symbols: Iterable[str], now: datetime) -> dict[str, Asset]:
    """Of these symbols, those that the broker was asked for today. It asks nobody."""
    return {symbol: found for symbol, found in _stored(account, symbols, now).items() if found is not None}


def ask_for_assets(account: BrokerAccount, broker: Broker, symbols: Iterable[str], now: datetime) -> None:
    """Ask the broker, where it answers such questions, for those that are not known; one request for each symbol,
    while there is time."""
    if not isinstance(broker, ListsAssets):
        return
    wanted = sorted(symbols)
    stored, patience = _stored(account, wanted, now), Patience()
    for symbol in wanted:
        if symbol in stored:
            continue
        if patience.is_over:
            return
        try:
            asset = broker.asset(symbol)
        except Exception:
            log.warning("The broker of account %s did not say what %s is.", account.pk, symbol, exc_info=True)
            _store(account, symbol, now, None, UNANSWERED)
            return  # the rest is asked for at the next check
        _store(account, symbol, now, asset, SOON if asset.problem else DAY)


def _stored(account: BrokerAccount, symbols: Iterable[str], now: datetime) -> dict[str, Asset | None]:
    """None for one that the broker did not answer for. Without the cache nothing is known."""
    keys = {_key(account, symbol, now): symbol for symbol in symbols}
    try:
        found = cache.get_many(keys)
    except Exception:
        log.warning("The assets of account %s could not be read.", account.pk, exc_info=True)
        return {}
    return {keys[key]: Asset(**value) if value else None for key, value in found.items()}


def _store(account: BrokerAccount, symbol: str, now: datetime, asset: Asset | None, seconds: int) -> None:
    try:
        cache.set(_key(account, symbol, now), {} if asset is None else asdict(asset), seconds)
    except Exception:
        log.warning("The assets of account %s could not be kept.", account.pk, exc_info=True)


def _key(account: BrokerAccount, symbol: str, now: datetime) -> str:
    return f"asset:{account.pk}:{market_day(now):%Y%m%d}:{symbol}"
