"""The desk's own engine. Every backtest gives the trades and all metrics, beside buying and holding."""

from collections.abc import Sequence

from backtests.optimizer.sweep import sweep as sweep_of
from backtests.simulation import prepare, simulate
from bench.task import CAPITAL, COMMISSION, PART, SYMBOL, Outcome
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.samples import sample_bars

BARS = {SYMBOL: sample_bars(SYMBOL)}
RULES = RiskRules(position_size_pct=PART, stop_loss_pct=0.99)
COSTS = Costs(commission_bps=COMMISSION * 1e4)


def one(fast: int, slow: int) -> Outcome:
    """The whole call that a backtest page makes, the trades as records included."""
    done = simulate(SmaCrossover(fast=fast, slow=slow), BARS, capital=CAPITAL, rules=RULES, costs=COSTS)
    return Outcome(len(done.result.trades) + len(done.result.held), done.metrics.final_equity)


def sweep(pairs: Sequence[tuple[int, int]]) -> Outcome:
    """What the optimizer runs, on both cores; the last combination once more, for its trades."""
    scenario = prepare(BARS, capital=CAPITAL, rules=RULES, costs=COSTS)
    combinations = [{"fast": fast, "slow": slow} for fast, slow in pairs]
    figures = sweep_of(scenario, SmaCrossover, combinations, threads=2)
    held = len(scenario.simulate(SmaCrossover(**combinations[-1])).result.held)
    return Outcome(int(figures["trades"][-1]) + held, float(figures["final_equity"][-1]))
