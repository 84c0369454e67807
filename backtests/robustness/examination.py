"""The examination: everything that can be known of one result besides its figures, as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from backtests.optimizer.choice import at_random
from backtests.optimizer.grid import PLACES, Combination, Grid, Range
from backtests.optimizer.objectives import Objective, scores
from backtests.optimizer.sweep import returns_of, sweep
from backtests.robustness.luck import moments
from backtests.robustness.money import PERCENTILE, money, monthly_returns
from backtests.robustness.neighbours import around
from backtests.robustness.overfitting import overfitting, telling
from backtests.robustness.walk_forward import HELD_BACK, WalkForward, out_of_sample, walk_forward
from backtests.simulation import Scenario, Simulation
from strategies.kinds.base import Kind
from strategies.proofs import Proof, prove_no_look_ahead, prove_warmup
from tradedesk.core.bars import Floats, session_dates
from tradedesk.core.metrics import calendar_days, session_returns

Findings = dict[str, Any]

# Fixed, so that the evidence says the same twice.
SEED = 7
# So many combinations are compared: of what a kind would search, and of a search that was.
FAMILY, SEARCH_FAMILY = 200, 1000
# Bars that the proofs are tried on, the warm-up on top.
PROOF_BARS = 1500
BINS = 24
# Of the equity that is stitched out of sample so many points are kept: more than a page has pixels for.
MOST_POINTS = 240


class Sight(StrEnum):
    """Who has seen the last sessions of a result before it was judged by them."""

    OWN = "own"  # whoever ran it, and what the ledger knows of others
    HELD_BACK = "held_back"  # not the search that it comes from
    SEARCHED = "searched"
    RANKED = "ranked"


@dataclass(frozen=True, slots=True)
class Choice:
    """How a result was chosen. held_back: the last part of the sessions, which is compared with those before it.
    objective, weights: what its search or ranking went by."""

    sight: Sight = Sight.OWN
    held_back: float = HELD_BACK
    objective: Objective = Objective.SHARPE
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Relatives:
    """What the search that a result comes from looks like as a whole: findings "overfitting" and
    "walk_forward".
    """

    findings: Findings


def relatives_of(scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], most: int = FAMILY) -> Relatives:
    """ranges: (low, high, step) of the parameters that were or would be searched; the others are the kind's own.
    The returns of up to `most` combinations are compared, drawn by seed alone, all where there are not more. The
    kind itself is among them only if it is drawn: the best of a search, put there by hand, would win by hindsight.
    """
    if not ranges:
        return Relatives({"overfitting": None, "walk_forward": None, "family": 0, "telling": 0})
    grid = Grid.of(type(kind), ranges, kind.parameters)
    family = [combination for _, combination in at_random(type(kind), grid, SEED, 0, most, most)]
    returns = returns_of(scenario, type(kind), family)
    fitted, walked = overfitting(returns, SEED), walk_forward(returns)
    return Relatives(
        {
            "family": len(family),
            "telling": telling(returns).shape[1],
            "overfitting": fitted
            and {
                "probability": fitted.probability,
                "splits": len(fitted.logits),
                "columns": fitted.columns,
                "logits": _histogram(fitted.logits),
            },
            "walk_forward": walked and _walked(scenario, walked, family),
        }
    )


def _walked(scenario: Scenario, walked: WalkForward, family: list[Combination]) -> Findings:
    """The folds with what they chose and from which day to which they traded it; equity: growth of one dollar."""
    days = _days(scenario)
    equity = np.concatenate(([1.0], np.cumprod(1.0 + walked.returns)))
    kept = np.unique(np.linspace(0, len(equity) - 1, min(len(equity), MOST_POINTS)).round().astype(int))
    return {
        "sharpe": walked.sharpe,
        "efficiency": walked.efficiency,
        "folds": [
            asdict(fold)
            | {
                "parameters": family[fold.column],
                "from": days[fold.first],
                "to": days[fold.last - 1],
            }
            for fold in walked.folds
        ],
        "equity": equity[kept].tolist(),
    }


def examine(
    scenario: Scenario,
    kind: Kind,
    ranges: Mapping[str, Range],
    relatives: Relatives,
    choice: Choice | None = None,
) -> Findings:
    """The findings of a kind over the whole period of the scenario, for `lines` and for the page of the evidence.
    choice: None for a result that was not chosen among others."""
    choice = choice or Choice()
    done = scenario.simulate(kind)
    returns = session_returns(done.result.equity[scenario.sessions.ends], scenario.capital)
    shape = moments(returns)
    doubled = replace(scenario, costs=scenario.costs.doubled()).simulate(kind)
    return relatives.findings | {
        "total_return": done.metrics.total_return,
        "sharpe": done.metrics.sharpe,
        "moments": shape and asdict(shape),
        "out_of_sample": _apart(scenario, returns, choice),
        "neighbours": _neighbours(scenario, kind, ranges, choice),
        "money": _money(scenario, done),
        "costs": {"total_return": doubled.metrics.total_return, "assumed": scenario.costs.is_free},
        "trades": done.metrics.trades,
        "open": len(done.result.held),
        "proofs": _proofs(scenario, kind),
    }


def _apart(scenario: Scenario, returns: Floats, choice: Choice) -> Findings | None:
    """from: the day on which the part begins that is held back."""
    days = _days(scenario)
    # A lost account returns nothing more: without these sessions the last part would be that of its life.
    whole = np.append(returns, np.zeros(len(days) - len(returns)))
    apart = out_of_sample(whole, choice.held_back)
    if apart is None:
        return None
    return asdict(apart) | {
        "part": choice.held_back,
        "from": days[apart.first],
        "sight": choice.sight.value,
    }


def _neighbours(scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], choice: Choice) -> Findings | None:
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
    found = scores(sweep(scenario, type(kind), [kind.parameters, *near]), choice.objective, choice.weights)
    own, *others = [score if np.isfinite(score) else None for score in found.tolist()]
    known = [score for score in others if score is not None]
    return {
        "median": float(np.median(known)) if known else None,
        "own": own,
        "objective": choice.objective.value,
        "around": [{"parameters": each, "score": score} for each, score in zip(near, others, strict=True)],
    }


def _money(scenario: Scenario, done: Simulation) -> Findings | None:
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


def _proofs(scenario: Scenario, kind: Kind) -> Findings:
    keep = PROOF_BARS + kind.warmup()
    symbols = scenario.bars if kind.across_symbols else dict(list(scenario.bars.items())[:1])
    bars = {symbol: own[-keep:] for symbol, own in symbols.items()}
    return {
        "look_ahead": _proof(prove_no_look_ahead(kind, bars, SEED)),
        "warmup": _proof(prove_warmup(kind, bars, SEED)),
    }


def _proof(proof: Proof) -> Findings:
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
