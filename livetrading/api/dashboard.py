"""The figures at the head of the live pages."""

from datetime import date

from ninja import Router
from pydantic import Field

from livetrading.summaries.desk import read_desk
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.refusals import NO_USER
from tradedesk.rest.schemas import Schema, number, percent

router = Router()


class DashboardSchema(Schema):
    """Of the account in your present mode. equity, cash and the returns are null when no account is connected."""

    mode: str = Field(examples=["paper"])
    day: date = Field(description="The market day that today means here.")
    active_strategies: int
    paused_strategies: int
    stopped_strategies: int
    signals_today: int
    orders_today: int = Field(description="Signals of today that led to an order.")
    executed_trades: int = Field(description="Opened so far.")
    trades_today: int = Field(description="Opened or closed today.")
    open_positions: int
    pnl_today: float
    pnl_total: float
    return_today_pct: float | None = Field(description="Of the equity that the day began with.")
    return_total_pct: float | None = Field(description="Of the starting cash.")
    equity: float | None
    cash: float | None


@router.get("/dashboard", response={200: DashboardSchema, **NO_USER})
def read_dashboard(request: UserRequest) -> DashboardSchema:
    """What the live trading page says at its head."""
    desk = read_desk(request.user, market_clock().now())
    account = desk.account
    return DashboardSchema(
        mode=account.mode,
        day=account.day,
        active_strategies=desk.active,
        paused_strategies=desk.paused,
        stopped_strategies=desk.stopped,
        signals_today=desk.signals_today,
        orders_today=desk.orders_today,
        executed_trades=account.performance.trades,
        trades_today=account.performance.trades_today,
        open_positions=len(account.positions),
        pnl_today=float(account.performance.today),
        pnl_total=float(account.performance.total),
        return_today_pct=percent(account.return_today),
        return_total_pct=percent(account.total_return),
        equity=number(account.equity),
        cash=number(account.cash),
    )
