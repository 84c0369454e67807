"""The headline figures of the account."""

from datetime import date, datetime
from typing import Annotated

from ninja import Router
from pydantic import AliasPath, Field

from livetrading.models import BrokerAccount
from livetrading.summaries.desk import read_desk
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.refusals import NO_USER
from tradedesk.rest.schemas import EmptyAsNull, Percent, Schema

router = Router()


class EntriesStoppedSchema(Schema):
    """No strategy of the account sends entries; exits are still sent."""

    since: datetime = Field(validation_alias="entries_stopped_at")
    by: Annotated[str | None, EmptyAsNull] = Field(validation_alias="entries_stopped_by")
    reason: Annotated[str | None, EmptyAsNull] = Field(validation_alias="entries_stopped_reason")


class DashboardSchema(Schema):
    """The account of your current mode. equity, cash and the returns are null if no account is connected, and
    account_* before the first deployment opens it."""

    mode: str = Field(examples=["paper"])
    day: date = Field(description="The market day of the `*_today` fields.")
    active_strategies: int
    error_strategies: int = Field(description="Stopped by the desk, because their checks cannot work.")
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
    snapshot_at: datetime | None = Field(
        description="Market time of the broker's report of equity and cash. Null before the first report."
    )
    account_state: BrokerAccount.State | None = Field(
        description="degraded: it could not be reconciled. blocked: the broker accepts no orders."
    )
    account_state_reason: Annotated[str | None, EmptyAsNull] = Field(description="Why it is degraded or blocked.")
    entries_stopped: EntriesStoppedSchema | None = Field(description="Null while entries are sent.")
    open_incidents: int = Field(
        description="What does not agree with the broker and is not resolved, at most 20. The page lists them."
    )


@router.get("/dashboard", response={200: DashboardSchema, **NO_USER})
def read_dashboard(request: UserRequest) -> DashboardSchema:
    """The headline figures of the live trading page."""
    desk = read_desk(request.user, market_clock().now())
    account = desk.account.account
    return DashboardSchema.of(
        desk.account,
        active_strategies=desk.active,
        error_strategies=desk.error,
        paused_strategies=desk.paused,
        stopped_strategies=desk.stopped,
        signals_today=desk.signals_today,
        orders_today=desk.orders_today,
        open_positions=len(desk.account.positions),
        snapshot_at=account and account.snapshot_at,
        account_state=account and account.state,
        account_state_reason=account and account.state_reason,
        entries_stopped=account if account and account.entries_stopped else None,
    )
