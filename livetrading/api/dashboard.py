"""The headline figures of the account."""

from datetime import date

from ninja import Router
from pydantic import AliasPath, Field

from livetrading.summaries.desk import read_desk
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.refusals import NO_USER
from tradedesk.rest.schemas import Percent, Schema

router = Router()


class DashboardSchema(Schema):
    """The account of your current mode. equity, cash and the returns are null if no account is connected."""

    mode: str = Field(examples=["paper"])
    day: date = Field(description="The market day of the `*_today` fields.")
    active_strategies: int
    paused_strategies: int
    stopped_strategies: int
    signals_today: int
    orders_today: int = Field(description="Signals of today with an order.")
    executed_trades: int = Field(
        validation_alias=AliasPath("performance", "trades"), description="All trades, open and closed."
    )
    trades_today: int = Field(
        validation_alias=AliasPath("performance", "trades_today"), description="Opened or closed today."
    )
    open_positions: int
    pnl_today: float = Field(validation_alias=AliasPath("performance", "today"))
    pnl_total: float = Field(validation_alias=AliasPath("performance", "total"))
    return_today_pct: Percent | None = Field(
        validation_alias="return_today", description="Percent of the equity at the start of the day."
    )
    return_total_pct: Percent | None = Field(
        validation_alias="total_return", description="Percent of the starting cash."
    )
    equity: float | None
    cash: float | None


@router.get("/dashboard", response={200: DashboardSchema, **NO_USER})
def read_dashboard(request: UserRequest) -> DashboardSchema:
    """The headline figures of the live trading page."""
    desk = read_desk(request.user, market_clock().now())
    return DashboardSchema.of(
        desk.account,
        active_strategies=desk.active,
        paused_strategies=desk.paused,
        stopped_strategies=desk.stopped,
        signals_today=desk.signals_today,
        orders_today=desk.orders_today,
        open_positions=len(desk.account.positions),
    )
