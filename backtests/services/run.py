"""Running a backtest: from the claim to the stored result."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from backtests.bars_used import loaded_bars_used
from backtests.engine.progress import Progress
from backtests.engine.simulation import Scenario, Simulation, prepare_scenario
from backtests.research.robustness.trials import trial_of
from backtests.services.bars import load_usable
from backtests.services.failures import EmptyPeriod, reason_of
from backtests.services.lease import BacktestLease, Computed, LeaseLost, with_heartbeat
from backtests.services.record import buy_and_hold_metrics, completed_provenance, curve_row, trade_rows
from tradedesk.core.signals import Signals

log = logging.getLogger(__name__)

# Percent of the progress bar for one simulation.
SIMULATION_PERCENT = 15


def run_backtest(backtest_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Run a queued backtest and store its result; does nothing when it is no longer queued."""
    lease = BacktestLease.claim(backtest_id, wall_clock)
    if lease is None:
        return
    try:
        try:
            _run(lease)
        except LeaseLost:
            raise
        except Exception as error:
            lease.fail(reason_of(error, "backtest", backtest_id))
    except LeaseLost:
        log.info("Backtest %s was cancelled or given to another worker", backtest_id)


def _run(lease: BacktestLease) -> None:
    backtest = lease.backtest
    lease.report("Loading bars", 10)
    kind, rules, costs = backtest.make_kind(), backtest.risk_rules(), backtest.cost_rules()
    capital = float(backtest.initial_capital)
    start, end = backtest.period
    bars, series = load_usable(backtest.user_id, backtest.symbols, backtest.timeframe, end)
    scenario = prepare_scenario(bars, capital=capital, rules=rules, costs=costs, start=start, end=end)
    if not len(scenario.benchmark.time):
        days = f"{backtest.start_date} to {backtest.end_date}"
        raise EmptyPeriod(f"There are no bars from {days}. Choose a longer period.")
    signals = _run_stage(lease, "Computing signals", 30, lambda: kind.signals_by_symbol(scenario.bars))
    simulation = _simulate(lease, "Simulating trades", 60, scenario, signals)
    costly = replace(scenario, costs=costs.doubled())
    at_doubled_costs = _simulate(lease, "Simulating doubled costs", 75, costly, signals)
    lease.report("Saving the result", 90)
    trades, curve = trade_rows(backtest, simulation.result), curve_row(backtest, simulation)
    lease.complete(
        trades,
        curve,
        trial_of(scenario, simulation),
        metrics=simulation.metrics.as_dict(),
        buy_and_hold=buy_and_hold_metrics(simulation.benchmark, capital).as_dict(),
        doubled_costs=at_doubled_costs.metrics.as_dict(),
        buy_signals=simulation.result.buy_signals,
        provenance=completed_provenance(backtest, loaded_bars_used(bars, series, end), scenario, trades, curve),
    )


def _simulate(
    lease: BacktestLease, stage: str, percent: int, scenario: Scenario, signals: dict[str, Signals]
) -> Simulation:
    """Simulate the trades and report how many bars are done. A lost lease stops the kernel. Raises LeaseLost."""
    progress = Progress()

    def heartbeat() -> None:
        share = SIMULATION_PERCENT * progress.done // max(progress.rows, 1)
        try:
            lease.report(f"{stage}: {progress.done:,} of {progress.rows:,} bars", percent + share)
        except LeaseLost:
            progress.stop()
            raise

    lease.report(stage, percent)
    return with_heartbeat(lambda: scenario.evaluate(signals, progress), heartbeat)


def _run_stage(lease: BacktestLease, stage: str, percent: int, work: Callable[[], Computed]) -> Computed:
    """Run one stage of the backtest with heartbeats. Raises LeaseLost."""
    lease.report(stage, percent)
    return with_heartbeat(work, lambda: lease.report(stage, percent))
