"""Made bars, written in many dialects, are read back equal."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.marketdata.readers.reading import read, same
from tradedesk.core.bars import Bars, Timeframe
from tradedesk.marketdata.readers.zones import from_utc
from tradedesk.marketdata.sessions import NEW_YORK

HEADERS = [
    "date open high low close volume",
    "<DATE> <OPEN> <HIGH> <LOW> <CLOSE> <VOL>",
    "Time Open High Low Last Vol.",
    "timestamp o h l c v",
]
DATES = [
    "%Y-%m-%d %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d-%b-%y %I:%M %p",
    "%Y%m%d %H%M%S",
    "%B %d, %Y %H:%M",
]
EPOCHS = {"s": 1_000_000, "ms": 1_000, "us": 1}


@st.composite
def hourly_bars(draw: Callable[..., int]) -> Bars:
    """Hours in the middle of the days from January 1 on, so that every order of dates is settled."""
    count = draw(st.integers(35, 60))
    times = np.datetime64("2023-01-02T17:00", "us") + np.arange(count) * np.timedelta64(1, "D")
    cents = np.array([draw(st.integers(100, 999_999)) for _ in range(4)])
    low, opened, close, high = np.sort(cents) / 100
    days = np.arange(count) * 1.0
    prices = [np.round(price + days, 2) for price in (opened, high, low, close)]
    return Bars(
        times,
        prices[0],
        prices[1],
        prices[2],
        prices[3],
        np.round(days * draw(st.integers(0, 99_999)), 0).astype(np.float64),
    )


def number(value: float, *, comma: bool, grouped: bool) -> str:
    text = f"{value:,.2f}" if grouped else f"{value:.2f}"
    return text.translate(str.maketrans(",.", ".,")) if comma else text


@settings(max_examples=40, deadline=None)
@given(
    bars=hourly_bars(),
    header=st.sampled_from(HEADERS),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    written=st.sampled_from([*DATES, *EPOCHS]),
    comma=st.booleans(),
    grouped=st.booleans(),
    descending=st.booleans(),
    title=st.sampled_from(["", "Prices of a company\n", "sep=x\n\n"]),
    ending=st.sampled_from(["", "\n", "\n\nEnd of file\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_dialect_is_read_back_equal(
    bars: Bars,
    header: str,
    separator: str,
    written: str,
    comma: bool,
    grouped: bool,
    descending: bool,
    title: str,
    ending: str,
    encoding: str,
) -> None:
    local = from_utc(bars.time, NEW_YORK).tolist()
    if written in EPOCHS:
        times = [str(micros // EPOCHS[written]) for micros in bars.time.astype(np.int64).tolist()]
    else:
        times = [moment.strftime(written) for moment in local]
    columns = [[number(value, comma=comma, grouped=grouped) for value in column] for column in bars.values()]
    rows = [separator.join(f'"{cell}"' for cell in row) for row in zip(times, *columns, strict=True)]
    text = "\n".join([header.replace(" ", separator), *(rows[::-1] if descending else rows)])
    found = read(f"{title}{text}{ending}".encode(encoding), Timeframe.HOUR)
    assert same(found.bars, bars)
