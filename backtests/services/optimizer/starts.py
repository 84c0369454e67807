"""The common start of the rows of each universe of a run, and what a trader should know about it before it
starts."""

from collections.abc import Mapping

from backtests.models import OptimizerRun
from backtests.research.optimizer.common_start import FEWEST_SESSIONS, CommonStart, common_start
from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.warmups import Warmups, warmups_of
from backtests.services.optimizer.universes import Universe, ranked_strategies_in, universes_of
from strategies.kinds import kinds, make_kind
from tradedesk.marketdata.library import load_many


def starts_of(run: OptimizerRun, grid: Grid | None) -> dict[str, CommonStart]:
    """By universe. grid: of a search, None for a ranking. Raises NoBars and DamagedBars."""
    bars = load_many(run.user_id, run.symbols, run.timeframe)
    of_search = warmups_of(kinds()[run.kind], grid) if grid else None
    return {
        universe.key: common_start(
            of_search or _warmups_of_ranking(run, universe.key),
            {symbol: bars[symbol] for symbol in run.symbols_of(universe.key)},
            *run.period,
            run.holdout,
        )
        for universe in universes_of(run)
    }


def refusal_of(run: OptimizerRun, starts: Mapping[str, CommonStart]) -> str:
    """Why the run cannot start: no row of any universe can be scored; else ""."""
    if not starts or any(start.can_trade for start in starts.values()):
        return ""
    universe, start = max(starts.items(), key=lambda each: each[1].limit)
    return (
        f"Every warm-up is longer than the bars of the period allow: at most {start.limit:,} bars on "
        f"{', '.join(run.symbols_of(universe))} leave sessions to score ({FEWEST_SESSIONS}, or all of a shorter "
        "period). Choose a longer period or shorter ranges."
    )


def warnings_of(run: OptimizerRun) -> list[str]:
    """A sentence for each universe with rows that cannot trade in the period."""
    return [_warning(run, universe) for universe in universes_of(run) if _left_out(run, universe)]


def _warning(run: OptimizerRun, universe: Universe) -> str:
    stored = run.starts[universe.key]
    noun = "combination" if run.is_search else "strategy"
    plural = "combinations" if run.is_search else "strategies"
    params = kinds()[run.kind].params() if run.kind in kinds() else {}
    values = [
        f"{params[name].label if name in params else name} {low:g}" + (f" to {high:g}" if high != low else "")
        for name, (low, high) in stored["values"].items()
    ]
    names = f" ({', '.join(values)})" if values else ""
    left_out = (
        f"{stored['left_out']:,} of {stored['combinations']:,} {plural if stored['combinations'] > 1 else noun}"
    )
    return (
        f"{universe.label}: {left_out}{names} need more than {stored['limit']:,} bars to warm up: too many "
        "to trade in this period."
    )


def _left_out(run: OptimizerRun, universe: Universe) -> int:
    return int(run.starts.get(universe.key, {}).get("left_out", 0))


def _warmups_of_ranking(run: OptimizerRun, universe: str) -> Warmups:
    counts: dict[int, int] = {}
    for _, each in ranked_strategies_in(run, universe):
        warmup = make_kind(each["kind"], each["parameters"]).warmup()
        counts[warmup] = counts.get(warmup, 0) + 1
    return Warmups(counts)
