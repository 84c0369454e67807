"""Adjusting prices for splits and dividends by a vendor's adjusted close."""

import numpy as np

from tradedesk.core.bars import Bars, Floats
from tradedesk.core.money import PLACES


def adjust(bars: Bars, adjusted_close: Floats) -> Bars:
    """Prices times adjusted close / close, volume divided by it, so that price x volume stays what was traded.

    adjusted_close: float64 (n,), above zero. Rounded to a millionth; low and high are widened where rounding
    would leave the open or the close outside of them.
    """
    factor = adjusted_close / bars.close
    opened, high, low = (np.round(column * factor, PLACES) for column in (bars.open, bars.high, bars.low))
    close = np.round(adjusted_close, PLACES)
    return Bars(
        time=bars.time,
        open=opened,
        high=np.maximum(high, np.maximum(opened, close)),
        low=np.minimum(low, np.minimum(opened, close)),
        close=close,
        volume=np.round(bars.volume / factor, PLACES),
    )
