"""Each code of a refused BUY, by a real check: the signal and the row of the log both have it."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import BarDecision, LiveStrategy, PaperPosition, SignalHistory
from livetrading.models.decision_code import DecisionCode as Code
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import check, open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tradedesk.accounts.models import User


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({}, Code.ORDERED),
        ({"auto_execute": False}, Code.NOT_AUTOMATIC),
        ({"max_position_size": 11}, Code.TOO_DEAR),
        ({"trailing_stop_atr": 2.0}, Code.NO_TRUE_RANGE),
        ({"starting_equity": 100_000, "peak_pnl": 50_000, "max_drawdown_pct": 0.2}, Code.DRAWDOWN),
        ({"session_start_pnl": 500, "last_pnl": 500, "daily_loss_limit": 400}, Code.DAILY_LOSS),
        ({"status": "paused"}, Code.PAUSED),
    ],
)
def test_the_check_of_a_buy(alice: User, rules: dict[str, Any], code: Code) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", **rules)
    store_bars(AAPL=flat(10, 10, 12))
    check(live, CLOSES[2])
    assert SignalHistory.objects.get().code == BarDecision.objects.get().code == code


def test_the_check_of_two_buys_for_one_place(alice: User) -> None:
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", "IBM", max_positions=1)
    store_bars(AAPL=flat(10, 10, 12), IBM=flat(50, 50, 60))
    check(live, CLOSES[2])
    codes = dict(live.decisions.values_list("symbol", "code"))
    assert codes == {"AAPL": Code.ORDERED, "IBM": Code.MAX_POSITIONS}


def test_the_checks_of_sells(alice: User) -> None:
    """The first SELL is ordered and not sent; the next bar finds it on its way, and a later one finds nothing."""
    open_account(alice, 100_000.0)
    live = make_two_bar_strategy(alice, "AAPL", stop_loss_pct=0.5)
    store_bars(AAPL=flat(10, 10, 12, 12, 11, 10, 9, 8))
    for now in CLOSES[2:4]:
        step(live, now)
    for now in CLOSES[4:6]:
        check(live, now)
    assert PaperPosition.objects.get().quantity == Decimal(166)
    assert codes_of_sells(live) == [Code.ORDERED, Code.ALREADY_SELLING]


def codes_of_sells(live: LiveStrategy) -> list[str]:
    return list(live.decisions.filter(side="sell").order_by("bar_time").values_list("code", flat=True))
