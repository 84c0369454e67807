"""The state of one live strategy: is it checked, what does it hold, what is wrong."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from livetrading.api.live_strategies import CountersSchema, ProfitAndLossSchema, counters, own, router
from livetrading.api.positions import PositionSchema
from livetrading.models import LiveStrategy
from livetrading.summaries.counters import SignalCount, count_signals
from livetrading.summaries.strategies import problems_of, summarize_strategies
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.refusals import UNKNOWN, find
from tradedesk.rest.schemas import EmptyAsNull, Schema


class StatusSchema(Schema):
    """Times are market times."""

    id: int
    name: str
    state: LiveStrategy.Status
    degraded: Annotated[str | None, EmptyAsNull] = Field(
        description="Why its checks fail, while they are tried again; null when all is well."
    )
    last_check_at: datetime | None = Field(description="Null before the first check.")
    last_bar_time: datetime | None = Field(description="Opening time of the last bar that was evaluated.")
    next_check_at: datetime | None = Field(description="Null unless it is active or paused.")
    failures: int = Field(description="Checks in a row that failed.")
    positions: list[PositionSchema]
    pnl: ProfitAndLossSchema
    counters: CountersSchema
    errors: list[str] = Field(description="Everything that is wrong with it or its account, in words.")


@router.get("/strategies/{int:live_strategy_id}/status", response={200: StatusSchema, **UNKNOWN})
def read_status(request: UserRequest, live_strategy_id: int) -> StatusSchema:
    """State, last and next check, positions, profit and loss, counters and errors."""
    live = find(own(request), live_strategy_id)
    (row,) = summarize_strategies(request.user, [live], market_clock().now())
    count = count_signals(request.user, [live]).get(live.pk, SignalCount())
    return StatusSchema.of(
        live,
        state=live.status,
        next_check_at=live.next_check_at if live.is_checked else None,
        positions=[PositionSchema.model_validate(position) for position in row.positions],
        pnl=row.performance,
        counters=counters(row, count),
        errors=problems_of(row),
    )
