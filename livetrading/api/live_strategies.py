"""Live strategies: their state, and start, pause and stop."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from backtests.api.evidence import EvidenceLineSchema
from livetrading.api.positions import CLOSE_RESPONSES, answer_closing
from livetrading.models import LiveStrategy
from livetrading.services.closing import close_strategy
from livetrading.services.control import ControlRefused, control
from livetrading.summaries import strategies
from livetrading.summaries.counters import SignalCount, count_signals
from livetrading.summaries.evidence import CarriedScorecard, carried_scorecards
from livetrading.summaries.strategies import StrategySummary
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import DEPLOYED_RULES
from tradedesk.marketdata.clock import market_clock, read_clocks
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Problem, Responses, find
from tradedesk.rest.rule_fields import with_rule_values
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router()
ON_LEAVING = "What follows when its P&L leaves the expected range: it is always notified."


@with_rule_values(DEPLOYED_RULES.values())
class LimitsSchema(Schema):
    """The settings of the deployment: `*_pct` are fractions, money is in dollars, null is off."""

    check_interval: int = Field(description="Seconds of market time.", examples=[300])
    auto_execute: bool
    on_leaving: LiveStrategy.OnLeaving = Field(description=ON_LEAVING)


class CountersSchema(Schema):
    signals: int
    orders: int = Field(description="Signals with an order.")
    trades: int = Field(description="All trades, open and closed.")
    trades_today: int = Field(description="Opened or closed on this market day.")
    open_positions: int


class ProfitAndLossSchema(Schema):
    """Dollars."""

    today: float
    total: float
    realized: float
    unrealized: float
    commission: float


class LastSignalSchema(Schema):
    symbol: str
    side: str = Field(examples=["buy"])
    bar_time: datetime
    explanation: str = Field(examples=["SMA 10 crossed above SMA 30"])


class LastCheckSchema(Schema):
    at: datetime | None = Field(validation_alias="last_check_at", description="Null before the first check.")
    bar_time: datetime | None = Field(
        validation_alias="last_bar_time", description="Opening time of the last bar that was evaluated."
    )
    error: Annotated[str | None, EmptyAsNull] = Field(
        validation_alias="last_error", description="Why the check failed."
    )
    failures: int = Field(description="Checks in a row that failed.")
    signal: LastSignalSchema | None


class CarriedEvidenceSchema(Schema):
    """Of the backtest or the row that was deployed; it stays when that is deleted."""

    symbols: list[str]
    start_date: date
    end_date: date
    overall: EvidenceLineSchema = Field(description="All lines in one sentence.")
    lines: list[EvidenceLineSchema]


class LiveStrategySchema(Schema):
    id: int
    name: str = Field(examples=["Live - Golden cross"])
    status: LiveStrategy.Status
    degraded: Annotated[str | None, EmptyAsNull] = Field(
        description="Why its checks fail, while they are tried again; null when all is well."
    )
    mode: str = Field(description="paper or live.", examples=["paper"])
    strategy_id: int | None = Field(description="Null when the strategy was deleted.")
    backtest_id: int | None
    previous_version_id: int | None = Field(description="The live strategy that this one replaced.")
    promoted_from_id: int | None = Field(description="The paper deployment that was promoted to this live one.")
    size_fraction: float = Field(description="The part of its size that entries have; 1 is the full size.")
    kind: str
    parameters: dict[str, int | float | str] = Field(validation_alias="named_parameters")
    symbols: list[str]
    timeframe: str
    deployed_at: datetime
    next_check_at: datetime | None = Field(description="Null unless it is active or paused.")
    last_check: LastCheckSchema
    limits: LimitsSchema
    counters: CountersSchema
    pnl: ProfitAndLossSchema
    evidence: CarriedEvidenceSchema | None = Field(
        description="The evidence that it was deployed with; null without any, or while it is computed."
    )


@router.get("/strategies", response={200: list[LiveStrategySchema], **BAD_QUERY})
@in_pages
def list_live_strategies(
    request: UserRequest, status: LiveStrategy.Status | None = None
) -> MappedQuerySet[LiveStrategy]:
    """Your deployments: active, then those with an error, then paused, then stopped; each newest first."""
    rows = strategies.ordered(request.user)
    if status is not None:
        rows = rows.filter(status=status)
    return MappedQuerySet(rows, lambda page: schemas(request.user, page))


@router.get("/strategies/{int:live_strategy_id}", response={200: LiveStrategySchema, **UNKNOWN})
def read_live_strategy(request: UserRequest, live_strategy_id: int) -> LiveStrategySchema:
    """A live strategy with its last check, its counters and its profit and loss."""
    return schemas(request.user, [find(own(request), live_strategy_id)])[0]


SWITCH_RESPONSES: Responses = {200: LiveStrategySchema, **UNKNOWN, 409: Problem}


@router.post("/strategies/{int:live_strategy_id}/start", response=SWITCH_RESPONSES)
def start_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """Resumes a deployment that is paused, stopped or has an error, and checks its signals immediately."""
    return _switch(request, live_strategy_id, "start")


@router.post("/strategies/{int:live_strategy_id}/pause", response=SWITCH_RESPONSES)
def pause_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """No entries until it is started again. Its exits are still sent, and open positions keep their stops."""
    return _switch(request, live_strategy_id, "pause")


@router.post("/strategies/{int:live_strategy_id}/stop", response=SWITCH_RESPONSES)
def stop_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """No signals at all, neither entries nor exits. Open positions keep their stops."""
    return _switch(request, live_strategy_id, "stop")


@router.post("/strategies/{int:live_strategy_id}/close", response=CLOSE_RESPONSES)
def close_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """Sells all positions of the deployment at the market, whatever its status. It does not stop it."""
    live = find(own(request), live_strategy_id)
    now, wall_now = read_clocks()
    return answer_closing(
        request, live.account_id, lambda: close_strategy(live, by=request.user, now=now, wall_now=wall_now)
    )


def _switch(request: UserRequest, pk: int, action: Literal["start", "pause", "stop"]) -> Status[object]:
    live = find(own(request), pk)
    try:
        live, _ = control(live, action, market_clock().now(), timezone.now())
    except ControlRefused as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, schemas(request.user, [live])[0])


def own(request: UserRequest) -> "QuerySet[LiveStrategy]":
    return request.user.live_strategies.select_related("account")


def schemas(user: User, page: Sequence[LiveStrategy]) -> list[LiveStrategySchema]:
    counts = count_signals(user, page)
    carried = carried_scorecards(user, page)
    rows = strategies.summarize_strategies(user, page, market_clock().now())
    return [_schema(row, counts.get(row.live.pk, SignalCount()), carried.get(row.live.pk)) for row in rows]


def counters(row: StrategySummary, count: SignalCount) -> CountersSchema:
    return CountersSchema(
        signals=count.signals,
        orders=count.orders,
        trades=row.performance.trades,
        trades_today=row.performance.trades_today,
        open_positions=len(row.positions),
    )


def _schema(row: StrategySummary, count: SignalCount, scorecard: CarriedScorecard | None) -> LiveStrategySchema:
    live = row.live
    return LiveStrategySchema.of(
        live,
        next_check_at=live.next_check_at if live.is_checked else None,
        last_check=LastCheckSchema.of(live, signal=row.last_signal),
        limits=live,
        counters=counters(row, count),
        pnl=row.performance,
        evidence=scorecard
        and CarriedEvidenceSchema.of(scorecard.carried, overall=scorecard.overall, lines=scorecard.lines),
    )
