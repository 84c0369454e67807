"""The last closes on the sample market of TODAY."""

from tests.livetrading.factories import NOW
from tradedesk.marketdata.library import closed_bars


def close_of(symbol: str) -> float:
    return float(closed_bars(None, symbol, "1Day", NOW, last=1).close[-1])
