"""The signals of live strategies and their outcomes."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

from ninja import Router, Status
from pydantic import AliasPath, Field

from livetrading.models import OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.models.signal import OrderSide
from livetrading.pipeline.by_hand import NotExecuted, dismiss_signal, execute_signal
from livetrading.summaries import signals
from livetrading.summaries.signal_list import filter_signals, with_outcome
from livetrading.summaries.signals import SignalSummary
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import read_clocks
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.rest.bodies import Day, Whole
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Problem, Refused, find
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router()

# The state of its order; without an order what became of the signal itself.
SignalOutcome = Enum(  # type: ignore[misc]  # its members are those of the two models
    "SignalOutcome",
    {value: value for value in (*OrderState.values, *SignalHistory.Outcome.values)},
    type=str,
)


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
        description="Its outcome in one word: ordered, below_threshold, max_positions, late and so on.",
        examples=["ordered"],
    )
    reason: Annotated[str | None, EmptyAsNull] = Field(description="Why it was not executed, or not in full.")
    waits_until: datetime | None = Field(
        description="Until when a buy that waits for your approval can be executed; null unless it waits."
    )
    order_id: UUID | None
    created_at: datetime


@router.get("/signals/recent", response={200: list[SignalSchema], **BAD_QUERY})
@in_pages
def list_recent_signals(
    request: UserRequest,
    strategy_id: Whole | None = None,
    symbol: str | None = None,
    side: OrderSide | None = None,
    outcome: SignalOutcome | None = None,
    code: DecisionCode | None = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
) -> MappedQuerySet[SignalHistory]:
    """The signals of your live strategies, newest first. strategy_id: of one live strategy. start_date, end_date:
    New York days of the check, both included."""
    try:
        wanted = clean_symbol(symbol) if symbol else ""
    except InvalidSymbol as refusal:
        raise Refused({"symbol": str(refusal)}) from None
    found = filter_signals(
        request.user.signals.all(),
        strategy_id=strategy_id,
        symbol=wanted,
        side=side or "",
        code=code or "",
        since=start_date,
        until=end_date,
        unheld=True,
    )
    if outcome is not None:
        found = with_outcome(found, outcome.value)
    return MappedQuerySet(signals.with_orders(found), _schemas)


@router.post("/signals/{int:signal_id}/execute", response={200: SignalSchema, **UNKNOWN, 409: Problem})
def execute(request: UserRequest, signal_id: int) -> Status[object]:
    """Executes a signal that waits for your approval, by the limits of its strategy: a buy until the open that it
    is meant for is past, a sell as long as its position is held. A repeated request changes nothing."""
    own = request.user.signals.select_related("live_strategy", "user")
    try:
        execute_signal(find(own, signal_id), *read_clocks())
    except NotExecuted as refusal:
        return Status(409, Problem(detail=str(refusal)))
    return Status(200, _schemas([signals.with_orders(request.user.signals.all()).get(pk=signal_id)])[0])


@router.post("/signals/{int:signal_id}/dismiss", response={200: SignalSchema, **UNKNOWN, 409: Problem})
def dismiss(request: UserRequest, signal_id: int) -> Status[object]:
    """Dismisses a signal that waits for your approval: it is never executed."""
    if not dismiss_signal(find(request.user.signals.select_related("user"), signal_id), read_clocks()[1]):
        return Status(409, Problem(detail="This signal does not wait for an approval."))
    return Status(200, _schemas([signals.with_orders(request.user.signals.all()).get(pk=signal_id)])[0])


def _schemas(page: Sequence[SignalHistory]) -> list[SignalSchema]:
    return [_schema(summary) for summary in signals.summarize_signals(page)]


def _schema(summary: SignalSummary) -> SignalSchema:
    order = summary.order
    return SignalSchema.of(
        summary.signal, outcome=summary.outcome, reason=summary.reason, order_id=order and order.pk
    )
