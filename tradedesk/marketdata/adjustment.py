"""Adjusting prices for splits and dividends with a vendor's adjusted close."""

import numpy as np

from tradedesk.core.bars import Bars, Floats
from tradedesk.core.money import PLACES


def adjust(bars: Bars, adjusted_close: Floats) -> Bars:
    """Multiply prices by adjusted close / close and divide volume by it, so that price x volume does not change.

    adjusted_close: float64 (n,), above zero. The results are rounded to a millionth. High and low are widened
    where rounding would move the open or the close outside them.
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
