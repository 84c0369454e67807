"""What uses one series: the uses of its symbol by the users who read this series and no other."""

from django.conf import settings

from tradedesk.marketdata.library import rank
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.resampling import made_from, sources_of
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.usage import uses_of


def uses_by_readers(key: SeriesKey) -> list[str]:
    """See usage.uses_of: of those users who read this series, or would read it if it existed. Longer bars may be
    made from it: their uses count too."""
    if key.provider not in settings.BAR_PROVIDERS:
        return []
    stored = list(BarSeries.objects.filter(symbol=key.symbol, provider__in=settings.BAR_PROVIDERS))
    uses = []
    for timeframe in (key.timeframe, *made_from(key.timeframe)):
        own = rank(key, timeframe)
        usable = (series for series in stored if series.timeframe in (timeframe, *sources_of(timeframe)))
        before = {series.owner_id for series in usable if rank(series, timeframe) < own}
        if before.isdisjoint({None, key.owner_id}):  # else nobody reads it in this timeframe
            others = [owner_id for owner_id in before if owner_id is not None]
            uses += uses_of(key.symbol, timeframe, key.owner_id, others)
    return uses
