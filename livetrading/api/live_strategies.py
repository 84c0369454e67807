"""Live strategies: what is deployed, how it stands, and its switch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from ninja import Router, Status
from pydantic import Field

from livetrading.models import LiveStrategy, SignalHistory
from livetrading.services.control import ControlRefused, control
from livetrading.summaries import strategies
from livetrading.summaries.counters import SignalCount, count_signals
from livetrading.summaries.performance import Performance
from livetrading.summaries.strategies import StrategySummary
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import DEPLOYED_RULES
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.pages import Presented, in_pages
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Problem, Responses, find
from tradedesk.rest.rule_fields import with_rule_values
from tradedesk.rest.schemas import Schema

router = Router()


@with_rule_values(DEPLOYED_RULES.values())
class LimitsSchema(Schema):
    """As they were deployed: `*_pct` are fractions, money is in dollars, null is no limit."""

    check_interval: int = Field(description="Seconds.", examples=[300])
    auto_execute: bool


class Counters(Schema):
    signals: int
    orders: int = Field(description="Signals that led to an order.")
    trades: int = Field(description="Opened so far.")
    trades_today: int = Field(description="Opened or closed on this market day.")
    open_positions: int


class ProfitAndLoss(Schema):
    """Dollars."""

    today: float
    total: float
    realized: float
    unrealized: float
    commission: float


class LastSignal(Schema):
    symbol: str
    side: str = Field(examples=["buy"])
    bar_time: datetime
    explanation: str = Field(examples=["SMA 10 crossed above SMA 30"])


class LastCheck(Schema):
    at: datetime | None = Field(description="Null before the first.")
    bar_time: datetime | None = Field(description="Of the last bar it has seen.")
    error: str | None = Field(description="Why it failed.")
    signal: LastSignal | None


class LiveStrategySchema(Schema):
    id: int
    name: str = Field(examples=["Live - Golden cross"])
    status: LiveStrategy.Status
    mode: str = Field(description="paper or live.", examples=["paper"])
    strategy_id: int | None = Field(description="Null when the strategy has been deleted.")
    backtest_id: int | None
    kind: str
    parameters: dict[str, int | float]
    symbols: list[str]
    timeframe: str
    deployed_at: datetime
    next_check_at: datetime | None = Field(description="Null unless it is active.")
    last_check: LastCheck
    limits: LimitsSchema
    counters: Counters
    pnl: ProfitAndLoss


@router.get("/strategies", response={200: list[LiveStrategySchema], **BAD_QUERY})
@in_pages
def list_live_strategies(
    request: UserRequest, status: LiveStrategy.Status | None = None
) -> Presented[LiveStrategy]:
    """What you have deployed: active, then paused, then stopped; the newest first."""
    rows = strategies.ordered(request.user)
    if status is not None:
        rows = rows.filter(status=status)
    return Presented(rows, lambda page: _answers(request.user, page))


@router.get("/strategies/{int:live_strategy_id}", response={200: LiveStrategySchema, **UNKNOWN})
def read_live_strategy(request: UserRequest, live_strategy_id: int) -> LiveStrategySchema:
    return _answers(request.user, [find(request.user.live_strategies.all(), live_strategy_id)])[0]


SWITCHED: Responses = {200: LiveStrategySchema, **UNKNOWN, 409: Problem}


@router.post("/strategies/{int:live_strategy_id}/start", response=SWITCHED)
def start_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """Goes on with what is paused or stopped. It is checked at once."""
    return _switch(request, live_strategy_id, "start")


@router.post("/strategies/{int:live_strategy_id}/pause", response=SWITCHED)
def pause_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """No checks until it is started again. Open positions keep their stops."""
    return _switch(request, live_strategy_id, "pause")


@router.post("/strategies/{int:live_strategy_id}/stop", response=SWITCHED)
def stop_live_strategy(request: UserRequest, live_strategy_id: int) -> Status[object]:
    """Ends the checks. Open positions keep their stops."""
    return _switch(request, live_strategy_id, "stop")


def _switch(request: UserRequest, pk: int, action: Literal["start", "pause", "stop"]) -> Status[object]:
    live = find(request.user.live_strategies.all(), pk)
    try:
        live = control(live, action, market_clock().now())
    except ControlRefused as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, _answers(request.user, [live])[0])


def _answers(user: User, page: Sequence[LiveStrategy]) -> list[LiveStrategySchema]:
    counts = count_signals(user, page)
    rows = strategies.summarize_strategies(user, page, market_clock().now())
    return [_answer(row, counts.get(row.live.pk, SignalCount())) for row in rows]


def _answer(row: StrategySummary, count: SignalCount) -> LiveStrategySchema:
    live = row.live
    return LiveStrategySchema(
        id=live.pk,
        name=live.name,
        status=LiveStrategy.Status(live.status),
        mode=live.mode,
        strategy_id=live.strategy_id,
        backtest_id=live.backtest_id,
        kind=live.kind,
        parameters=live.parameters,
        symbols=live.symbols,
        timeframe=live.timeframe,
        deployed_at=live.deployed_at,
        next_check_at=live.next_check_at if live.is_active else None,
        last_check=_last_check(live, row.last_signal),
        limits=LimitsSchema.model_validate(live),
        counters=Counters(
            signals=count.signals,
            orders=count.orders,
            trades=row.performance.trades,
            trades_today=row.performance.trades_today,
            open_positions=len(row.positions),
        ),
        pnl=profit_and_loss(row.performance),
    )


def _last_check(live: LiveStrategy, signal: SignalHistory | None) -> LastCheck:
    seen = None if signal is None else LastSignal.model_validate(signal)
    return LastCheck(
        at=live.last_check_at, bar_time=live.last_bar_time, error=live.last_error or None, signal=seen
    )


def profit_and_loss(performance: Performance) -> ProfitAndLoss:
    return ProfitAndLoss.model_validate(performance)
