"""The figures of the home page without a database: open risk, small lines, profit paths, the benchmark."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models import Order, PaperTrade
from livetrading.summaries.equity_curve import Period, equal_weight
from livetrading.summaries.open_risk import OpenRisk, open_risk
from livetrading.summaries.pnl_paths import PathFill, pnl_paths
from livetrading.summaries.positions import Exit, OpenLot
from livetrading.summaries.running import last_decision
from livetrading.summaries.sparklines import Sparkline, sparkline
from tradedesk.core.bars import Bars
from tradedesk.marketdata.sessions import daily_times

STOP, TRAILING, TARGET = Order.Purpose.STOP_LOSS, Order.Purpose.TRAILING_STOP, Order.Purpose.TAKE_PROFIT
FIRST = datetime(2010, 1, 4, 21, tzinfo=UTC)


def lot(stop: str | None, *exits: str, last: str | None = "12", symbol: str = "AAPL") -> OpenLot:
    """10 shares, bought at 10."""
    trade = PaperTrade(
        symbol=symbol,
        quantity=Decimal(10),
        entry_price=Decimal(10),
        stop_price=Decimal(stop) if stop else None,
        exit_quantity=Decimal(0),
    )
    working = [Exit(purpose, Order.Holder.BROKER) for purpose in exits]
    return OpenLot(trade, Decimal(last) if last else None, working)


@pytest.mark.parametrize(
    ("held", "dollars"),
    [
        (lot("9", STOP), 30),
        (lot("11.5", TRAILING, TARGET), 5),
        (lot("12.5", STOP), 0),  # the price has fallen through it
        (lot("9", STOP, last=None), 10),  # without bars it is worth what it cost
        (lot(None), 120),
        (lot(None, TARGET), 120),
        (lot("9"), 120),  # no order works for it
        (lot("9", TARGET), 120),
    ],
)
def test_the_risk_of_a_lot(held: OpenLot, dollars: int) -> None:
    assert held.risk == dollars


def test_open_risk_is_the_sum_and_names_what_has_no_stop() -> None:
    held = [lot("9", STOP), lot(None, symbol="MSFT"), lot(None, symbol="IBM"), lot("9", symbol="IBM")]
    assert open_risk(held) == OpenRisk(Decimal(30 + 3 * 120), ("IBM", "MSFT"))
    assert open_risk([]) == OpenRisk(Decimal(0), ())
    assert open_risk(held).of_equity(Decimal(3900)) == 0.1
    assert open_risk(held).of_equity(None) is open_risk(held).of_equity(Decimal(-1)) is None


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1.0, 2.0], True),
        ([-1.0, 1.0], True),
        ([-2.0, -1.0], True),
        # So far away it would flatten the line.
        ([10.0, 11.0], False),
        ([-11.0, -10.0], False),
    ],
)
def test_zero_is_drawn_where_it_leaves_room_for_the_line(values: list[float], drawn: bool) -> None:
    assert sparkline(values, zero=True) == Sparkline(tuple(values), zero=drawn)
    assert sparkline(values) == Sparkline(tuple(values))


def test_a_line_needs_two_numbers() -> None:
    assert sparkline([1.0]) is None
    assert sparkline([1.0, float("nan")]) is None
    line = sparkline([1.0, float("nan"), 123456.789], change=-3.0)
    assert line is not None
    assert (line.text, line.joins, line.change) == ("1,123457", "", -3.0)


@st.composite
def trading(draw: st.DrawFn) -> tuple[list[PathFill], dict[str, list[float]], int]:
    days = draw(st.integers(2, 8))
    price = st.floats(1, 100)
    closes = {symbol: draw(st.lists(price, min_size=days, max_size=days)) for symbol in ("AAPL", "IBM")}
    fills = []
    for _ in range(draw(st.integers(0, 10))):
        hours = draw(st.integers(1, 24 * (days - 1)))
        shares = draw(st.integers(-20, 20).filter(bool))
        spent = shares * draw(price) + draw(st.floats(0, 2))
        live_id, symbol = draw(st.sampled_from((1, 2))), draw(st.sampled_from(("AAPL", "IBM")))
        fills.append(PathFill(live_id, symbol, FIRST + timedelta(hours=hours), float(shares), spent))
    return fills, closes, days


@given(trading())
def test_a_path_is_what_was_earned_up_to_each_close(
    drawn: tuple[list[PathFill], dict[str, list[float]], int],
) -> None:
    """Walked forward from nothing, in place of back from today."""
    fills, closes, days = drawn
    moments = [FIRST + timedelta(days=day) for day in range(days)]

    def earned(live_id: int, day: int) -> float:
        own = [fill for fill in fills if fill.live_id == live_id and fill.time <= moments[day]]
        return sum(fill.shares * closes[fill.symbol][day] - fill.spent for fill in own)

    held: dict[tuple[int | None, str], float] = {}
    for fill in fills:
        held[fill.live_id, fill.symbol] = held.get((fill.live_id, fill.symbol), 0.0) + fill.shares
    totals = {live_id: earned(live_id, days - 1) for live_id in (1, 2)}
    arrays = {symbol: np.array(own) for symbol, own in closes.items()}
    found = pnl_paths(totals, held, fills, moments, arrays)
    for live_id in (1, 2):
        assert found[live_id] == pytest.approx([earned(live_id, day) for day in range(days)], abs=1e-6)


def bars(first: date, *closes: float) -> Bars:
    days = np.arange(np.datetime64(first), np.datetime64(first) + len(closes))
    prices = np.array(closes, np.float64)
    return Bars(daily_times(days), prices, prices, prices, prices, np.zeros(len(closes)))


def test_the_benchmark_holds_equal_parts_from_the_first_day() -> None:
    monday = date(2010, 1, 4)
    days = [monday, date(2010, 1, 5), date(2010, 1, 7)]
    known = {
        "AAPL": bars(monday, 10, 11, 12, 15),
        "IBM": bars(monday, 100, 100, 90, 50),
        "LATE": bars(date(2010, 1, 5), 1, 2, 3),
    }
    held, symbols = equal_weight(days, 1000.0, known)
    assert symbols == ["AAPL", "IBM"]
    assert held == pytest.approx([1000, 1050, 1000])
    assert equal_weight(days, 1000.0, {"LATE": known["LATE"]}) == ([], [])
    assert equal_weight([], 1000.0, known) == ([], [])


def test_the_last_decision_of_a_strategy() -> None:
    def seen(bar_time: str, side: str, sentence: str) -> dict[str, object]:
        return {"bar_time": bar_time, "side": side, "sentence": sentence, "close": 10.0, "code": "x"}

    older, hold = seen("2010-03-05T05:00:00Z", "buy", "old"), seen("2010-03-08T05:00:00Z", "hold", "no crossing")
    sell = seen("2010-03-08T05:00:00Z", "sell", "crossed below")
    assert last_decision({}) == ""
    assert last_decision({"FB": {"code": "no_bars", "sentence": "There are no bars."}}) == "FB: There are no bars."
    assert last_decision({"AAPL": older, "IBM": hold}) == "IBM: no crossing"
    assert last_decision({"AAPL": sell, "IBM": hold, "MSFT": older}) == "AAPL: crossed below"


def test_the_return_of_a_period() -> None:
    assert Period(Decimal(5), Decimal(100)).return_fraction == 0.05
    assert Period().return_fraction is None
