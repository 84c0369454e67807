"""Against holding: a result beside a benchmark that is bought and held, and the sessions' difference of both."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.research.robustness.deflated_sharpe import moments
from tradedesk.core.bars import Bars, Floats, session_dates
from tradedesk.core.metrics import Metrics, measure, session_returns, sharpe_ratio


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """symbols: what is held. chosen: by the trader, in place of the result's own symbols. equity (k,): dollars at
    the end of each session of the result. metrics: of the benchmark's own bars."""

    symbols: list[str]
    chosen: bool
    equity: Floats
    metrics: Metrics


def own_symbols_held(scenario: Scenario) -> Benchmark:
    """The benchmark of a result for which the trader chose no symbol: its own symbols."""
    held = scenario.benchmark
    metrics = measure(held.time, held.equity, capital=scenario.capital)
    return Benchmark(list(scenario.matrix.symbols), False, held.equity[scenario.sessions.ends], metrics)


def symbol_held(scenario: Scenario, symbol: str, bars: Bars) -> Benchmark:
    """One symbol held over the sessions of the scenario, with its capital, rules and costs. Before the first bar
    of the symbol the equity is the capital; a session without a bar has the equity of the one before."""
    time = scenario.benchmark.time
    until = bars[: int(np.searchsorted(bars.time, time[-1], "right"))] if len(time) else bars[:0]
    alone = prepare_scenario(
        {symbol: until},
        capital=scenario.capital,
        rules=scenario.rules,
        costs=scenario.costs,
        start=scenario.start,
    )
    held, ends = alone.benchmark, alone.sessions.ends
    known = session_dates(held.time[ends])
    place = np.searchsorted(known, session_dates(time[scenario.sessions.ends]), "right")
    equity = np.concatenate(([scenario.capital], held.equity[ends]))[place]
    return Benchmark([symbol], True, equity, measure(held.time, held.equity, capital=scenario.capital))


def against_holding(returns: Floats, metrics: Metrics, benchmark: Benchmark, capital: float) -> dict[str, Any]:
    """returns (k,), metrics: of the result, 0 after the account went to zero. moments: of the differences between
    its session returns and the benchmark's; None when they do not vary, as for holding itself. lost: both the
    return and the Sharpe ratio per session, which short periods have too, are below the benchmark's; that of a
    result that never traded is 0."""
    held = session_returns(benchmark.equity, capital)
    held = np.append(held, np.zeros(len(returns) - len(held)))
    difference = moments(returns - held)
    own_sharpe, its_sharpe = (sharpe_ratio(each, 0.0, 1.0) or 0.0 for each in (returns, held))
    return {
        "symbols": benchmark.symbols,
        "chosen": benchmark.chosen,
        "moments": difference and asdict(difference),
        "lost": metrics.total_return < benchmark.metrics.total_return and own_sharpe < its_sharpe,
        "result": _figures(metrics),
        "benchmark": _figures(benchmark.metrics),
    }


def _figures(metrics: Metrics) -> dict[str, float | None]:
    """Fractions; sharpe: annual, None over too few days for a year."""
    return {
        "total_return": metrics.total_return,
        "max_drawdown": metrics.max_drawdown,
        "sharpe": metrics.sharpe,
    }
