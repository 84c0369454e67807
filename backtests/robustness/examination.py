"""The examination: everything that can be known of one result besides its figures, as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from backtests.optimizer.choice import at_random
from backtests.optimizer.grid import PLACES, Combination, Grid, Range
from backtests.optimizer.sweep import returns_of, sweep
from backtests.results import Result
from backtests.robustness.luck import moments
from backtests.robustness.money import money
from backtests.robustness.neighbours import around
from backtests.robustness.overfitting import overfitting
from backtests.robustness.walk_forward import IN_SAMPLE, WalkForward, out_of_sample, walk_forward
from backtests.simulation import Scenario
from strategies.kinds.base import Kind
from strategies.proofs import Proof, prove_no_look_ahead, prove_warmup
from tradedesk.core.bars import Floats, session_dates
from tradedesk.core.metrics import calendar_days, session_ends, session_returns

Findings = dict[str, Any]

# Fixed, so that the evidence says the same twice.
SEED = 7
# So many combinations are compared, the own one included: of what a kind would search, and of a search that was.
FAMILY, SEARCH_FAMILY = 200, 1000
# Bars that the proofs are tried on, the warm-up on top.
PROOF_BARS = 1500
BINS = 24
# Of the equity that is stitched out of sample so many points are kept: more than a page has pixels for.
MOST_POINTS = 240


@dataclass(frozen=True, slots=True)
class Relatives:
    """What the search that a result comes from looks like as a whole: findings "overfitting" and
    "walk_forward".
    """

    findings: Findings


def relatives_of(scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], most: int = FAMILY) -> Relatives:
    """ranges: (low, high, step) of the parameters that were or would be searched; the others are the kind's own.
    The returns of up to `most` combinations, drawn by seed, and of the kind itself are compared."""
    if not ranges:
        return Relatives({"overfitting": None, "walk_forward": None, "family": 0})
    grid = Grid.of(type(kind), ranges, kind.parameters)
    drawn = [combination for _, combination in at_random(type(kind), grid, SEED, 0, most - 1, most - 1)]
    family = [kind.parameters, *(each for each in drawn if each != kind.parameters)]
    returns = returns_of(scenario, type(kind), family)
    fitted, walked = overfitting(returns, SEED), walk_forward(returns)
    return Relatives(
        {
            "family": len(family),
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
    time = scenario.benchmark.time
    days = np.datetime_as_string(session_dates(time[session_ends(time)]))
    equity = np.concatenate(([1.0], np.cumprod(1.0 + walked.returns)))
    kept = np.unique(np.linspace(0, len(equity) - 1, min(len(equity), MOST_POINTS)).round().astype(int))
    return {
        "sharpe": walked.sharpe,
        "efficiency": walked.efficiency,
        "folds": [
            asdict(fold)
            | {
                "parameters": family[fold.column],
                "from": str(days[fold.first]),
                "to": str(days[fold.last - 1]),
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
    held_back: float = 1.0 - IN_SAMPLE,
) -> Findings:
    """The findings of a kind over the whole period of the scenario, for `lines` and for the page of the evidence.

    held_back: the last part of the sessions, which is compared with those before it.
    """
    done = scenario.simulate(kind)
    result = done.result
    returns = session_returns(result.equity[session_ends(result.time)], scenario.capital)
    shape, apart = moments(returns), out_of_sample(returns, 1.0 - held_back)
    drawn = money(_trade_returns(result, scenario.capital), calendar_days(result.time), SEED)
    doubled = replace(scenario, costs=scenario.costs.doubled()).simulate(kind)
    return relatives.findings | {
        "total_return": done.metrics.total_return,
        "sharpe": done.metrics.sharpe,
        "moments": shape and asdict(shape),
        "out_of_sample": apart and asdict(apart) | {"part": held_back},
        "neighbours": _neighbours(scenario, kind, ranges, done.metrics.sharpe),
        "money": drawn
        and asdict(drawn) | {"months": _histogram(drawn.months), "drawdowns": _histogram(drawn.drawdowns)},
        "costs": {"total_return": doubled.metrics.total_return, "assumed": scenario.costs.is_free},
        "trades": done.metrics.trades,
        "proofs": _proofs(scenario, kind),
    }


def _neighbours(scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], own: float | None) -> Findings | None:
    """The median Sharpe ratio one step around; the steps are those of the search."""
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
    sharpes = sweep(scenario, type(kind), near)["sharpe"]
    known = sharpes[np.isfinite(sharpes)]
    return {
        "median": float(np.median(known)) if len(known) else None,
        "own": own,
        "around": [
            {"parameters": each, "sharpe": float(sharpe) if np.isfinite(sharpe) else None}
            for each, sharpe in zip(near, sharpes.tolist(), strict=True)
        ],
    }


def _trade_returns(result: Result, capital: float) -> Floats:
    """What each closed trade did to the equity that stood before it, as a fraction (k,)."""
    lots = result.closed
    before = np.concatenate(([capital], result.equity))[lots["entry_row"]]
    returns: Floats = lots["pnl"] / np.where(before > 0.0, before, np.inf)
    return returns


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


def _histogram(values: Floats) -> dict[str, list[float]]:
    counts, edges = np.histogram(values, BINS)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
