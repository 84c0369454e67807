"""The universes of a run: each symbol by itself, and all symbols together."""

from collections.abc import Collection, Mapping, Sequence
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
from tradedesk.marketdata.sessions import daily_time


@dataclass(frozen=True, slots=True)
class Universe:
    """key: as stored in chunks and candidates. label: for the tab of the page."""

    key: str
    label: str


def universes_of(run: OptimizerRun) -> list[Universe]:
    """In the order of the tabs; none without symbols, as in a form that is not complete."""
    together = f"All {len(run.symbols)} symbols" if len(run.symbols) > 1 else f"{''.join(run.symbols)} only"
    keys = universe_keys(run.symbols, kinds_of(run), run.scope)
    return [Universe(key, together if key == ALL_SYMBOLS else key) for key in keys]


def universe_keys(symbols: Sequence[str], kind_keys: Collection[str], scope: str) -> list[str]:
    """Kinds that rank symbols against each other have all symbols as one universe. The others have each symbol by
    itself, all together as one portfolio, or both, by the scope; one symbol alone is no portfolio."""
    ranking = [_ranks_symbols(key) for key in kind_keys]
    each = not all(ranking) and (scope != OptimizerRun.Scope.PORTFOLIO or len(symbols) < 2)
    portfolio = not all(ranking) and scope != OptimizerRun.Scope.EACH and len(symbols) > 1
    return (list(symbols) if each else []) + ([ALL_SYMBOLS] if any(ranking) or portfolio else [])


def ranked_strategies_in(run: OptimizerRun, universe: str) -> list[tuple[int, dict[str, Any]]]:
    """The ranked strategies of a ranking in this universe, with their index in `run.ranked_strategies`."""
    return [
        (index, ranked_strategy)
        for index, ranked_strategy in enumerate(run.ranked_strategies)
        if _ranks_symbols(ranked_strategy["kind"]) == (universe == ALL_SYMBOLS)
    ]


def scenario_of(run: OptimizerRun, universe: str, *, whole: bool = False) -> Scenario:
    """The scenario of a universe from its common start: over the in-sample sessions, or with `whole` to the end.

    Raises NoBars, UnusableBars, DamagedBars and InvalidBars, and InputsChanged when the engine's code or the bars
    up to the end of the period have changed since the run was created.
    """
    start, end = daily_time(run.start_on(universe)), run.period[1]
    bars, series = load_usable(run.user_id, run.symbols_of(universe), run.timeframe, end)
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


def _ranks_symbols(key: str) -> bool:
    kind = kinds().get(key)
    return kind is not None and kind.across_symbols
