"""The universes of a run: each symbol by itself, and all symbols together for kinds that rank symbols."""

from dataclasses import dataclass
from typing import Any

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.models import ALL_SYMBOLS, OptimizerRun
from backtests.provenance import describe, describe_many, differences
from backtests.research.optimizer.holdout import search_end
from backtests.services.bars import load_usable
from backtests.services.failures import InputsChanged
from strategies.kinds import kinds
from tradedesk.marketdata.library import find_series


@dataclass(frozen=True, slots=True)
class Universe:
    """key: as stored in chunks and candidates. label: for the tab of the page."""

    key: str
    label: str


def universes_of(run: OptimizerRun) -> list[Universe]:
    """In the order of the tabs."""
    found = [Universe(symbol, symbol) for symbol in run.symbols] if _has_kinds_for_one_symbol(run) else []
    if _has_kinds_that_rank_symbols(run):
        several = len(run.symbols) > 1
        label = f"All {len(run.symbols)} symbols" if several else f"{run.symbols[0]} only"
        found.append(Universe(ALL_SYMBOLS, label))
    return found


def ranked_strategies_in(run: OptimizerRun, universe: str) -> list[tuple[int, dict[str, Any]]]:
    """The ranked strategies of a ranking in this universe, with their index in `run.ranked_strategies`."""
    return [
        (index, ranked_strategy)
        for index, ranked_strategy in enumerate(run.ranked_strategies)
        if _ranks_symbols(ranked_strategy["kind"]) == (universe == ALL_SYMBOLS)
    ]


def scenario_of(run: OptimizerRun, universe: str, *, whole: bool = False) -> Scenario:
    """The scenario of a universe: over the in-sample sessions, or with `whole` over the whole period.

    Raises NoBars, UnusableBars, DamagedBars and InvalidBars.
    """
    bars, _ = load_usable(run.symbols_of(universe), run.timeframe)
    start, end = run.period
    until = end if whole else search_end(bars, start, end, run.holdout)
    return prepare_scenario(
        bars,
        capital=float(run.initial_capital),
        rules=run.rules_on(universe),
        costs=run.cost_rules(),
        start=start,
        end=until,
    )


def require_unchanged_inputs(run: OptimizerRun) -> None:
    """Raises InputsChanged when the code or the bars have changed since the run was created: its chunks would not
    be comparable."""
    keys = {str(key) for key in _kinds_of(run)}
    if missing := sorted(keys - kinds().keys()):
        raise InputsChanged(f"The strategy kind “{missing[0]}” is no longer installed.")
    series = find_series(run.symbols, run.timeframe)
    today = describe(run.kind, series) if run.is_search else describe_many(keys, series)
    if changed := differences(run.provenance, today):
        raise InputsChanged(f"Since this run was created, {' and '.join(changed)} changed. Start it again.")


def _has_kinds_for_one_symbol(run: OptimizerRun) -> bool:
    return not all(_ranks_symbols(key) for key in _kinds_of(run))


def _has_kinds_that_rank_symbols(run: OptimizerRun) -> bool:
    return any(_ranks_symbols(key) for key in _kinds_of(run))


def _kinds_of(run: OptimizerRun) -> list[str]:
    return [run.kind] if run.is_search else [ranked_strategy["kind"] for ranked_strategy in run.ranked_strategies]


def _ranks_symbols(key: object) -> bool:
    kind = kinds().get(str(key))
    return kind is not None and kind.across_symbols
