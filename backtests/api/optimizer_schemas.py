"""Optimizer runs as JSON, in the API's names: percent in results, fractions in rules."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AliasPath, Field

from backtests.api.backtest_schemas import Rules
from backtests.models import OptimizerRun
from backtests.reports.scorecard import scorecards
from backtests.research.robustness.scorecard import Rating
from backtests.services.optimizer import ranked, time_left
from tradedesk.rest.schemas import EmptyAsNull, Percent, Schema


class CandidateSchema(Schema):
    """One row of the leaderboard. `*_pct` and win_rate are percent; the figures of a search are in sample."""

    rank: int = Field(examples=[1])
    candidate_id: int = Field(validation_alias="pk")
    strategy_id: int | None = Field(
        description="Null for a kind with its default parameters and for a deleted strategy."
    )
    strategy_name: str = Field(validation_alias="name")
    kind: str
    parameters: dict[str, int | float]
    eligible: bool = Field(description="False: too few trades or no score. These rows rank below all others.")
    score: float | None
    neighbours_score: float | None = Field(
        description="For a search, the median score of the combinations one step away; null until computed.",
    )
    total_return_pct: Percent | None = Field(None, validation_alias=AliasPath("figures", "total_return"))
    sharpe_ratio: float | None = Field(None, validation_alias=AliasPath("figures", "sharpe"))
    max_drawdown_pct: Percent | None = Field(None, validation_alias=AliasPath("figures", "max_drawdown"))
    win_rate: Percent | None = Field(None, validation_alias=AliasPath("figures", "win_rate"))
    num_trades: int | None = Field(None, validation_alias=AliasPath("figures", "trades"))
    evidence: Annotated[dict[str, Rating] | None, EmptyAsNull] = Field(
        description="The rating of each line of evidence; null until computed.",
        examples=[{"deflated_sharpe": "caution"}],
    )


class RunSummarySchema(Schema):
    id: int
    job: str = Field(description="search or rank.", examples=["search"])
    strategy_id: int | None
    strategy_name: str
    symbols: list[str]
    timeframe: str
    start_date: date
    end_date: date
    initial_capital: float
    method: str = Field(description="grid, random or tpe; empty for a ranking.")
    objective: str
    min_trades: int
    holdout: float
    combinations: int
    done: int
    status: str = Field(description="queued, running, paused, completed, failed or cancelled.")
    progress: int = Field(description="0 to 100.")
    eta_s: float | None = Field(
        description="Estimated seconds to completion; null before the first results and when not running."
    )
    error: Annotated[str | None, EmptyAsNull]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunSchema(RunSummarySchema):
    rules: Rules = Field(description="As in the request: `*_pct` are fractions.")
    costs: dict[str, float]
    grid: dict[str, list[int | float]]
    seed: int
    symbol: str = Field(description="The universe of these rows: a symbol, or `*` for all symbols together.")
    best: CandidateSchema | None = Field(description="The first row, if it is eligible.")
    all_performances: list[CandidateSchema] = Field(
        description="The best 500 rows; while the run is in progress, the best rows so far."
    )
    provenance: dict[str, Any] = Field(
        description="The code and the bars, as of a backtest; a ranking has kind_codes, the code of each kind."
    )


def run_summary(run: OptimizerRun) -> RunSummarySchema:
    """The run without its rows: no query."""
    return RunSummarySchema.of(run, eta_s=time_left(run))


def with_candidates(run: OptimizerRun, universe: str) -> RunSchema:
    """The run with the rows of one universe: two queries."""
    candidates = list(ranked(run, universe))
    known = scorecards(run.user, candidates)
    rows = [
        CandidateSchema.of(candidate, evidence={line.key: line.rating for line in known[candidate.pk].lines})
        for candidate in candidates
    ]
    best = rows[0] if rows and rows[0].eligible else None
    return RunSchema.of(run, eta_s=time_left(run), symbol=universe, best=best, all_performances=rows)
