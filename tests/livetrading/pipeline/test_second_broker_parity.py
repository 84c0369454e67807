"""The entries and exits of a backtest, through a broker that is not the simulation and has no costs.

The market opens, trades through its low and its high, and closes. The desk ticks after the open, so that a lot
has its exits before the day goes on, and after the close.
"""

from datetime import date
from typing import Any

import numpy as np
import pytest

from backtests.engine.simulation import simulate
from livetrading.brokers.protocol import Capabilities
from livetrading.models import PaperTrade
from strategies.kinds import make_kind
from tests.livetrading.pipeline.desk import put_bars
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import ATTACHED, REPLACING
from tradedesk.accounts.models import User
from tradedesk.core.bars import Bars
from tradedesk.core.money import MICRO, to_decimal
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.sessions import daily_time, daily_times, session_close, session_open, sessions_between

FIRST, LAST, SOONER = date(2012, 1, 3), date(2012, 3, 30), date(2012, 2, 15)
CAPITAL = 10_000.0
RULES = RiskRules(position_size_pct=0.4, max_positions=3, stop_loss_pct=0.03, take_profit_pct=0.05)


def wave(seed: int, gap: float, last: date) -> Bars:
    """Bars in whole cents that cross their averages often. gap: the deviation of the opens from the closes."""
    random = np.random.default_rng(seed)
    time = daily_times(sessions_between(FIRST, last))
    close = 40 * np.exp(np.cumsum(random.normal(0, 0.02, len(time))))
    open_ = np.concatenate(([40.0], close[:-1])) * np.exp(random.normal(0, gap, len(time)))
    high, low = np.maximum(open_, close) * 1.004, np.minimum(open_, close) * 0.996
    open_, high, low, close = (np.round(column, 2) for column in (open_, high, low, close))
    return Bars(time, open_, high, low, close, np.full(len(time), 1e6))


def trade_day(desk: SecondDesk, day: date, row: int, bars: Bars) -> None:
    """One session: the open, where market orders are filled, then the path of the day, then the close."""
    desk.broker.jump("W", float(bars.open[row]))
    desk.set_time(session_open(day))
    if desk.unfinished():
        desk.step(4)
    desk.broker.move("W", float(bars.low[row]), float(bars.high[row]), float(bars.close[row]))
    desk.broker.work()
    desk.set_time(session_close(day))
    for _ in range(3):  # decide, cancel what holds the shares of an exit, send it
        desk.tick()
        desk.send()
        desk.broker.answer()


@pytest.mark.parametrize(
    ("capabilities", "seed", "gap", "last"),
    [
        pytest.param(REPLACING, 8, 0.008, LAST, id="replacing"),
        # Opens beyond the stop and beyond the target of the close: the exits that travelled sell nothing there.
        pytest.param(ATTACHED, 55, 0.03, SOONER, id="attached"),
    ],
)
def test_entries_and_exits_are_those_of_the_backtest(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, seed: int, gap: float, last: date
) -> None:
    bars = wave(seed, gap, last)
    put_bars({"W": bars})
    days = sessions_between(FIRST, last).tolist()
    kind: dict[str, Any] = {"kind": "sma_crossover", "parameters": {"fast": 2, "slow": 4}}
    backtest = simulate(
        make_kind(kind["kind"], kind["parameters"]),
        {"W": bars},
        capital=CAPITAL,
        rules=RULES,
        costs=Costs(),
        start=daily_time(FIRST),
        end=daily_time(last),
    )
    desk = second_desk(
        monkeypatch, alice, capabilities, next_check_at=session_close(FIRST), **kind, **RULES.as_dict()
    )
    desk.set_time(session_open(FIRST))
    desk.broker.price_step = MICRO
    for row, day in enumerate(days):
        trade_day(desk, day, row, bars)
    expected = [
        (to_decimal(t.quantity), to_decimal(t.entry_price), to_decimal(t.exit_price), t.exit_reason)
        for t in sorted(backtest.result.trades, key=lambda trade: trade.entry_time)
    ]
    assert {reason for *_, reason in expected} == {"signal", "stop_loss", "take_profit"}
    made = PaperTrade.objects.exclude(exit_time=None).order_by("entry_time")
    assert list(made.values_list("quantity", "entry_price", "exit_price", "exit_reason")) == expected
    assert float(desk.broker.cash) == pytest.approx(backtest.result.cash, abs=0.0001)
    assert (desk.broker.refused, desk.incidents()) == ([], [])
