"""The desk's engine. Every backtest has the trades, all metrics, and the benchmark of buy and hold."""

from collections.abc import Sequence
from functools import cache

from backtests.engine.simulation import Scenario, Simulation, prepare_scenario, simulate
from backtests.research.optimizer.grid import Combination
from backtests.research.optimizer.sweep import sweep as optimizer_sweep
from bench.task import (
    ACCOUNT,
    CAPITAL,
    COMMISSION,
    PAIR,
    PART,
    POSITION,
    SLOWER,
    SYMBOL,
    SYMBOLS,
    Outcome,
    Pair,
    daily,
    many_symbols,
    minutes,
)
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.core.bars import Bars
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

RULES = RiskRules(position_size_pct=PART, stop_loss_pct=0.99)
COSTS = Costs(commission_bps=COMMISSION * 1e4)
THREADS = 2


def run_pair(fast: int, slow: int) -> Outcome:
    """The whole call of a backtest page, with the trades as records."""
    simulation = whole_simulation(daily(), fast, slow)
    return Outcome(
        len(simulation.result.trades) + len(simulation.result.open_positions), simulation.metrics.final_equity
    )


def single() -> Outcome:
    return run_pair(*PAIR)


def million() -> Outcome:
    """The same call on a million bars; the trades stay in their array, as in the other engines."""
    return outcome_of(whole_simulation(minutes(), *SLOWER))


def sweep(pairs: Sequence[Pair]) -> Outcome:
    """The sweep of the optimizer."""
    scenario = prepare_scenario({SYMBOL: daily()}, capital=CAPITAL, rules=RULES, costs=COSTS)
    combinations: list[Combination] = [{"fast": fast, "slow": slow} for fast, slow in pairs]
    last = optimizer_sweep(scenario, SmaCrossover, combinations, threads=THREADS)[-1]
    still_open = scenario.simulate(SmaCrossover(**combinations[-1])).result.held
    return Outcome(int(last["trades"]) + len(still_open), float(last["final_equity"]))


def portfolio() -> Outcome:
    """The engine and the metrics; bars and signals are prepared."""
    scenario, signals = prepare_portfolio()
    return outcome_of(scenario.evaluate(signals))


def outcome_of(simulation: Simulation) -> Outcome:
    result = simulation.result
    return Outcome(len(result.closed) + len(result.held), simulation.metrics.final_equity)


def whole_simulation(bars: Bars, fast: int, slow: int) -> Simulation:
    kind = SmaCrossover(fast=fast, slow=slow)
    return simulate(kind, {SYMBOL: bars}, capital=CAPITAL, rules=RULES, costs=COSTS)


@cache
def prepare_portfolio() -> tuple[Scenario, dict[str, Signals]]:
    rules = RiskRules(position_size_pct=1.0, max_position_size=POSITION, max_positions=SYMBOLS, stop_loss_pct=0.99)
    scenario = prepare_scenario(many_symbols(), capital=ACCOUNT, rules=rules, costs=COSTS)
    return scenario, SmaCrossover(fast=PAIR[0], slow=PAIR[1]).signals_by_symbol(scenario.bars)
