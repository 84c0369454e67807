"""The markets of a run: each symbol on its own, and all of them together for kinds that rank symbols."""

from dataclasses import dataclass
from typing import Any

from backtests.models import TOGETHER, OptimizerRun
from backtests.optimizer.holdout import seen_until
from backtests.provenance import describe, describe_many, differences
from backtests.services.bars import load_usable
from backtests.services.failures import ChangedMeanwhile
from backtests.simulation import Scenario, prepare
from strategies.kinds import kinds
from tradedesk.marketdata.library import find_series


@dataclass(frozen=True, slots=True)
class Market:
    """key: what chunks and candidates are stored under. label: the tab's."""

    key: str
    label: str


def markets_of(run: OptimizerRun) -> list[Market]:
    """In the order of the tabs."""
    found = [Market(symbol, symbol) for symbol in run.symbols] if _alone(run) else []
    if _together(run):
        several = len(run.symbols) > 1
        label = f"All {len(run.symbols)} together" if several else f"{run.symbols[0]}, as the only one"
        found.append(Market(TOGETHER, label))
    return found


def entrants_in(run: OptimizerRun, market: str) -> list[tuple[int, dict[str, Any]]]:
    """Of a ranking: who takes part in this market, with the place in `run.entrants`."""
    return [
        (place, entrant)
        for place, entrant in enumerate(run.entrants)
        if _ranks_symbols(entrant["kind"]) == (market == TOGETHER)
    ]


def scenario_of(run: OptimizerRun, market: str, *, whole: bool = False) -> Scenario:
    """What a combination is tried on: the sessions that the run sees, or the whole period.

    Raises NoBars, UnusableBars, DamagedBars and InvalidBars.
    """
    bars, _ = load_usable(run.symbols_of(market), run.timeframe)
    start, end = run.period
    until = end if whole else seen_until(bars, start, end, run.holdout)
    return prepare(
        bars,
        capital=float(run.initial_capital),
        rules=run.rules_on(market),
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
    return [run.kind] if run.is_search else [entrant["kind"] for entrant in run.entrants]


def _ranks_symbols(key: object) -> bool:
    kind = kinds().get(str(key))
    return kind is not None and kind.across_symbols
