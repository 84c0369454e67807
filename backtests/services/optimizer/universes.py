"""The universes of a run: each symbol by itself, and all symbols together for kinds that rank symbols."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from backtests.bars_used import BarsUsed, loaded_bars_used
from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.models import ALL_SYMBOLS, OptimizerRun
from backtests.provenance import changes
from backtests.research.optimizer.holdout import search_end
from backtests.services.bars import load_usable
from backtests.services.failures import InputsChanged
from strategies.kinds import kinds


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

    Raises NoBars, UnusableBars, DamagedBars and InvalidBars, and InputsChanged when the engine's code or the bars
    up to the end of the period have changed since the run was created.
    """
    start, end = run.period
    bars, series = load_usable(run.symbols_of(universe), run.timeframe, end)
    require_unchanged(run, used=loaded_bars_used(bars, series, end))
    until = end if whole else search_end(bars, start, end, run.holdout)
    return prepare_scenario(
        bars,
        capital=float(run.initial_capital),
        rules=run.rules_on(universe),
        costs=run.cost_rules(),
        start=start,
        end=until,
    )


def require_unchanged(
    run: OptimizerRun, kind_keys: Collection[str] = (), used: Mapping[str, BarsUsed] | None = None
) -> None:
    """Raises InputsChanged when the code of the engine or of these kinds, or these bars, differ from those of the
    run: its rows would not be comparable."""
    if missing := sorted(set(kind_keys) - kinds().keys()):
        raise InputsChanged(f"The strategy kind “{missing[0]}” is no longer installed.")
    if changed := changes(run.provenance, kind_keys, used or {}):
        raise InputsChanged(f"Since this run was created, {' and '.join(changed)} changed. Start it again.")


def kinds_of(run: OptimizerRun) -> set[str]:
    """The keys of all kinds in the run."""
    return {run.kind} if run.is_search else {str(each["kind"]) for each in run.ranked_strategies}


def _has_kinds_for_one_symbol(run: OptimizerRun) -> bool:
    return not all(_ranks_symbols(key) for key in kinds_of(run))


def _has_kinds_that_rank_symbols(run: OptimizerRun) -> bool:
    return any(_ranks_symbols(key) for key in kinds_of(run))


def _ranks_symbols(key: str) -> bool:
    kind = kinds().get(key)
    return kind is not None and kind.across_symbols
