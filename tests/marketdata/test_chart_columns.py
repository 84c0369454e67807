"""Columns of charts: trips and fills at the points of their bars, and the answer that is not sent twice."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.test import RequestFactory

from tradedesk.core.bars import Bars
from tradedesk.marketdata.chart_columns import (
    FillPoint,
    RoundTrip,
    fill_columns,
    fills_of,
    price_columns,
    trade_columns,
)
from tradedesk.rest.columns import columns_response

# Minutes from 2012-03-05 14:30 UTC.
START = datetime(2012, 3, 5, 14, 30, tzinfo=UTC)
FIRST = int(START.timestamp())


def minute_bars(count: int) -> Bars:
    times = np.datetime64("2012-03-05T14:30", "us") + np.arange(count) * np.timedelta64(1, "m")
    close = np.arange(count, dtype=np.float64) + 10.0
    return Bars(times, close, close + 1, close - 1, close, np.full(count, 5.0))


def trip(number: int, enters: int, leaves: int | None, **changes: Any) -> RoundTrip:
    """Entered and left so many minutes after the first bar."""
    values: dict[str, Any] = {
        "id": number,
        "entry_time": START + timedelta(minutes=enters),
        "entry_price": Decimal("10.5"),
        "exit_time": None if leaves is None else START + timedelta(minutes=leaves),
        "exit_price": None if leaves is None else Decimal(12),
        "quantity": Decimal(3),
        "stop": Decimal(9),
        "target": None,
        "pnl": Decimal("4.5"),
        "r": 1.00001,
    }
    return RoundTrip(**values | changes)


def test_prices_and_lines_are_columns_of_one_length_with_gaps() -> None:
    line = np.array([np.nan, 10.123456, 11.0])
    found = price_columns(minute_bars(3), "1Min", {"SMA": line}, pane=1)
    assert found["unit"] == "second"
    assert found["bars"]["time"] == [FIRST, FIRST + 60, FIRST + 120]
    assert found["bars"]["volume"] == [5, 5, 5]
    assert found["lines"] == [{"name": "SMA", "pane": 1, "values": [None, 10.1235, 11.0]}]


def test_a_trip_is_cut_to_the_bars() -> None:
    bars = minute_bars(5)[2:]
    trips = [trip(1, 0, 1), trip(3, 3, None), trip(2, 0, 3)]
    found = trade_columns(bars, "1Min", trips)
    # The first one was closed before; the second was entered before and begins with the bars.
    assert found["id"] == [2, 3]
    assert found["entry_time"] == [FIRST + 120, FIRST + 180]
    assert found["exit_time"] == [FIRST + 180, None]
    assert (found["exit"], found["target"], found["r"]) == ([12.0, None], [None, None], [1.0, 1.0])


def test_fills_name_the_row_of_their_trade() -> None:
    bars = minute_bars(5)
    trips = [trip(8, 1, 2), trip(9, 3, None)]
    found = fill_columns(bars, "1Min", fills_of(trips), trade_columns(bars, "1Min", trips))
    assert list(zip(found["time"], found["side"], found["trade"], strict=True)) == [
        (FIRST + 60, "buy", 0),
        (FIRST + 120, "sell", 0),
        (FIRST + 180, "buy", 1),
    ]
    stray = FillPoint(START - timedelta(minutes=1), "buy", Decimal(1), Decimal(1), 8)
    unknown = FillPoint(START, "buy", Decimal(1), Decimal(1), 99)
    assert fill_columns(bars, "1Min", [stray, unknown], {"id": [8]})["trade"] == [None]


def test_without_bars_every_column_is_empty() -> None:
    bars = minute_bars(0)
    trades = trade_columns(bars, "1Min", [trip(1, 0, None)])
    assert {len(values) for values in trades.values()} == {0}
    assert fill_columns(bars, "1Min", fills_of([trip(1, 0, None)]), trades)["time"] == []


def test_the_same_columns_are_not_sent_twice(rf: RequestFactory) -> None:
    first = columns_response(rf.get("/"), {"time": [1, 2]})
    assert (first.status_code, b"".join(first)) == (200, b'{"time":[1,2]}')
    again = columns_response(rf.get("/", headers={"If-None-Match": first["ETag"]}), {"time": [1, 2]})
    assert (again.status_code, again["ETag"]) == (304, first["ETag"])
    other = columns_response(rf.get("/", headers={"If-None-Match": first["ETag"]}), {"time": [1, 3]})
    assert (other.status_code, json.loads(b"".join(other))) == (200, {"time": [1, 3]})


def test_columns_have_no_nan(rf: RequestFactory) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        columns_response(rf.get("/"), {"time": [float("nan")]})
