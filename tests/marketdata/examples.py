"""Example bars, and files with them."""

from datetime import date, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tradedesk.core.bars import LEAST_PRICE, PRICE_LIMIT, Bars, Timeframe, session_dates
from tradedesk.marketdata.sessions import daily_times, sessions_between

HEADER = "Date,Open,High,Low,Close,Volume"


def daily_bars(count: int = 5, first: date = date(2012, 3, 5), price: float = 10.0) -> Bars:
    """`count` sessions from `first` on; each closes a dollar above the one before it."""
    times = daily_times(sessions_between(first, first + timedelta(days=2 * count + 10))[:count])
    close = price + np.arange(count, dtype=np.float64)
    return Bars(times, close - 0.5, close + 1, close - 1, close, np.full(count, 1000.0))


def minute_bars(count: int, first: str = "2012-03-05T14:30") -> Bars:
    """`count` minutes one after another from `first` (UTC) on; each closes a cent above the one before it."""
    times = np.datetime64(first, "us") + np.arange(count) * np.timedelta64(1, "m")
    close = np.round(10.0 + 0.01 * np.arange(count), 2)
    return Bars(times, close, close + 0.5, close - 0.5, close, np.full(count, 100.0))


def csv_of(bars: Bars, header: str = HEADER) -> bytes:
    dates = session_dates(bars.time)
    rows = zip(dates, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True)
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()


@st.composite
def any_bars(draw: Any, max_size: int = 40) -> Bars:
    """Valid bars at any ascending times between 1960 and 2050."""
    micros = draw(
        st.lists(
            st.integers(-315_619_200_000_000, 2_524_608_000_000_000), min_size=1, max_size=max_size, unique=True
        )
    )
    count = len(micros)
    price = st.floats(LEAST_PRICE, 0.999 * PRICE_LIMIT)
    corners = np.sort(
        np.array(draw(st.lists(st.tuples(price, price, price, price), min_size=count, max_size=count)))
    )
    volume = draw(st.lists(st.floats(0, 1e15), min_size=count, max_size=count))
    return Bars(
        time=np.sort(np.array(micros, dtype=np.int64)).view("datetime64[us]"),
        open=corners[:, 1].copy(),
        high=corners[:, 3].copy(),
        low=corners[:, 0].copy(),
        close=corners[:, 2].copy(),
        volume=np.array(volume, dtype=np.float64),
    )


timeframes = st.sampled_from(list(Timeframe))
