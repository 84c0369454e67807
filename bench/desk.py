"""The desk's own engine. Every backtest gives the trades and all metrics, beside buying and holding."""

from collections.abc import Sequence

import numpy as np

from backtests.simulation import prepare, simulate
from bench.task import CAPITAL, COMMISSION, PART, SYMBOL, Outcome
from strategies.kinds.averages import simple_average
from strategies.kinds.crossings import crossings
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals
from tradedesk.marketdata.samples import sample_bars

BARS = {SYMBOL: sample_bars(SYMBOL)}
RULES = RiskRules(position_size_pct=PART, stop_loss_pct=0.99)
COSTS = Costs(commission_bps=COMMISSION * 1e4)


def one(fast: int, slow: int) -> Outcome:
    """The whole call that a backtest page makes, the trades as records included."""
    done = simulate(SmaCrossover(fast=fast, slow=slow), BARS, capital=CAPITAL, rules=RULES, costs=COSTS)
    return Outcome(len(done.result.trades) + len(done.result.held), done.metrics.final_equity)


def sweep(pairs: Sequence[tuple[int, int]]) -> Outcome:
    """Each average is computed once; each combination is traded and measured on its own."""
    scenario = prepare(BARS, capital=CAPITAL, rules=RULES, costs=COSTS)
    close = BARS[SYMBOL].close
    averages = {period: simple_average(close, period) for pair in pairs for period in pair}
    certain = np.ones(len(close))
    outcome = Outcome(0, CAPITAL)
    for fast, slow in pairs:
        side = crossings(averages[fast], averages[slow], close)
        done = scenario.evaluate({SYMBOL: Signals(side, certain)})
        outcome = Outcome(done.metrics.trades + len(done.result.held), done.metrics.final_equity)
    return outcome
