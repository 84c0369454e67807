"""A SELL and a lot that was bought during the same bar, or after it."""

from datetime import datetime, timedelta

import pytest

from livetrading.pipeline.book import StrategyBook
from tests.livetrading.made_bars import CLOSES, OPENS, TIMES
from tests.livetrading.pipeline.test_decide import RICH, RULES, decide, event, lot_of
from tradedesk.core.signals import Side


@pytest.mark.parametrize(
    ("bought", "sold"),
    [
        pytest.param(OPENS[2] - timedelta(days=1), True, id="an earlier bar"),
        pytest.param(TIMES[2], True, id="the time of the bar itself"),
        pytest.param(OPENS[2] + timedelta(seconds=1), True, id="during the bar"),
        pytest.param(CLOSES[2] - timedelta(microseconds=1), True, id="just before its close"),
        pytest.param(CLOSES[2], False, id="at its close"),
        pytest.param(OPENS[3], False, id="after its close"),
    ],
)
def test_a_sell_closes_a_lot_that_was_bought_before_the_close_of_its_bar(bought: datetime, sold: bool) -> None:
    """A real broker's fill has a time during the bar, which is later than the time of the bar."""
    held = StrategyBook({"AAPL": lot_of("AAPL")})
    held.lots["AAPL"].entry_time = bought
    (decision,) = decide([event("AAPL", Side.SELL, day=2)], held, RULES, RICH)
    if sold:
        assert (decision.quantity, decision.lot) == (10, held.lots["AAPL"])
    else:
        assert (decision.quantity, decision.reason) == (0, "The open lot of AAPL was bought after this signal.")
