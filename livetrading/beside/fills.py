"""The fills of a session beside the prices of its bars."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from livetrading.beside.causes import Cause, Difference
from livetrading.beside.matching import same_price
from livetrading.models import Fill, LiveStrategy
from livetrading.models.signal import OrderSide
from livetrading.pipeline.validity import GRACE
from tradedesk.core.bars import Bars, Timeframe, to_datetime, to_datetime64
from tradedesk.core.fills import buy_price, sell_price
from tradedesk.core.rules import Costs
from tradedesk.marketdata import sessions
from tradedesk.marketdata.sessions import bar_dates

# An auction print and the open of a bar differ by a little; this much more than the costs is a difference.
TOLERANCE_BPS = 5.0


class CheckedFills(NamedTuple):
    checked: int
    differences: list[Difference]


def check_fills(live: LiveStrategy, session: date, history: Mapping[str, Bars], costs: Costs) -> CheckedFills:
    """The fills of orders that follow a signal, in this session, each beside the open of its bar with the costs. A
    stop or a target has its own price, and one without a bar is left out."""
    start, end = sessions.daily_time(session), sessions.daily_time(session + timedelta(days=1))
    rows = live.account.fills.filter(
        order__live_strategy=live, order__signal__isnull=False, time__gte=start, time__lt=end, undone_by=""
    )
    checked, differences = 0, list[Difference]()
    for fill in rows.select_related("order", "order__signal"):
        bar = _bar_of(fill, history.get(fill.order.symbol), live.timeframe)
        if bar is None:
            continue
        checked += 1
        time, opened = bar
        is_buy = fill.order.side == OrderSide.BUY
        expected = (buy_price if is_buy else sell_price)(opened, costs.slippage_bps)
        if not _as_expected(float(fill.price), expected):
            differences.append(_difference(live, fill, time, opened, expected, session))
    return CheckedFills(checked, differences)


def _bar_of(fill: Fill, bars: Bars | None, timeframe: str) -> tuple[datetime, float] | None:
    """Time and open of the bar that the fill belongs to."""
    if bars is None:
        return None
    moment = np.array([to_datetime64(fill.time)])
    if Timeframe(timeframe).is_dated:
        moment = sessions.daily_times(bar_dates(moment, timeframe)[0])
    row = int(np.searchsorted(bars.time, moment[0], side="right")) - 1
    if row < 0 or (Timeframe(timeframe).is_dated and bars.time[row] != moment[0]):
        return None
    return to_datetime(bars.time[row]), float(bars.open[row])


def _as_expected(price: float, expected: float) -> bool:
    return same_price(price, expected) or abs(price / expected - 1.0) * 1e4 <= TOLERANCE_BPS


def _difference(
    live: LiveStrategy, fill: Fill, time: datetime, opened: float, expected: float, session: date
) -> Difference:
    late = Timeframe(live.timeframe).is_dated and fill.time > sessions.session_open(session) + GRACE
    cause = Cause.LATE_CHECK if late else Cause.BROKERS_PRICE
    side = fill.order.get_side_display()
    text = f"{side} {fill.quantity.normalize():f} at {fill.price:,.2f}; by the bar it is {expected:,.2f}."
    then = {"price": float(fill.price), "filled": fill.time.isoformat(), "shares": float(fill.quantity)}
    now = {"price": round(expected, 6), "open": opened, "bar": time.isoformat()}
    return Difference(fill.order.symbol, time, cause, text, then, now)
