"""The universes of a run: each symbol on its own, and all of them together for kinds that rank symbols."""

from dataclasses import dataclass
from typing import Any

from backtests.engine.simulation import Scenario, prepare
from backtests.models import ALL_SYMBOLS, OptimizerRun
from backtests.provenance import describe, describe_many, differences
from backtests.research.optimizer.holdout import search_end
from backtests.services.bars import load_usable
from backtests.services.failures import ChangedMeanwhile
from strategies.kinds import kinds
from tradedesk.marketdata.library import find_series


@dataclass(frozen=True, slots=True)
class Universe:
    """key: what chunks and candidates are stored under. label: the tab's."""

    key: str
    label: str


def universes_of(run: OptimizerRun) -> list[Universe]:
    """In the order of the tabs."""
    found = [Universe(symbol, symbol) for symbol in run.symbols] if _alone(run) else []
    if _together(run):
        several = len(run.symbols) > 1
        label = f"All {len(run.symbols)} together" if several else f"{run.symbols[0]}, as the only one"
        found.append(Universe(ALL_SYMBOLS, label))
    return found


def candidate_strategies_in(run: OptimizerRun, universe: str) -> list[tuple[int, dict[str, Any]]]:
    """Of a ranking: who takes part in this universe, with the place in `run.candidate_strategies`."""
    return [
        (place, candidate_strategy)
        for place, candidate_strategy in enumerate(run.candidate_strategies)
        if _ranks_symbols(candidate_strategy["kind"]) == (universe == ALL_SYMBOLS)
    ]


def scenario_of(run: OptimizerRun, universe: str, *, whole: bool = False) -> Scenario:
    """What a combination is tried on: the sessions that the run sees, or the whole period.

    Raises NoBars, UnusableBars, DamagedBars and InvalidBars.
    """
    bars, _ = load_usable(run.symbols_of(universe), run.timeframe)
    start, end = run.period
    until = end if whole else search_end(bars, start, end, run.holdout)
    return prepare(
        bars,
        capital=float(run.initial_capital),
        rules=run.rules_on(universe),
        costs=run.cost_rules(),
        start=start,
        end=until,
    )


def refuse_changes(run: OptimizerRun) -> None:
    """Raises ChangedMeanwhile when code or bars are not those that the run was created on: its parts would not
    belong together, and nobody could run it again."""
    keys = {str(key) for key in _kinds_of(run)}
    if gone := sorted(keys - kinds().keys()):
        raise ChangedMeanwhile(f"The strategy kind “{gone[0]}” is no longer installed.")
    series = find_series(run.symbols, run.timeframe)
    today = describe(run.kind, series) if run.is_search else describe_many(keys, series)
    if changed := differences(run.provenance, today):
        raise ChangedMeanwhile(f"Since this run was created, {' and '.join(changed)} changed. Start it again.")


def _alone(run: OptimizerRun) -> bool:
    return not all(_ranks_symbols(key) for key in _kinds_of(run))


def _together(run: OptimizerRun) -> bool:
    return any(_ranks_symbols(key) for key in _kinds_of(run))


def _kinds_of(run: OptimizerRun) -> list[str]:
    return (
        [run.kind]
        if run.is_search
        else [candidate_strategy["kind"] for candidate_strategy in run.candidate_strategies]
    )


def _ranks_symbols(key: object) -> bool:
    kind = kinds().get(str(key))
    return kind is not None and kind.across_symbols
