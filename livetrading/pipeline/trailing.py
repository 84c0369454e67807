"""Trailing stops after the fill: where the stop of a lot is once these bars have closed. Pure.

The stop follows the bars one by one, as in a backtest: a bar's high raises it for the bars after it. A check that
comes late, after several bars, gives the same price.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from livetrading.models import Order
from livetrading.models.trade import Trade
from livetrading.pipeline.protection import trailing_level
from tradedesk.core.bars import Bars, to_datetime, to_datetime64
from tradedesk.core.excursions import is_at_scale
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.sessions import bar_open

# A fill so soon after its bar opened counts as one at the open: the rest of that bar belongs to the lot.
AT_THE_OPEN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Followed:
    """level: the stop price in dollars after the last bar, never below the lot's present one. touched: the price
    that a bar's low has reached, None for none. fallen: whether the last close is at the level or below it, so
    that a broker would refuse a stop there."""

    level: Decimal
    touched: Decimal | None = None
    fallen: bool = False


def follow(trade: Trade, rule: Order, bars: Bars | None) -> Followed:
    """Follow a lot from its entry through the closed bars. rule: the order with the rule of its trailing stop."""
    present = trade.stop_price or Decimal(0)
    since = None if bars is None else _since_entry(trade, bars)
    if since is None or not len(since):
        return Followed(present)
    # The highest price before each bar, and after the last one.
    highest = np.maximum.accumulate(np.concatenate(([float(trade.entry_price)], since.high)))
    rises = np.diff(highest, prepend=0.0) > 0.0
    initial = float(trade.initial_stop_price or 0)
    levels = np.array([max(initial, trailing_level(rule, float(value))) for value in highest[rises]])
    levels = levels[np.cumsum(rises) - 1]
    level = max(present, to_decimal(levels[-1]))
    reached = since.low <= levels[:-1]
    return Followed(
        level,
        to_decimal(levels[int(reached.argmax())]) if reached.any() else None,
        bool(since.close[-1] <= float(level)),
    )


def has_scale_of(trade: Trade, bars: Bars) -> bool:
    """Whether the bars at the lot's entry have prices like the one that was paid. After a split they are imported
    again at another scale, and their lows say nothing about this lot's stop."""
    return is_at_scale(bars, to_datetime64(trade.entry_time), float(trade.entry_price))


def _since_entry(trade: Trade, bars: Bars) -> Bars:
    """The bars that opened when the lot was bought or later."""
    first = len(bars) - len(bars.since(trade.entry_time))
    if first > 0:
        opened = to_datetime(bar_open(bars.time[first - 1 : first], trade.timeframe)[0])
        first -= trade.entry_time < opened + AT_THE_OPEN
    return bars[first:]
