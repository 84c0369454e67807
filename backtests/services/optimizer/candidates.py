"""The best rows of a run: kept while results arrive, ranked, opened as a backtest, saved as a strategy."""

from datetime import datetime

import numpy as np
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from backtests.models import Backtest, Candidate, OptimizerRun
from backtests.optimizer.choice import Chosen
from backtests.optimizer.figures import Figures, as_json
from backtests.optimizer.objectives import eligible
from backtests.services.create import snapshot_backtest
from strategies.models import Strategy
from strategies.services import NAME_LENGTH, save_strategy
from tradedesk.core.bars import Floats

KEPT = 500
BEST_FIRST = (F("eligible").desc(), F("score").desc(nulls_last=True), F("number").asc())


def keep_best(run: OptimizerRun, market: str, chosen: Chosen, figures: Figures, score: Floats) -> None:
    """Enter the best rows of a chunk and drop what is no longer among the best of its market. Call it in the
    transaction that ends the chunk, after the run's row is locked."""
    fit = eligible(figures, score, run.min_trades)
    by_rank = np.lexsort((np.where(np.isnan(score), np.inf, -score), ~fit))[:KEPT]
    known = Candidate.objects.filter(run=run, market=market)
    Candidate.objects.bulk_create(
        [
            Candidate(
                run=run,
                market=market,
                number=chosen[place][0],
                eligible=bool(fit[place]),
                score=None if np.isnan(score[place]) else float(score[place]),
                figures=as_json(figures[place]),
                **_identity(run, *chosen[place]),
            )
            for place in by_rank.tolist()
        ],
        ignore_conflicts=True,
    )
    surplus = list(known.order_by(*BEST_FIRST).values_list("pk", flat=True)[KEPT:])
    if surplus:
        known.filter(pk__in=surplus).delete()


def ranked(run: OptimizerRun, market: str) -> QuerySet[Candidate]:
    """The candidates of one market with their `rank`, best first: those that may stand first, then the others."""
    return (
        run.candidates.filter(market=market)
        .select_related("run", "strategy", "evidence")
        .annotate(rank=Window(RowNumber(), order_by=list(BEST_FIRST)))
        .order_by(*BEST_FIRST)
    )


def open_as_backtest(candidate: Candidate, wall_now: datetime) -> Backtest:
    """A backtest of this row over the run's whole period, under the run's rules and costs; enqueued like any."""
    run = candidate.run
    return snapshot_backtest(
        run.user,
        strategy=candidate.strategy,
        candidate=candidate,
        strategy_name=candidate.name,
        kind=candidate.make_kind(),
        symbols=candidate.symbols,
        timeframe=run.timeframe,
        start_date=run.start_date,
        end_date=run.end_date,
        initial_capital=run.initial_capital,
        rules=run.rules_on(candidate.market),
        costs=run.cost_rules(),
        wall_now=wall_now,
    )


def save_as_strategy(candidate: Candidate, name: str = "") -> Strategy:
    """A strategy with this row's parameters and symbols. Raises InvalidStrategy."""
    own = f"{candidate.name} ({candidate.parameter_summary})" if candidate.parameters else candidate.name
    return save_strategy(
        candidate.run.user,
        name=name or own[:NAME_LENGTH],
        kind=candidate.kind,
        parameters=candidate.parameters,
        symbols=candidate.symbols,
        timeframe=candidate.run.timeframe,
    )


def _identity(run: OptimizerRun, number: int, parameters: dict[str, int | float]) -> dict[str, object]:
    if run.is_search:
        return {
            "strategy_id": run.strategy_id,
            "name": run.strategy_name,
            "kind": run.kind,
            "parameters": parameters,
        }
    entrant = run.entrants[number]
    return {key: entrant[key] for key in ("strategy_id", "name", "kind", "parameters")}
