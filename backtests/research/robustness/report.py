"""The examination: everything that can be known of one result besides its figures, as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from backtests.engine.simulation import Scenario, Simulation
from backtests.research.optimizer.grid import PLACES, Combination, Grid, Range
from backtests.research.optimizer.objectives import Objective, scores
from backtests.research.optimizer.sampling import at_random
from backtests.research.optimizer.sweep import returns_of, sweep
from backtests.research.robustness.deflated_sharpe import moments
from backtests.research.robustness.monte_carlo import PERCENTILE, money, monthly_returns
from backtests.research.robustness.neighbours import around
from backtests.research.robustness.overfitting import informative, overfitting
from backtests.research.robustness.walk_forward import HELD_BACK, WalkForward, out_of_sample, walk_forward
from strategies.checks import Check, check_no_look_ahead, check_warmup
from strategies.kinds.base import Kind
from tradedesk.core.bars import Floats, session_dates
from tradedesk.core.metrics import calendar_days, session_returns

Report = dict[str, Any]

# Fixed, so that the evidence says the same twice.
SEED = 7
# So many combinations are compared: of what a kind would search, and of a search that was.
SAMPLE, SEARCH_SAMPLE = 200, 1000
# Bars that the proofs are tried on, the warm-up on top.
CHECK_BARS = 1500
BINS = 24
# Of the equity that is stitched out of sample so many points are kept: more than a page has pixels for.
MAX_POINTS = 240


class HoldoutStatus(StrEnum):
    """Who has seen the last sessions of a result before it was judged by them."""

    OWN = "own"  # whoever ran it, and what the ledger knows of others
    HELD_BACK = "held_back"  # not the search that it comes from
    SEARCHED = "searched"
    RANKED = "ranked"


@dataclass(frozen=True, slots=True)
class Selection:
    """How a result was chosen. held_back: the last part of the sessions, which is compared with those before it.
    objective, weights: what its search or ranking went by."""

    holdout_status: HoldoutStatus = HoldoutStatus.OWN
    held_back: float = HELD_BACK
    objective: Objective = Objective.SHARPE
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What the search that a result comes from looks like as a whole: findings "overfitting" and
    "walk_forward".
    """

    report: Report


def search_context_of(
    scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], most: int = SAMPLE
) -> SearchContext:
    """ranges: (low, high, step) of the parameters that were or would be searched; the others are the kind's own.
    The returns of up to `most` combinations are compared, drawn by seed alone, all where there are not more. The
    kind itself is among them only if it is drawn: the best of a search, put there by hand, would win by hindsight.
    """
    if not ranges:
        return SearchContext({"overfitting": None, "walk_forward": None, "sample": 0, "informative": 0})
    grid = Grid.of(type(kind), ranges, kind.parameters)
    sample = [combination for _, combination in at_random(type(kind), grid, SEED, 0, most, most)]
    returns = returns_of(scenario, type(kind), sample)
    fitted, walked = overfitting(returns, SEED), walk_forward(returns)
    return SearchContext(
        {
            "sample": len(sample),
            "informative": informative(returns).shape[1],
            "overfitting": fitted
            and {
                "probability": fitted.probability,
                "splits": len(fitted.logits),
                "columns": fitted.columns,
                "logits": _histogram(fitted.logits),
            },
            "walk_forward": walked and _walked(scenario, walked, sample),
        }
    )


def _walked(scenario: Scenario, walked: WalkForward, sample: list[Combination]) -> Report:
    """The folds with what they chose and from which day to which they traded it; equity: growth of one dollar."""
    days = _days(scenario)
    equity = np.concatenate(([1.0], np.cumprod(1.0 + walked.returns)))
    kept = np.unique(np.linspace(0, len(equity) - 1, min(len(equity), MAX_POINTS)).round().astype(int))
    return {
        "sharpe": walked.sharpe,
        "efficiency": walked.efficiency,
        "folds": [
            asdict(fold)
            | {
                "parameters": sample[fold.column],
                "from": days[fold.first],
                "to": days[fold.last - 1],
            }
            for fold in walked.folds
        ],
        "equity": equity[kept].tolist(),
    }


def build_report(
    scenario: Scenario,
    kind: Kind,
    ranges: Mapping[str, Range],
    search_context: SearchContext,
    selection: Selection | None = None,
) -> Report:
    """The findings of a kind over the whole period of the scenario, for `lines` and for the page of the evidence.
    selection: None for a result that was not chosen among others."""
    selection = selection or Selection()
    done = scenario.simulate(kind)
    returns = session_returns(done.result.equity[scenario.sessions.ends], scenario.capital)
    shape = moments(returns)
    doubled = replace(scenario, costs=scenario.costs.doubled()).simulate(kind)
    return search_context.report | {
        "total_return": done.metrics.total_return,
        "sharpe": done.metrics.sharpe,
        "moments": shape and asdict(shape),
        "out_of_sample": _apart(scenario, returns, selection),
        "neighbours": _neighbours(scenario, kind, ranges, selection),
        "monte_carlo": _money(scenario, done),
        "costs": {"total_return": doubled.metrics.total_return, "assumed": scenario.costs.is_free},
        "trades": done.metrics.trades,
        "open": len(done.result.held),
        "checks": _checks(scenario, kind),
    }


def _apart(scenario: Scenario, returns: Floats, selection: Selection) -> Report | None:
    """from: the day on which the part begins that is held back."""
    days = _days(scenario)
    # A lost account returns nothing more: without these sessions the last part would be that of its life.
    whole = np.append(returns, np.zeros(len(days) - len(returns)))
    found = out_of_sample(whole, selection.held_back)
    if found is None:
        return None
    return asdict(found) | {
        "part": selection.held_back,
        "from": days[found.first],
        "holdout_status": selection.holdout_status.value,
    }


def _neighbours(
    scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], selection: Selection
) -> Report | None:
    """The median score one step around; the steps are those of the search, the score is the one it went by."""
    params = type(kind).params()
    # As a grid writes them, so that the middle of three stands exactly where the kind stands.
    parameters = {name: round(value, PLACES) for name, value in kind.parameters.items()}
    steps: dict[str, Range] = {}
    for name, (_, _, step) in ranges.items():
        value, bounds = parameters[name], params[name]
        low = value - step if value - step >= bounds.low else value
        high = value + step if value + step <= bounds.high else value
        steps[name] = (low, high, step)
    if not steps:
        return None
    grid = Grid.of(type(kind), steps, parameters)
    near = [combination for _, combination in around(type(kind), grid, grid.number_of(parameters))]
    if not near:
        return None
    found = scores(sweep(scenario, type(kind), [kind.parameters, *near]), selection.objective, selection.weights)
    own, *others = [score if np.isfinite(score) else None for score in found.tolist()]
    known = [score for score in others if score is not None]
    return {
        "median": float(np.median(known)) if known else None,
        "own": own,
        "objective": selection.objective.value,
        "around": [{"parameters": each, "score": score} for each, score in zip(near, others, strict=True)],
    }


def _money(scenario: Scenario, done: Simulation) -> Report | None:
    """The worse of what the closed trades, drawn again, and the equity as it went say; None for nothing bought.
    size: the median part of the equity that an entry took."""
    result, lots = done.result, np.concatenate((done.result.closed, done.result.held))
    if not len(lots):
        return None
    before = np.append(scenario.capital, result.equity)
    alive = before[lots["entry_row"]] > 0.0
    sizes = (lots["quantity"] * lots["entry_price"])[alive] / before[lots["entry_row"]][alive]
    held = before[result.closed["entry_row"]]
    returns = result.closed["pnl"] / np.where(held > 0.0, held, np.inf)
    drawn = money(returns, calendar_days(result.time), SEED)
    month = float(np.percentile(monthly_returns(result.time, result.equity, scenario.capital), PERCENTILE))
    deepest = done.metrics.max_drawdown
    return {
        "month": min(month, drawn.month) if drawn else month,
        "drawdown": max(deepest, drawn.drawdown) if drawn else deepest,
        "size": float(np.median(sizes)) if len(sizes) else None,
        "realised": {"month": month, "drawdown": deepest},
        "drawn": drawn
        and asdict(drawn) | {"months": _histogram(drawn.months), "drawdowns": _histogram(drawn.drawdowns)},
    }


def _checks(scenario: Scenario, kind: Kind) -> Report:
    keep = CHECK_BARS + kind.warmup()
    symbols = scenario.bars if kind.across_symbols else dict(list(scenario.bars.items())[:1])
    bars = {symbol: own[-keep:] for symbol, own in symbols.items()}
    return {
        "look_ahead": _check(check_no_look_ahead(kind, bars, SEED)),
        "warmup": _check(check_warmup(kind, bars, SEED)),
    }


def _check(proof: Check) -> Report:
    return {
        "passed": proof.passed,
        "bars": proof.bars,
        "checked": proof.checked,
        "message": proof.message,
        "tried": proof.checked > 0,
    }


def _days(scenario: Scenario) -> list[str]:
    """The sessions of the period."""
    time = scenario.benchmark.time
    days: list[str] = np.datetime_as_string(session_dates(time[scenario.sessions.ends])).tolist()
    return days


def _histogram(values: Floats) -> dict[str, list[float]]:
    counts, edges = np.histogram(values, BINS)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
