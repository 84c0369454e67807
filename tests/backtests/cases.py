"""Random bars, signals, rules and costs, for properties that hold for all of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from backtests.engine.results import OpenPosition, Result, Trade
from backtests.engine.run import run
from tests.backtests.scripted import bars_of, days
from tradedesk.core.bars import Bars, validate
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

# Bars take a while to generate; a busy machine must not fail a test for it.
ALLOW_SLOW_DATA = settings(suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Case:
    bars: dict[str, Bars]
    signals: dict[str, Signals]
    capital: float
    rules: RiskRules
    costs: Costs

    def run(self) -> Result:
        return run(self.bars, self.signals, capital=self.capital, rules=self.rules, costs=self.costs)


@st.composite
def bars_and_signals(draw: st.DrawFn) -> tuple[dict[str, Bars], dict[str, Signals]]:
    """Up to three symbols with up to twelve bars in cents, of a day or of six hours, each missing some of them."""
    length = draw(st.integers(1, 12))
    daily = days(length)
    time = draw(st.sampled_from((daily, daily[0] + np.arange(length) * np.timedelta64(6, "h"))))
    bars, signals = {}, {}
    for symbol in draw(st.permutations("ABC"))[: draw(st.integers(1, 3))]:
        present = sorted(draw(st.sets(st.integers(0, length - 1), min_size=1)))
        rows, sides, strengths = [], [], []
        for _ in present:
            cents = sorted(draw(st.tuples(*[st.integers(400, 2_000)] * 4)))
            open_, close = draw(st.permutations(cents[1:3]))
            rows.append((open_ / 100, cents[3] / 100, cents[0] / 100, close / 100))
            sides.append(draw(st.sampled_from((-1, 0, 1, 1))))
            strengths.append(draw(st.sampled_from((0.5, 0.6, 0.8, 1.0))))
        bars[symbol] = bars_of(rows, time[present])
        signals[symbol] = Signals(np.array(sides, np.int8), np.array(strengths))
        validate(bars[symbol])
    return bars, signals


RULES = st.builds(
    RiskRules,
    position_size_pct=st.sampled_from((0.02, 0.3, 0.5, 1.0)),
    max_positions=st.integers(1, 3),
    max_position_size=st.sampled_from((None, 400.0)),
    stop_loss_pct=st.sampled_from((None, 0.03, 0.1, 0.5)),
    trailing_stop_pct=st.sampled_from((None, None, 0.03, 0.2)),
    take_profit_pct=st.sampled_from((None, 0.05, 0.2)),
    signal_threshold=st.sampled_from((0.0, 0.6, 0.9)),
    daily_loss_limit=st.sampled_from((None, 50.0)),
    max_drawdown_pct=st.sampled_from((None, 0.1)),
    cooldown_bars=st.sampled_from((None, None, 1, 3)),
    fractional=st.booleans(),
)
# Limits in dollars, where a difference of a millionth can change the whole result.
NO_LIMITS: dict[str, Any] = {"max_position_size": None, "daily_loss_limit": None, "max_drawdown_pct": None}
COSTS = st.builds(
    Costs,
    commission_per_order=st.sampled_from((0.0, 1.0, 30.0)),
    commission_per_share=st.sampled_from((0.0, 0.005)),
    commission_bps=st.sampled_from((0.0, 7.0)),
    slippage_bps=st.sampled_from((0.0, 5.0)),
)


@st.composite
def cases(draw: st.DrawFn, rules: Any = RULES, costs: Any = COSTS) -> Case:
    bars, signals = draw(bars_and_signals())
    capital = draw(st.sampled_from((50.0, 1_000.0, 10_000.0)))
    return Case(bars, signals, capital, draw(rules), draw(costs))


def all_lots(result: Result) -> list[Trade | OpenPosition]:
    return [*result.trades, *result.open_positions]
