"""The signals of live strategies and their outcomes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Router
from pydantic import AliasPath, Field

from livetrading.models import SignalHistory
from livetrading.summaries import signals
from livetrading.summaries.signals import SignalSummary
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_QUERY
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router()


class SignalSchema(Schema):
    id: int
    live_strategy_id: int
    live_strategy_name: str = Field(validation_alias=AliasPath("live_strategy", "name"))
    symbol: str = Field(examples=["AAPL"])
    side: str = Field(examples=["buy"])
    bar_time: datetime = Field(description="Opening time of the bar.")
    strength: float = Field(description="0 to 1.", examples=[0.75])
    price: float = Field(description="The close of the bar.")
    explanation: str = Field(examples=["SMA 10 crossed above SMA 30"])
    outcome: str = Field(
        description="The state of its order. Without an order: refused, or recorded if auto_execute is off.",
        examples=["filled"],
    )
    code: Annotated[str | None, EmptyAsNull] = Field(
        description="What became of it, in one word: ordered, below_threshold, max_positions, late and so on.",
        examples=["ordered"],
    )
    reason: Annotated[str | None, EmptyAsNull] = Field(description="Why it was not executed, or not in full.")
    order_id: UUID | None
    created_at: datetime


@router.get("/signals/recent", response={200: list[SignalSchema], **BAD_QUERY})
@in_pages
def list_recent_signals(request: UserRequest) -> MappedQuerySet[SignalHistory]:
    """All signals of your live strategies, newest first."""
    return MappedQuerySet(signals.with_orders(request.user.signals.all()), _schemas)


def _schemas(page: Sequence[SignalHistory]) -> list[SignalSchema]:
    return [_schema(summary) for summary in signals.summarize_signals(page)]


def _schema(summary: SignalSummary) -> SignalSchema:
    order = summary.order
    return SignalSchema.of(
        summary.signal, outcome=summary.outcome, reason=summary.reason, order_id=order and order.pk
    )
