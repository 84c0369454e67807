"""What live strategies saw, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ninja import Router
from pydantic import Field

from livetrading.models import SignalHistory
from livetrading.summaries import signals
from livetrading.summaries.signals import SignalSummary
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.pages import Presented, in_pages
from tradedesk.rest.refusals import BAD_QUERY
from tradedesk.rest.schemas import Schema

router = Router()


class SignalSchema(Schema):
    id: int
    live_strategy_id: int
    live_strategy_name: str
    symbol: str = Field(examples=["AAPL"])
    side: str = Field(examples=["buy"])
    bar_time: datetime = Field(description="When the bar opened.")
    strength: float = Field(description="0 to 1.", examples=[0.75])
    price: float = Field(description="The close of the bar.")
    explanation: str = Field(examples=["SMA 10 crossed above SMA 30"])
    outcome: str = Field(
        description="The state of its order; without one refused, or recorded when it was not to be executed.",
        examples=["filled"],
    )
    reason: str | None = Field(description="Why it was not carried out, or not in full.")
    order_id: UUID | None
    created_at: datetime


@router.get("/signals/recent", response={200: list[SignalSchema], **BAD_QUERY})
@in_pages
def list_recent_signals(request: UserRequest) -> Presented[SignalHistory]:
    """Every signal of your live strategies, the newest first."""
    return Presented(signals.with_orders(request.user.signals.all()), _answers)


def _answers(page: Sequence[SignalHistory]) -> list[SignalSchema]:
    return [_answer(summary) for summary in signals.summarize_signals(page)]


def _answer(summary: SignalSummary) -> SignalSchema:
    signal = summary.signal
    return SignalSchema(
        id=signal.pk,
        live_strategy_id=signal.live_strategy_id,
        live_strategy_name=signal.live_strategy.name,
        symbol=signal.symbol,
        side=signal.side,
        bar_time=signal.bar_time,
        strength=signal.strength,
        price=float(signal.price),
        explanation=signal.explanation,
        outcome=summary.outcome,
        reason=summary.reason or None,
        order_id=summary.order.pk if summary.order else None,
        created_at=signal.created_at,
    )
