"""Optimizer runs as JSON, in the API's names: percent in results, fractions in rules."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AliasPath, Field

from backtests.api.backtest_schemas import QueuedSchema, Rules
from backtests.models import OptimizerRun
from backtests.reports.scorecard import scorecards
from backtests.research.robustness.scorecard import Rating
from backtests.services.optimizer import ranked, time_left, warnings_of
from tradedesk.rest.schemas import EmptyAsNull, Percent, Schema


class CandidateSchema(Schema):
    """One row of the leaderboard. `*_pct` and win_rate are percent; the figures of a search are in sample."""

    rank: int | None = Field(examples=[1], description="Null for a row that is not eligible.")
    candidate_id: int = Field(validation_alias="pk")
    strategy_id: int | None = Field(
        description="Null for a kind with its default parameters and for a deleted strategy."
    )
    strategy_name: str = Field(validation_alias="name")
    kind: str
    parameters: dict[str, int | float | str] = Field(validation_alias="named_parameters")
    eligible: bool = Field(description="False: too few trades or no score. These rows rank below all others.")
    score: float | None = Field(
        description="Of the objective; a fraction for cagr. Over less than 90 days ratios are per session and "
        "growth is over the whole period."
    )
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
        examples=[{"chance": "caution"}],
    )


class QueuedRunSchema(QueuedSchema):
    warnings: list[str] = Field(description="About combinations that cannot trade in the period.")


class StartSchema(Schema):
    """Where the rows of a universe begin, so that they are comparable."""

    start: date = Field(description="The first day that is scored, for every row and for the benchmark.")
    warmup: int = Field(description="The longest warm-up that is complete by then, in bars.")
    combinations: int
    left_out: int = Field(description="Combinations whose warm-up is too long to trade in the period.")


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
    compare_with: Annotated[str | None, EmptyAsNull] = Field(
        description="The symbol that the evidence compares with. Null: the tested symbols, bought and held."
    )
    method: str = Field(description="grid, random or tpe; empty for a ranking.")
    scope: str = Field(description="each, portfolio or both: how a search uses several symbols.")
    trials: int | None = Field(description="The number of trials of a random or tpe search; null for the others.")
    objective: str
    weights: dict[str, float] = Field(description="Of objective weighted; empty for the others.")
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
    grid: dict[str, list[int | float | str]] = Field(
        validation_alias="named_grid", description="[low, high, step] of each parameter that varies."
    )
    starts: dict[str, StartSchema] = Field(description="By universe: where its rows begin.")
    warnings: list[str] = Field(description="About combinations that cannot trade in the period.")
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
    """The run with the rows of one universe: three queries."""
    candidates = list(ranked(run, universe))
    known = scorecards(run.user, candidates)
    rows = [
        CandidateSchema.of(
            candidate,
            evidence={line.key: line.rating for line in known[candidate.pk].lines},
            **({} if candidate.eligible else {"rank": None}),
        )
        for candidate in candidates
    ]
    best = rows[0] if rows and rows[0].eligible else None
    return RunSchema.of(
        run,
        eta_s=time_left(run),
        symbol=universe,
        best=best,
        all_performances=rows,
        warnings=warnings_of(run),
    )
