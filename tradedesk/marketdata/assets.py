"""The shares that Alpaca knows, to search for. Its list is read once a day, by a worker."""

from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Max, Q, QuerySet

from tradedesk.marketdata.data_keys import Access, access_of_user
from tradedesk.marketdata.feeds.alpaca_client import AlpacaClient
from tradedesk.marketdata.feeds.protocol import FeedFailed
from tradedesk.marketdata.models import Asset
from tradedesk.marketdata.symbols import SYMBOL
from tradedesk.publishing import publish

REFRESH_TASK = "tradedesk.marketdata.tasks.refresh_assets"
OLD = timedelta(days=1)
FOUND = 12
REFRESH_SECONDS = 300


def search(text: str, user_id: int, now: datetime) -> list[Asset]:
    """The shares whose symbol begins with the text, then those whose name has it. An old list is read anew
    meanwhile."""
    words = text.replace("\0", "").strip()[:50]
    listed_at = Asset.objects.aggregate(at=Max("listed_at"))["at"]
    # One message, whoever types: the list has megabytes, and one that fails is not read at each letter.
    if (listed_at is None or abs(now - listed_at) > OLD) and cache.add("assets-refresh", 1, REFRESH_SECONDS):
        publish(REFRESH_TASK, [(user_id,)])
    if not words:
        return []
    by_symbol = list(Asset.objects.filter(symbol__istartswith=words)[:FOUND])
    by_name: QuerySet[Asset] = Asset.objects.filter(~Q(symbol__istartswith=words), name__icontains=words)
    return [*by_symbol, *by_name[: FOUND - len(by_symbol)]]


def refresh(user_id: int, now: datetime) -> int:
    """Read the list with this user's keys, unless somebody just did. Returns its length. Raises FeedFailed."""
    listed_at = Asset.objects.aggregate(at=Max("listed_at"))["at"]
    if listed_at is not None and abs(now - listed_at) <= OLD:
        return 0
    listed = _listed(access_of_user(user_id))
    rows = list({asset.symbol: asset for row in listed if (asset := _asset(row, now))}.values())
    if not rows:
        raise FeedFailed("Alpaca's list of shares is empty.")
    fields = ["name", "exchange", "tradable", "fractionable", "listed_at"]
    Asset.objects.bulk_create(
        rows, batch_size=500, update_conflicts=True, unique_fields=["symbol"], update_fields=fields
    )
    Asset.objects.filter(listed_at__lt=now).delete()
    return len(rows)


def _listed(access: Access) -> list[Any]:
    """The installation's keys may be those of a paper or of a live account."""
    failure: FeedFailed | None = None
    for url in access.trading_urls:
        client = AlpacaClient(url, access.keys)
        try:
            found = client.get("/v2/assets", {"status": "active", "asset_class": "us_equity"})
        except FeedFailed as error:
            failure = failure or error
            if error.keys:
                continue
            raise
        if not isinstance(found, list):
            raise FeedFailed("Alpaca's answer is no list of shares.")
        return found
    raise failure or FeedFailed("There is no host to ask for the list of shares.")


def _asset(row: Any, now: datetime) -> Asset | None:
    """None for what has no symbol that this desk can store."""
    if not isinstance(row, dict) or not SYMBOL.fullmatch(str(row.get("symbol", ""))):
        return None
    return Asset(
        symbol=str(row["symbol"]).upper(),
        name=str(row.get("name") or "")[:200],
        exchange=str(row.get("exchange") or "")[:20],
        tradable=row.get("tradable") is True,
        fractionable=row.get("fractionable") is True,
        listed_at=now,
    )


def is_listed(now: datetime) -> bool:
    return Asset.objects.filter(listed_at__gt=now - 7 * OLD).exists()
