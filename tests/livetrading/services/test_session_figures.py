"""Profit and loss of a session, from the fills of its lots."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from livetrading.services.session_figures import LotFill, SessionFigures, figures_by_strategy, session_figures
from tradedesk.marketdata.quotes import Quote

BEFORE, START, TODAY = (datetime(2010, 3, day, hour, tzinfo=UTC) for day, hour in ((5, 15), (8, 5), (8, 15)))
AAPL, IBM = ("AAPL", "1Day"), ("IBM", "1Day")
QUOTES = {AAPL: Quote(12.0, Decimal(12), Decimal(11)), IBM: Quote(5.0, Decimal(5), Decimal(6))}


def buy(quantity: int, price: float, time: datetime, lot: int = 1, series: tuple[str, str] = AAPL) -> LotFill:
    return LotFill(lot, series, True, Decimal(quantity), Decimal(str(price)), Decimal(1), time)


def sell(quantity: int, price: float, time: datetime, lot: int = 1, series: tuple[str, str] = AAPL) -> LotFill:
    return LotFill(lot, series, False, Decimal(quantity), Decimal(str(price)), Decimal(1), time)


@pytest.mark.parametrize(
    ("fills", "today", "realized", "open_pnl", "exposure", "positions"),
    [
        ([], 0, 0, 0, 0, 0),
        # Held over: 10 x (12 - 11) today, 10 x (12 - 10) open.
        ([buy(10, 10, BEFORE)], 10, 0, 20, 120, 1),
        # Bought today: 10 x (12 - 11.5) - 1.
        ([buy(10, 11.5, TODAY)], 4, -1, 5, 120, 1),
        # Sold today: 10 x (13 - 11) - 1 since yesterday, 10 x (13 - 10) - 1 realized.
        ([buy(10, 10, BEFORE), sell(10, 13, TODAY)], 19, 29, 0, 0, 0),
        # Sold before today: nothing.
        ([buy(10, 10, BEFORE), sell(10, 13, BEFORE)], 0, 0, 0, 0, 0),
        # A part: 4 x (13 - 11) + 6 x (12 - 11) - 1 today, 4 x 3 - 1 realized, 6 x 2 open.
        ([buy(10, 10, BEFORE), sell(4, 13, TODAY)], 13, 11, 12, 72, 1),
        # Bought and sold today: 10 x (13 - 11.5) - 2.
        ([buy(10, 11.5, TODAY), sell(10, 13, TODAY)], 13, 13, 0, 0, 0),
        # Two lots of a symbol are one position; IBM lost 10 x (5 - 6).
        ([buy(10, 10, BEFORE), buy(10, 11, BEFORE, 2), buy(10, 6, BEFORE, 3, IBM)], 10, 0, 20, 290, 2),
        # Without bars a lot is worth what was paid.
        ([buy(10, 10, BEFORE, series=("XYZ", "1Day"))], 0, 0, 0, 100, 1),
        # A sale whose purchase is unknown.
        ([sell(10, 13, TODAY)], 0, 0, 0, 0, 0),
    ],
)
def test_figures(
    fills: list[LotFill], today: int, realized: int, open_pnl: int, exposure: int, positions: int
) -> None:
    assert session_figures(fills, QUOTES, START) == SessionFigures(
        Decimal(today), Decimal(realized), Decimal(open_pnl), Decimal(exposure), positions
    )


def test_strategies_are_told_apart_and_shares_of_none_are_left_out() -> None:
    fills = [buy(10, 10, BEFORE), buy(10, 6, BEFORE, 2, IBM), buy(5, 10, BEFORE, 3)]
    of_seven, of_eight, of_none = fills
    parts = [replace(of_seven, live_strategy_id=7), replace(of_eight, live_strategy_id=8), of_none]
    found = figures_by_strategy(parts, QUOTES, START)
    assert found == {
        7: session_figures([of_seven], QUOTES, START),
        8: session_figures([of_eight], QUOTES, START),
    }
