"""What the API answers about optimizer runs: the schemas of optimizer_payload."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from tradedesk.rest.schemas import Schema


class QueuedRun(Schema):
    id: int = Field(examples=[3])
    status: str = Field(examples=["queued"])


class Performance(Schema):
    """One row. Percent where the name says so, win_rate as well; of a search on the sessions that it saw."""

    rank: int = Field(examples=[1])
    candidate_id: int
    strategy_id: int | None = Field(description="Null for a kind with its defaults, and for a deleted strategy.")
    strategy_name: str
    kind: str
    parameters: dict[str, int | float]
    eligible: bool = Field(description="False: too few trades, or no score; such rows stand last.")
    score: float | None
    neighbours_score: float | None = Field(
        description="Of a search: the median score one step around; null until it is gathered."
    )
    total_return_pct: float | None
    sharpe_ratio: float | None
    max_drawdown_pct: float | None
    win_rate: float | None
    num_trades: int | None
    evidence: dict[str, str] | None = Field(
        description="The mark of each line: good, fair, bad or none; null until it is gathered.",
        examples=[{"luck": "fair"}],
    )


class RunInList(Schema):
    id: int
    job: str = Field(examples=["search"])
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
    eta_s: float | None = Field(description="Seconds, by what was needed so far; null when it is not running.")
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunSchema(RunInList):
    rules: dict[str, bool | int | float | None] = Field(description="As asked for: `*_pct` are fractions.")
    costs: dict[str, float]
    grid: dict[str, list[int | float]]
    seed: int
    symbol: str = Field(description="Whose rows these are; `*` for all symbols together.")
    best: Performance | None
    all_performances: list[Performance] = Field(description="The best 500, and while it runs those known so far.")
    provenance: dict[str, Any]
