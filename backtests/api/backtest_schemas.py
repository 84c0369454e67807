"""What the API answers about backtests: the schemas of backtest_payload."""

from datetime import date, datetime

from pydantic import Field

from tradedesk.core.fills import ExitReason
from tradedesk.rest.schemas import Schema


class Queued(Schema):
    id: int = Field(examples=[7])
    status: str = Field(examples=["queued"])


class Metrics(Schema):
    """Percent where the name says so, win_rate as well; dollars for final_equity and expectancy.

    Null: not defined, or not computed by the version that ran the backtest.
    """

    total_return_pct: float | None = Field(None, examples=[34.2])
    cagr_pct: float | None = Field(None, examples=[5.0])
    sharpe_ratio: float | None = Field(None, examples=[0.61])
    sortino_ratio: float | None = None
    calmar_ratio: float | None = None
    max_drawdown_pct: float | None = Field(None, description="Above zero.", examples=[23.4])
    max_drawdown_days: int | None = None
    win_rate: float | None = Field(None, description="Percent of the closed trades.", examples=[41.7])
    profit_factor: float | None = None
    expectancy: float | None = Field(None, description="Dollars a closed trade.")
    mean_r_multiple: float | None = None
    exposure_pct: float | None = None
    num_trades: int | None = None
    final_equity: float | None = None
    buy_and_hold_return_pct: float | None = None
    alpha_pct: float | None = None
    beta: float | None = None


class EquityPoint(Schema):
    time: datetime
    equity: float = Field(examples=[100_250.5])


class Trade(Schema):
    """A round trip. Dollars; pnl is what is left after the commissions."""

    symbol: str = Field(examples=["AAPL"])
    shares: float = Field(examples=[12])
    entry_time: datetime
    entry_price: float = Field(examples=[30.5])
    exit_time: datetime | None
    exit_price: float | None = Field(examples=[33.5])
    exit_reason: ExitReason | None
    pnl: float = Field(examples=[36.0])
    return_pct: float | None = Field(description="Of what the shares cost.", examples=[9.8])
    commission: float
    r_multiple: float | None


class ClosedTrade(Trade):
    exit_time: datetime
    exit_price: float
    exit_reason: ExitReason
    return_pct: float


class OpenPosition(Schema):
    """What was still held at the end, marked at the last close."""

    symbol: str
    shares: float
    entry_time: datetime
    entry_price: float
    last_price: float
    stop_price: float
    target_price: float | None
    unrealized_pnl: float
    return_pct: float
    commission: float


class BarsUsed(Schema):
    provider: str
    fingerprint: str = Field(description="SHA-256 of the bars.")
    bars: int | None = Field(None, description="In the period; null until completed.")
    bars_before: int | None = Field(None, description="Before it: they warm the indicators up.")


class Repeats(Schema):
    """The backtest that this one runs again, and the digest that its result had."""

    backtest: int
    result: str


class Provenance(Schema):
    """The code and the bars that a result was made from."""

    version: str
    kind_code: str
    engine_code: str
    data: dict[str, BarsUsed]
    seed: int | None = Field(None, description="Null: no chance is involved.")
    result: str | None = Field(None, description="SHA-256 of all trades and of the equity.")
    repeats: Repeats | None = None


class BacktestInList(Schema):
    id: int
    strategy_id: int | None = Field(description="Null when the strategy has been deleted.")
    strategy_name: str
    kind: str
    parameters: dict[str, int | float]
    symbols: list[str]
    timeframe: str
    start_date: date
    end_date: date
    initial_capital: float
    rules: dict[str, bool | int | float | None] = Field(description="As asked for: `*_pct` are fractions.")
    costs: dict[str, float]
    status: str = Field(description="queued, running, completed, failed or cancelled.", examples=["completed"])
    progress: int = Field(description="0 to 100.")
    stage: str
    error: str | None = Field(description="Why it failed, and what to do.")
    metrics: Metrics | None = Field(description="Null until completed.")
    doubled_costs: Metrics | None = Field(
        description="Of the same signals with every cost doubled; where there are none, at 5 bps slippage."
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class NormalizedPoint(Schema):
    time: datetime
    value: float = Field(description="The capital is 100.", examples=[101.3])


class ComparedBacktest(BacktestInList):
    normalized_equity: list[NormalizedPoint]


class ComparisonSchema(Schema):
    notes: list[str] = Field(description="What to mind when the figures are set against each other.")
    backtests: list[ComparedBacktest] = Field(description="In the order of the ids.")


class BacktestSchema(BacktestInList):
    equity_curve: list[EquityPoint] = Field(description="At the end of each session; empty until completed.")
    trades: list[ClosedTrade]
    open_positions: list[OpenPosition]
    provenance: Provenance
