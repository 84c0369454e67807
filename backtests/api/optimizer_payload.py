"""An optimizer run as JSON, in the API's names: percent in results, fractions in rules, times in UTC."""

from typing import Any

from backtests.api.backtest_payload import iso
from backtests.models import Candidate, OptimizerRun
from backtests.reports.scorecard import Scorecard, scorecards
from backtests.services.optimizer import ranked, time_left

SHOWN_FIGURES = ("total_return_pct", "sharpe_ratio", "max_drawdown_pct", "win_rate", "num_trades")


def run_payload(run: OptimizerRun, universe: str, *, full: bool) -> dict[str, Any]:
    """The run; full adds what it was made from and the rows of one universe (two queries more)."""
    payload: dict[str, Any] = {
        "id": run.pk,
        "job": run.job,
        "strategy_id": run.strategy_id,
        "strategy_name": run.strategy_name,
        "symbols": run.symbols,
        "timeframe": run.timeframe,
        "start_date": run.start_date.isoformat(),
        "end_date": run.end_date.isoformat(),
        "initial_capital": float(run.initial_capital),
        "method": run.method,
        "objective": run.objective,
        "min_trades": run.min_trades,
        "holdout": run.holdout,
        "combinations": run.combinations,
        "done": run.done,
        "status": run.status,
        "progress": run.progress,
        "eta_s": time_left(run),
        "error": run.error or None,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
    }
    return payload | _results(run, universe) if full else payload


def performance(candidate: Candidate, scorecard: Scorecard) -> dict[str, Any]:
    """One row of `ranked`."""
    return {
        "rank": candidate.rank,  # type: ignore[attr-defined]  # annotated by ranked()
        "candidate_id": candidate.pk,
        "strategy_id": candidate.strategy_id,
        "strategy_name": candidate.name,
        "kind": candidate.kind,
        "parameters": candidate.parameters,
        "eligible": candidate.eligible,
        "score": candidate.score,
        "neighbours_score": candidate.neighbours,
        "evidence": {line.key: line.rating.value for line in scorecard.lines} or None,
        **{name: candidate.figures.get(name) for name in SHOWN_FIGURES},
    }


def _results(run: OptimizerRun, universe: str) -> dict[str, Any]:
    candidates = list(ranked(run, universe))
    known = scorecards(run.user, candidates)
    rows = [performance(candidate, known[candidate.pk]) for candidate in candidates]
    return {
        "rules": run.rules,
        "costs": run.costs,
        "grid": run.grid,
        "seed": run.seed,
        "symbol": universe,
        "best": rows[0] if rows and rows[0]["eligible"] else None,
        "all_performances": rows,
        "provenance": run.provenance,
    }
