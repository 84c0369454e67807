"""The robustness report of one result, as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from backtests.engine.simulation import Scenario, Simulation
from backtests.research.optimizer.grid import DECIMALS, Grid, Range
from backtests.research.optimizer.objectives import Objective, scores
from backtests.research.optimizer.sampling import random_batch
from backtests.research.optimizer.sweep import returns_of, sweep
from backtests.research.robustness.deflated_sharpe import moments
from backtests.research.robustness.holding import Benchmark, against_holding, own_symbols_held
from backtests.research.robustness.monte_carlo import PERCENTILE, monthly_returns, resample_trades
from backtests.research.robustness.neighbours import neighbours_of
from backtests.research.robustness.overfitting import informative_columns, overfitting
from backtests.research.robustness.walk_forward import HOLDOUT, WalkForward, out_of_sample, walk_forward
from strategies.checks import Check, check_no_look_ahead, check_warmup
from strategies.kinds.base import Kind, named_parameters
from tradedesk.core.bars import Floats, session_dates
from tradedesk.core.declarations import Scope
from tradedesk.core.metrics import calendar_days, session_returns
from tradedesk.core.rules import RiskRules
from tradedesk.core.years import is_yearly, periods_per_year

Report = dict[str, Any]

# Fixed, so that a report can be reproduced.
SEED = 7
# The most combinations compared: of the search ranges of a kind, and of a search.
SAMPLE, SEARCH_SAMPLE = 200, 1000
CHECK_BARS = 1500  # for the checks of the kind, plus the memory of the kind
BINS = 24
MAX_POINTS = 240  # of the walk-forward equity; a page shows no more


class HoldoutStatus(StrEnum):
    """Whether the search or the ranking that a result comes from used the holdout period."""

    # The result comes from neither; the trial registry knows other trials that used the holdout.
    NO_SEARCH = "no_search"
    NOT_USED = "not_used"
    USED_BY_SEARCH = "used_by_search"
    USED_BY_RANKING = "used_by_ranking"


@dataclass(frozen=True, slots=True)
class Selection:
    """How a result was selected. holdout: the last fraction of the sessions, compared with the sessions before it.
    objective, weights: of the search or the ranking."""

    holdout_status: HoldoutStatus = HoldoutStatus.NO_SEARCH
    holdout: float = HOLDOUT
    objective: Objective = Objective.SHARPE
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchContext:
    """The part of the report that all results of one search share: "sample", "informative", "overfitting" and
    "walk_forward".
    """

    report: Report


def search_context_of(
    scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], most: int = SAMPLE
) -> SearchContext:
    """ranges: (low, high, step) of the searched parameters, or of the kind's search ranges; the others are the
    kind's. Compares the returns of `most` random combinations, or of all when there are fewer. The result itself
    is not added: the best of a search would be selected with knowledge of the result.
    """
    if not ranges:
        return SearchContext({"overfitting": None, "walk_forward": None, "sample": 0, "informative": 0})
    grid = Grid.of(type(kind), ranges, kind.parameters)
    sample = [combination for _, combination in random_batch(type(kind), grid, SEED, 0, most, most)]
    shown = [named_parameters(type(kind), each) for each in sample]
    returns = returns_of(scenario, type(kind), sample)
    fitted = overfitting(returns, SEED)
    forward = walk_forward(returns, scenario.days)
    return SearchContext(
        {
            "sample": len(sample),
            "informative": informative_columns(returns).shape[1],
            "overfitting": fitted
            and {
                "probability": fitted.probability,
                "splits": len(fitted.logits),
                "columns": fitted.columns,
                "logits": _histogram(fitted.logits),
            },
            "walk_forward": forward and _walk_forward_report(scenario, forward, shown),
        }
    )


def _walk_forward_report(
    scenario: Scenario, forward: WalkForward, shown: list[dict[str, int | float | str]]
) -> Report:
    """The folds with their combinations and dates; equity: the growth of one dollar."""
    dates = _session_dates(scenario)
    equity = np.concatenate(([1.0], np.cumprod(1.0 + forward.returns)))
    kept = np.unique(np.linspace(0, len(equity) - 1, min(len(equity), MAX_POINTS)).round().astype(int))
    return {
        "sharpe": forward.sharpe,
        "efficiency": forward.efficiency,
        "probability": forward.probability,
        "folds": [
            asdict(fold)
            | {
                "parameters": shown[fold.column],
                "from": dates[fold.first],
                "to": dates[fold.last - 1],
            }
            for fold in forward.folds
        ],
        "equity": equity[kept].tolist(),
    }


def build_report(
    scenario: Scenario,
    kind: Kind,
    ranges: Mapping[str, Range],
    search_context: SearchContext,
    selection: Selection | None = None,
    benchmark: Benchmark | None = None,
    checks: Report | None = None,
) -> Report:
    """The report of a kind over the whole period of the scenario, for the scorecard and the evidence page.
    selection: None for a result that was not selected by a search or a ranking. benchmark: None for the result's
    own symbols. checks: those of the kind, if they are already known."""
    selection = selection or Selection()
    simulation = scenario.simulate(kind)
    returns = session_returns(simulation.result.equity[scenario.sessions.ends], scenario.capital)
    # The returns end when the account went to zero; the sessions after it count too, so that the holdout begins
    # where it would otherwise.
    padded = np.append(returns, np.zeros(len(scenario.sessions.ends) - len(returns)))
    sample_moments = moments(returns)
    doubled = replace(scenario, costs=scenario.costs.doubled()).simulate(kind)
    return search_context.report | {
        "total_return": simulation.metrics.total_return,
        "sharpe": simulation.metrics.sharpe,
        "moments": sample_moments and asdict(sample_moments),
        "per_year": _per_year(scenario),
        "holding": against_holding(
            padded, simulation.metrics, benchmark or own_symbols_held(scenario), scenario.capital
        ),
        "out_of_sample": _out_of_sample_report(scenario, padded, selection),
        "neighbours": _neighbours_report(scenario, kind, ranges, selection),
        "monte_carlo": _monte_carlo_report(scenario, simulation),
        "costs": {"total_return": doubled.metrics.total_return, "assumed": scenario.costs.is_free},
        "trades": simulation.metrics.trades,
        "open": len(simulation.result.held),
        "has_stop": _has_stop(scenario.rules),
        "checks": checks or checks_report(scenario, kind),
    }


def _per_year(scenario: Scenario) -> float | None:
    """The number of sessions in a year; None over too few days for a figure per year."""
    return float(periods_per_year(scenario.days)) if is_yearly(scenario.days) else None


def _out_of_sample_report(scenario: Scenario, returns: Floats, selection: Selection) -> Report | None:
    """from: the first day of the holdout; holdout_fraction: its fraction of the sessions."""
    found = out_of_sample(returns, scenario.days, selection.holdout)
    if found is None:
        return None
    return asdict(found) | {
        "holdout_fraction": selection.holdout,
        "from": _session_dates(scenario)[found.first],
        "holdout_status": selection.holdout_status.value,
    }


def _neighbours_report(
    scenario: Scenario, kind: Kind, ranges: Mapping[str, Range], selection: Selection
) -> Report | None:
    """The median score of the neighbours, with the steps and the objective of the search."""
    params = type(kind).params()
    # Rounded as the values of a grid are, so that the kind's own combination is on the grid.
    parameters = {name: round(value, DECIMALS) for name, value in kind.parameters.items()}
    steps: dict[str, Range] = {}
    for name, (_, _, step) in ranges.items():
        value, bounds = parameters[name], params[name]
        low = value - step if value - step >= bounds.low else value
        high = value + step if value + step <= bounds.high else value
        steps[name] = (low, high, step)
    if not steps:
        return None
    grid = Grid.of(type(kind), steps, parameters)
    near = [combination for _, combination in neighbours_of(type(kind), grid, grid.number_of(parameters))]
    if not near:
        return None
    figures = sweep(scenario, type(kind), [kind.parameters, *near])
    found = scores(figures, selection.objective, selection.weights)
    score, *others = [value if np.isfinite(value) else None for value in found.tolist()]
    known = [value for value in others if value is not None]
    return {
        "median": float(np.median(known)) if known else None,
        "score": score,
        "objective": selection.objective.value,
        "scores": [
            {"parameters": named_parameters(type(kind), each), "score": value}
            for each, value in zip(near, others, strict=True)
        ],
    }


def _monte_carlo_report(scenario: Scenario, simulation: Simulation) -> Report | None:
    """The worse of the resampled closed trades and of the equity curve itself; None without an entry. size: the
    median entry as a fraction of the equity.
    """
    result, lots = simulation.result, np.concatenate((simulation.result.closed, simulation.result.held))
    if not len(lots):
        return None
    equity_before = np.append(scenario.capital, result.equity)  # each row
    at_entry = equity_before[lots["entry_row"]]
    solvent = at_entry > 0.0
    sizes = (lots["quantity"] * lots["entry_price"])[solvent] / at_entry[solvent]
    at_closed_entry = equity_before[result.closed["entry_row"]]
    returns = result.closed["pnl"] / np.where(at_closed_entry > 0.0, at_closed_entry, np.inf)
    bootstrap = resample_trades(returns, calendar_days(result.time), SEED)
    month = float(np.percentile(monthly_returns(result.time, result.equity, scenario.capital), PERCENTILE))
    drawdown = simulation.metrics.max_drawdown
    return {
        "month": min(month, bootstrap.month) if bootstrap else month,
        "drawdown": max(drawdown, bootstrap.drawdown) if bootstrap else drawdown,
        "size": float(np.median(sizes)) if len(sizes) else None,
        "realized": {"month": month, "drawdown": drawdown},
        "bootstrap": bootstrap
        and asdict(bootstrap)
        | {"months": _histogram(bootstrap.months), "drawdowns": _histogram(bootstrap.drawdowns)},
    }


def checks_report(scenario: Scenario, kind: Kind) -> Report:
    keep = CHECK_BARS + kind.memory()
    symbols = scenario.bars if kind.across_symbols else dict(list(scenario.bars.items())[:1])
    bars = {symbol: own[-keep:] for symbol, own in symbols.items()}
    return {
        "look_ahead": _check_report(check_no_look_ahead(kind, bars, SEED)),
        "warmup": _check_report(check_warmup(kind, bars, SEED)),
    }


def _check_report(check: Check) -> Report:
    return {
        "passed": check.passed,
        "bars": check.bars,
        "checked": check.checked,
        "message": check.message,
        "tried": check.checked > 0,
    }


def _has_stop(rules: RiskRules) -> bool:
    """Whether any rule closes a position that falls: a stop loss or a trailing stop."""
    stops = [rule.name for rule in rules.rules() if rule.scope is Scope.EXIT and "stop" in rule.name]
    return any(getattr(rules, name) is not None for name in stops)


def _session_dates(scenario: Scenario) -> list[str]:
    time = scenario.benchmark.time
    dates: list[str] = np.datetime_as_string(session_dates(time[scenario.sessions.ends])).tolist()
    return dates


def _histogram(values: Floats) -> dict[str, list[float]]:
    counts, edges = np.histogram(values, BINS)
    return {"edges": edges.tolist(), "counts": counts.tolist()}
