"""The desk's own engine. Every backtest gives the trades and all metrics, beside buying and holding."""

from collections.abc import Sequence
from functools import cache

from backtests.engine.simulation import Scenario, Simulation, prepare, simulate
from backtests.research.optimizer.sweep import sweep as optimizer_sweep
from bench.task import (
    ACCOUNT,
    CAPITAL,
    COMMISSION,
    ONE,
    PART,
    POSITION,
    SLOWER,
    SYMBOL,
    SYMBOLS,
    Outcome,
    Pair,
    daily,
    many,
    minutes,
)
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.core.bars import Bars
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

RULES = RiskRules(position_size_pct=PART, stop_loss_pct=0.99)
COSTS = Costs(commission_bps=COMMISSION * 1e4)
THREADS = 2


def one(fast: int, slow: int) -> Outcome:
    """The whole call that a backtest page makes, the trades as records included."""
    done = whole(daily(), fast, slow)
    return Outcome(len(done.result.trades) + len(done.result.open_positions), done.metrics.final_equity)


def single() -> Outcome:
    return one(*ONE)


def million() -> Outcome:
    """The same call on a million bars; the trades stay in their array, as those of the peers."""
    done = whole(minutes(), *SLOWER)
    return Outcome(len(done.result.closed) + len(done.result.held), done.metrics.final_equity)


def sweep(pairs: Sequence[Pair]) -> Outcome:
    """What the optimizer does."""
    scenario = prepare({SYMBOL: daily()}, capital=CAPITAL, rules=RULES, costs=COSTS)
    combinations = [{"fast": fast, "slow": slow} for fast, slow in pairs]
    last = optimizer_sweep(scenario, SmaCrossover, combinations, threads=THREADS)[-1]
    still_open = scenario.simulate(SmaCrossover(**combinations[-1])).result.held
    return Outcome(int(last["trades"]) + len(still_open), float(last["final_equity"]))


def portfolio() -> Outcome:
    """The engine and the metrics; bars and signals are there."""
    scenario, signals = prepared()
    done = scenario.evaluate(signals)
    return Outcome(len(done.result.closed) + len(done.result.held), done.metrics.final_equity)


def whole(bars: Bars, fast: int, slow: int) -> Simulation:
    kind = SmaCrossover(fast=fast, slow=slow)
    return simulate(kind, {SYMBOL: bars}, capital=CAPITAL, rules=RULES, costs=COSTS)


@cache
def prepared() -> tuple[Scenario, dict[str, Signals]]:
    rules = RiskRules(position_size_pct=1.0, max_position_size=POSITION, max_positions=SYMBOLS, stop_loss_pct=0.99)
    scenario = prepare(many(), capital=ACCOUNT, rules=rules, costs=COSTS)
    return scenario, SmaCrossover(fast=ONE[0], slow=ONE[1]).signals_by_symbol(scenario.bars)
