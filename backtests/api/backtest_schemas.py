"""Backtests as JSON, with the mapping from the stored names and fractions to the API's names and percent."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import Field

from backtests.charts.comparison import normalized
from backtests.models import Backtest, BacktestCurve
from backtests.reports.comparison import Comparison
from tradedesk.core.fills import ExitReason
from tradedesk.rest.schemas import EmptyAsNull, Percent, Schema

Rules = dict[str, bool | int | float | None]


class QueuedSchema(Schema):
    id: int = Field(examples=[7])
    status: str = Field(examples=["queued"])


class MetricsSchema(Schema):
    """`*_pct` and win_rate are percent, final_equity and expectancy are dollars.

    Null: not defined for this result, or not computed by the version that ran the backtest. Below 90 days the
    figures per year are null: cagr_pct, sharpe_ratio, sortino_ratio, calmar_ratio and alpha_pct.
    """

    total_return_pct: Percent | None = Field(None, validation_alias="total_return", examples=[34.2])
    cagr_pct: Percent | None = Field(None, validation_alias="cagr", examples=[5.0])
    sharpe_ratio: float | None = Field(None, validation_alias="sharpe", examples=[0.61])
    sortino_ratio: float | None = Field(None, validation_alias="sortino")
    calmar_ratio: float | None = Field(None, validation_alias="calmar")
    max_drawdown_pct: Percent | None = Field(
        None, validation_alias="max_drawdown", description="A positive number.", examples=[23.4]
    )
    max_drawdown_days: int | None = None
    win_rate: Percent | None = Field(None, description="Percent of the closed trades.", examples=[41.7])
    profit_factor: float | None = None
    expectancy: float | None = Field(None, description="Dollars per closed trade.")
    mean_r_multiple: float | None = None
    exposure_pct: Percent | None = Field(None, validation_alias="exposure")
    num_trades: int | None = Field(None, validation_alias="trades", description="Closed trades.")
    final_equity: float | None = None
    buy_and_hold_return_pct: Percent | None = Field(None, validation_alias="buy_and_hold_return")
    alpha_pct: Percent | None = Field(None, validation_alias="alpha")
    beta: float | None = None
    days: int | None = Field(
        None, description="Calendar days from the first to the last session.", examples=[2188]
    )


class BuySignalsSchema(Schema):
    """The number of BUY signals by their outcome. Their sum is the number of all BUY signals."""

    filled: int = Field(0, examples=[38])
    held: int = Field(0, description="The symbol was held already.", examples=[350])
    weak_signal: int = Field(0, description="Below the signal threshold.", examples=[24])
    no_size: int = Field(0, description="One share cost more than a position may be.")
    too_many_shares: int = Field(0, description="The order had more shares than are counted exactly.")
    no_cash: int = Field(0, description="At the fill the cash did not pay for one share.")
    max_positions: int = Field(0, description="At the limit of open positions.")
    daily_loss: int = Field(0, description="At the daily loss limit.")
    drawdown: int = Field(0, description="At the max drawdown limit.")
    no_bar: int = Field(0, description="No bar followed the signal.")
    no_true_range: int = Field(0, description="Too few bars for the average true range of a trailing stop.")


class EquityPointSchema(Schema):
    time: datetime
    equity: float = Field(examples=[100_250.5])


class TradeSchema(Schema):
    """A round trip, in dollars. pnl is after commissions."""

    symbol: str = Field(examples=["AAPL"])
    shares: float = Field(validation_alias="quantity", examples=[12])
    entry_time: datetime
    entry_price: float = Field(examples=[30.5])
    exit_time: datetime | None
    exit_price: float | None = Field(examples=[33.5])
    exit_reason: ExitReason | None
    pnl: float = Field(examples=[36.0])
    return_pct: Percent | None = Field(
        validation_alias="return_fraction", description="Percent of the cost of the shares.", examples=[9.8]
    )
    commission: float
    r_multiple: float | None
    no_r_reason: Annotated[str | None, EmptyAsNull] = Field(
        description="Why a closed trade has no r_multiple.", examples=["no stop"]
    )


class ClosedTradeSchema(TradeSchema):
    exit_time: datetime
    exit_price: float
    exit_reason: ExitReason
    return_pct: Percent = Field(validation_alias="return_fraction")


class OpenPositionSchema(Schema):
    """A position that was still open at the end, valued at the last close."""

    symbol: str
    shares: float = Field(validation_alias="quantity")
    entry_time: datetime
    entry_price: float
    last_price: float = Field(validation_alias="exit_price")
    stop_price: float | None = Field(description="The current one; null without a stop.")
    target_price: float | None
    unrealized_pnl: float = Field(validation_alias="pnl")
    return_pct: Percent = Field(validation_alias="return_fraction")
    commission: float


class BarsUsedSchema(Schema):
    provider: str
    fingerprint: str = Field(
        description="SHA-256 of the bars up to the end of the period, with those before the start. Later bars do "
        "not change it."
    )
    count: int = Field(description="Number of these bars.")
    bars_before: int = Field(description="How many of them are before the period, for the warm-up.")


class RepeatedBacktestSchema(Schema):
    """The backtest that this one repeats, and the hash of its result."""

    backtest: int
    result: str


class ProvenanceSchema(Schema):
    """The code and the bars that produced the result.

    Comments, formatting and docstrings do not change kind_code and engine_code.
    """

    version: str
    kind_code: str
    engine_code: str
    data: dict[str, BarsUsedSchema] = Field(description="By symbol; empty until completed.")
    seed: int | None = Field(None, description="Null: the backtest uses no random numbers.")
    result: str | None = Field(None, description="SHA-256 of all trades and of the equity curve.")
    repeats: RepeatedBacktestSchema | None = None


class BacktestSummarySchema(Schema):
    id: int
    strategy_id: int | None = Field(description="Null when the strategy was deleted.")
    strategy_name: str
    kind: str
    parameters: dict[str, int | float | str] = Field(validation_alias="named_parameters")
    symbols: list[str]
    timeframe: str
    start_date: date
    end_date: date
    initial_capital: float
    compare_with: Annotated[str | None, EmptyAsNull] = Field(
        description="The symbol that the evidence compares with. Null: the tested symbols, bought and held."
    )
    rules: Rules = Field(description="As in the request: `*_pct` are fractions.")
    costs: dict[str, float]
    status: str = Field(description="queued, running, completed, failed or cancelled.", examples=["completed"])
    progress: int = Field(description="0 to 100.")
    stage: str
    error: Annotated[str | None, EmptyAsNull] = Field(description="Why it failed, and what to do.")
    metrics: Annotated[MetricsSchema | None, EmptyAsNull] = Field(description="Null until completed.")
    doubled_costs: Annotated[MetricsSchema | None, EmptyAsNull] = Field(
        description="The same signals at twice the costs, or at 5 bps of slippage if there are no costs."
    )
    buy_signals: Annotated[BuySignalsSchema | None, EmptyAsNull] = Field(
        None, description="The outcomes of the BUY signals; null until completed."
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class NormalizedPointSchema(Schema):
    time: datetime
    value: float = Field(description="Equity, where the initial capital is 100.", examples=[101.3])


class ComparedBacktestSchema(BacktestSummarySchema):
    normalized_equity: list[NormalizedPointSchema]


class ComparisonSchema(Schema):
    notes: list[str] = Field(description="Differences that limit the comparison, for example other periods.")
    backtests: list[ComparedBacktestSchema] = Field(description="In the order of the ids.")


class BacktestSchema(BacktestSummarySchema):
    equity_curve: list[EquityPointSchema] = Field(
        description="Equity at the end of each session; empty until completed."
    )
    trades: list[ClosedTradeSchema]
    open_positions: list[OpenPositionSchema]
    provenance: ProvenanceSchema


def with_results(backtest: Backtest) -> BacktestSchema:
    """The backtest with its curve and its trades: two queries."""
    trades = list(backtest.trades.all())
    curve = BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()
    return BacktestSchema.of(
        backtest,
        equity_curve=_points(curve, "equity", curve.equity),
        trades=[trade for trade in trades if not trade.is_open],
        open_positions=[trade for trade in trades if trade.is_open],
    )


def compared(comparison: Comparison) -> ComparisonSchema:
    """The backtests with their normalized equity: one query."""
    curves = BacktestCurve.objects.in_bulk([backtest.pk for backtest in comparison.backtests])
    backtests = []
    for backtest in comparison.backtests:
        curve = curves.get(backtest.pk, BacktestCurve())
        equity = normalized(curve, float(backtest.initial_capital)).tolist()
        backtests.append(ComparedBacktestSchema.of(backtest, normalized_equity=_points(curve, "value", equity)))
    return ComparisonSchema(notes=comparison.notes, backtests=backtests)


def _points(curve: BacktestCurve, name: str, values: Iterable[float]) -> list[dict[str, Any]]:
    times = (datetime.fromtimestamp(seconds, UTC) for seconds in curve.time)
    return [{"time": time, name: value} for time, value in zip(times, values, strict=True)]
