"""The open positions of an account, valued at the last closes."""

from datetime import datetime
from typing import Annotated

from ninja import Router
from pydantic import AliasPath, Field

from livetrading.summaries.account import read_account
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.pages import in_pages
from tradedesk.rest.refusals import BAD_QUERY
from tradedesk.rest.schemas import EmptyAsNull, Percent, Schema

router = Router()


class LotSchema(Schema):
    """An open trade. unrealized_* are null if the symbol has no bars."""

    trade_id: int = Field(validation_alias=AliasPath("trade", "pk"))
    live_strategy_id: int | None = Field(validation_alias=AliasPath("trade", "live_strategy_id"))
    shares: float = Field(validation_alias="quantity")
    entry_time: datetime = Field(validation_alias=AliasPath("trade", "entry_time"))
    entry_price: float = Field(validation_alias=AliasPath("trade", "entry_price"))
    stop_price: float | None = Field(validation_alias=AliasPath("trade", "stop_price"))
    target_price: float | None = Field(validation_alias=AliasPath("trade", "target_price"))
    protection: Annotated[str | None, EmptyAsNull] = Field(
        description="Where its stop and target are kept; null without a working order for them.",
        examples=["At the broker, with the entry"],
    )
    unrealized_pnl: float | None = Field(validation_alias="unrealized")
    unrealized_pct: Percent | None = Field(
        validation_alias="unrealized_return", description="Percent of the cost."
    )


class PositionSchema(Schema):
    """The sum of the lots of a symbol. last_price and unrealized_* are null if it has no bars."""

    symbol: str = Field(examples=["AAPL"])
    shares: float = Field(validation_alias="quantity", examples=[12])
    average_price: float = Field(examples=[30.5])
    last_price: float | None = Field(examples=[31.25])
    market_value: float = Field(description="Dollars; the cost if there is no last price.")
    unrealized_pnl: float | None = Field(validation_alias="unrealized")
    unrealized_pct: Percent | None = Field(
        validation_alias="unrealized_return", description="Percent of the cost."
    )
    lots: list[LotSchema]


@router.get("/positions", response={200: list[PositionSchema], **BAD_QUERY})
@in_pages
def list_positions(request: UserRequest) -> list[PositionSchema]:
    """Your open positions in your current mode, by symbol."""
    return open_positions(request.user, request.user.mode)


def open_positions(user: User, mode: str) -> list[PositionSchema]:
    account = read_account(user, mode, market_clock().now())
    return [PositionSchema.model_validate(position) for position in account.positions]
