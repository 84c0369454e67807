"""What an account holds, marked at the last closes."""

from datetime import datetime

from ninja import Router
from pydantic import Field

from livetrading.summaries.account import read_account
from livetrading.summaries.positions import Lot, Position
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.pages import in_pages
from tradedesk.rest.refusals import BAD_QUERY
from tradedesk.rest.schemas import Schema, number, percent

router = Router()


class LotSchema(Schema):
    """One purchase. unrealized_* are null when its symbol has no bars."""

    trade_id: int
    live_strategy_id: int | None
    shares: float
    entry_time: datetime
    entry_price: float
    stop_price: float | None
    target_price: float | None
    unrealized_pnl: float | None
    unrealized_pct: float | None


class PositionSchema(Schema):
    """The sum of the lots of a symbol. last_price and unrealized_* are null when it has no bars."""

    symbol: str = Field(examples=["AAPL"])
    shares: float = Field(examples=[12])
    average_price: float = Field(examples=[30.5])
    last_price: float | None = Field(examples=[31.25])
    market_value: float = Field(description="Dollars; at cost when there is no price.")
    unrealized_pnl: float | None
    unrealized_pct: float | None = Field(description="Percent of the cost.")
    lots: list[LotSchema]


@router.get("/positions", response={200: list[PositionSchema], **BAD_QUERY})
@in_pages
def list_positions(request: UserRequest) -> list[PositionSchema]:
    """What you hold in your present mode, by symbol."""
    return positions_of(request.user, request.user.mode)


def positions_of(user: User, mode: str) -> list[PositionSchema]:
    return [_position(position) for position in read_account(user, mode, market_clock().now()).positions]


def _position(position: Position) -> PositionSchema:
    return PositionSchema(
        symbol=position.symbol,
        shares=float(position.quantity),
        average_price=float(position.average_price),
        last_price=number(position.last_price),
        market_value=float(position.market_value),
        unrealized_pnl=number(position.unrealized),
        unrealized_pct=percent(position.unrealized_return),
        lots=[_lot(lot) for lot in position.lots],
    )


def _lot(lot: Lot) -> LotSchema:
    trade = lot.trade
    return LotSchema(
        trade_id=trade.pk,
        live_strategy_id=trade.live_strategy_id,
        shares=float(lot.quantity),
        entry_time=trade.entry_time,
        entry_price=float(trade.entry_price),
        stop_price=number(trade.stop_price),
        target_price=number(trade.target_price),
        unrealized_pnl=number(lot.unrealized),
        unrealized_pct=percent(lot.unrealized_return),
    )
