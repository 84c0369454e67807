"""The candidates of a run: stored while chunks complete, ranked, opened as a backtest, saved as a strategy."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from backtests.models import Backtest, Candidate, OptimizerRun
from backtests.research.optimizer.figures import Figures, as_dict
from backtests.research.optimizer.objectives import eligible
from backtests.research.optimizer.sampling import Batch
from backtests.services.create import snapshot_backtest
from strategies.models import Strategy
from strategies.services import NAME_LENGTH, save_strategy
from tradedesk.core.bars import Floats

# Candidates that are stored of each universe.
MAX_CANDIDATES = 500
BEST_FIRST = (F("eligible").desc(), F("score").desc(nulls_last=True), F("number").asc())


def lock_existing_strategies(run: OptimizerRun) -> frozenset[int]:
    """Lock those of the run's strategies that still exist, for the rest of the transaction; returns their ids.
    Call it before the run's row is locked: deleting a strategy locks in the same order."""
    strategy_ids = (
        [run.strategy_id]
        if run.is_search
        else [ranked_strategy["strategy_id"] for ranked_strategy in run.ranked_strategies]
    )
    strategies = Strategy.objects.filter(pk__in=[pk for pk in strategy_ids if pk is not None])
    return frozenset(strategies.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def keep_best(
    run: OptimizerRun,
    universe: str,
    batch: Batch,
    figures: Figures,
    score: Floats,
    strategies: Collection[int],
) -> None:
    """Store the best rows of a chunk and delete the candidates that no longer rank among the best of the universe.
    strategies: the ids from `lock_existing_strategies`. Call it in the transaction that completes the chunk, after
    the run's row is locked."""
    fit = eligible(figures, score, run.min_trades)
    numbers = np.array([number for number, _ in batch], np.int64)
    order = np.where(np.isnan(score), -np.inf, score)
    stored = Candidate.objects.filter(run=run, universe=universe)
    last = stored.order_by(*BEST_FIRST).values_list("eligible", "score", "number")[
        MAX_CANDIDATES - 1 : MAX_CANDIDATES
    ]
    by_rank = np.lexsort((numbers, -order, ~fit))[:MAX_CANDIDATES]
    for last_fit, value, number in last:  # only rows that rank before the last stored one can be stored
        least = -np.inf if value is None else value
        before = (order > least) | ((order == least) & (numbers < number))
        by_rank = by_rank[((fit > last_fit) | ((fit == last_fit) & before))[by_rank]]
    Candidate.objects.bulk_create(
        [
            Candidate(
                run=run,
                universe=universe,
                number=batch[place][0],
                eligible=bool(fit[place]),
                score=None if np.isnan(score[place]) else float(score[place]),
                figures=as_dict(figures[place]),
                **_identity(run, batch[place], strategies),
            )
            for place in by_rank.tolist()
        ],
        ignore_conflicts=True,
    )
    surplus = list(stored.order_by(*BEST_FIRST).values_list("pk", flat=True)[MAX_CANDIDATES:])
    if surplus:
        stored.filter(pk__in=surplus).delete()


def ranked(run: OptimizerRun, universe: str) -> QuerySet[Candidate]:
    """The candidates of one universe with their `rank`, best first: the eligible ones, then the others."""
    return (
        run.candidates.filter(universe=universe)
        .select_related("strategy", "evidence")
        .annotate(rank=Window(RowNumber(), order_by=list(BEST_FIRST)))
        .order_by(*BEST_FIRST)
    )


def open_as_backtest(candidate: Candidate, wall_now: datetime) -> Backtest:
    """A backtest of this candidate from the common start of its rows to the end of the run's period, with the
    run's rules and costs; it is enqueued."""
    run = candidate.run
    return snapshot_backtest(
        run.user,
        strategy=candidate.strategy,
        candidate=candidate,
        strategy_name=candidate.title,
        kind=candidate.make_kind(),
        symbols=candidate.symbols,
        timeframe=run.timeframe,
        start_date=run.start_on(candidate.universe),
        end_date=run.end_date,
        initial_capital=run.initial_capital,
        compare_with=run.compare_with,
        rules=run.rules_on(candidate.universe),
        costs=run.cost_rules(),
        wall_now=wall_now,
    )


def save_as_strategy(candidate: Candidate, name: str = "") -> Strategy:
    """A strategy with this candidate's parameters and symbols. Raises InvalidStrategy."""
    return save_strategy(
        candidate.run.user,
        name=name or str(candidate)[:NAME_LENGTH],
        kind=candidate.kind,
        parameters=candidate.parameters,
        symbols=candidate.symbols,
        timeframe=candidate.run.timeframe,
    )


def _identity(
    run: OptimizerRun, numbered: tuple[int, dict[str, int | float]], strategies: Collection[int]
) -> dict[str, Any]:
    number, parameters = numbered
    if run.is_search:
        name, kind, strategy_id = run.strategy_name, run.kind, run.strategy_id
    else:
        name, kind, strategy_id = (run.ranked_strategies[number][key] for key in ("name", "kind", "strategy_id"))
    existing = strategy_id if strategy_id in strategies else None
    return {"strategy_id": existing, "name": name, "kind": kind, "parameters": parameters}
