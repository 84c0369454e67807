"""Running a backtest: from the claim to the stored result."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from backtests.meter import Meter
from backtests.services.attempt import Attempt, RunLost
from backtests.services.bars import load_usable
from backtests.services.failures import EmptyPeriod, reason_of
from backtests.services.record import benchmark_metrics, curve_of, provenance_of, trades_of
from backtests.services.watch import Made, watched
from backtests.simulation import Scenario, Simulation, prepare
from tradedesk.core.signals import Signals

log = logging.getLogger(__name__)

# Of the progress in percent, what the trading of the bars takes.
SPAN = 15


def run_backtest(backtest_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Run a queued backtest and store what came of it; nothing to do when it is not queued any more."""
    attempt = Attempt.claim(backtest_id, wall_clock)
    if attempt is None:
        return
    try:
        try:
            _run(attempt)
        except RunLost:
            raise
        except Exception as error:
            attempt.fail(reason_of(error, "backtest", backtest_id))
    except RunLost:
        log.info("Backtest %s was cancelled or given to another worker", backtest_id)


def _run(attempt: Attempt) -> None:
    backtest = attempt.backtest
    attempt.report("Loading bars", 10)
    kind, rules, costs = backtest.make_kind(), backtest.risk_rules(), backtest.cost_rules()
    capital = float(backtest.initial_capital)
    bars, series = load_usable(backtest.symbols, backtest.timeframe)
    start, end = backtest.period
    scenario = prepare(bars, capital=capital, rules=rules, costs=costs, start=start, end=end)
    if not len(scenario.benchmark.time):
        days = f"{backtest.start_date} to {backtest.end_date}"
        raise EmptyPeriod(f"There are no bars from {days}. Choose a longer period.")
    signals = _stage(attempt, "Computing signals", 30, lambda: kind.signals_by_symbol(scenario.bars))
    simulation = _traded(attempt, "Simulating trades", 60, scenario, signals)
    harder = replace(scenario, costs=costs.doubled())
    at_higher_costs = _traded(attempt, "Simulating higher costs", 75, harder, signals)
    attempt.report("Saving the result", 90)
    trades, curve = trades_of(backtest, simulation.result), curve_of(backtest, simulation)
    attempt.complete(
        trades,
        curve,
        metrics=simulation.metrics.as_json(),
        buy_and_hold=benchmark_metrics(simulation.benchmark, capital).as_json(),
        doubled_costs=at_higher_costs.metrics.as_json(),
        provenance=provenance_of(backtest, series, scenario, trades, curve),
    )


def _traded(
    attempt: Attempt, stage: str, progress: int, scenario: Scenario, signals: dict[str, Signals]
) -> Simulation:
    """The signals traded, told by bars while it lasts. A run that is lost stops the kernel. Raises RunLost."""
    meter = Meter()

    def beat() -> None:
        share = SPAN * meter.done // max(meter.rows, 1)
        try:
            attempt.report(f"{stage}: {meter.done:,} of {meter.rows:,} bars", progress + share)
        except RunLost:
            meter.stop()
            raise

    attempt.report(stage, progress)
    return watched(lambda: scenario.evaluate(signals, meter), beat)


def _stage(attempt: Attempt, stage: str, progress: int, work: Callable[[], Made]) -> Made:
    """Work told as a stage of the run, with signs of life while it lasts."""
    attempt.report(stage, progress)
    return watched(work, lambda: attempt.report(stage, progress))
