"""Addresses for scripts of the older desk: the same services as elsewhere, in your current mode."""

from datetime import datetime
from typing import Annotated, Any

from django.http import StreamingHttpResponse
from ninja import Query, Router, Status
from pydantic import Field

from livetrading.api.dashboard import DashboardSchema, read_dashboard
from livetrading.api.deployments import DEPLOY_RESPONSES, quick_deploy
from livetrading.api.live_strategies import SWITCH_RESPONSES, stop_live_strategy
from livetrading.api.mode_schemas import EquityColumnsSchema, ModeTradeSchema
from livetrading.api.modes import TradeQuery, trades_in
from livetrading.summaries.account import find_account, read_account
from livetrading.summaries.account_days import latest_days
from livetrading.summaries.strategies import count_active
from livetrading.summaries.trade_rows import trade_rows
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock, market_status
from tradedesk.notifications.api import NotificationSchema, list_notifications
from tradedesk.rest.bodies import Body, Id
from tradedesk.rest.csv_files import csv_file
from tradedesk.rest.pages import MappedQuerySet, in_numbered_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, NO_USER
from tradedesk.rest.schemas import EmptyAsNull, Schema

CSV = {"responses": {200: {"description": "OK", "content": {"text/csv": {"schema": {"type": "string"}}}}}}

router = Router(tags=["older desk"])


class StopBody(Body):
    live_strategy_id: Id = Field(examples=[3])


class DeskStatusSchema(Schema):
    """Of your current mode. Times are market times."""

    mode: str = Field(examples=["paper"])
    market: str = Field(description="In words.", examples=["US market open"])
    market_open: bool
    now: datetime
    running: bool = Field(description="Whether a strategy is active and entries are not stopped.")
    entries_stopped: bool
    active_strategies: int
    open_positions: int
    account_state: Annotated[str | None, EmptyAsNull] = Field(
        description="connected, degraded or blocked; null before the account is opened."
    )


# The same endpoints under the older addresses.
router.post("/deploy", response=DEPLOY_RESPONSES, operation_id="deploy")(quick_deploy)
router.get("/dashboard", response={200: DashboardSchema, **NO_USER}, operation_id="read_desk_dashboard")(
    read_dashboard
)
router.get("/alerts", response={200: list[NotificationSchema], **BAD_QUERY}, operation_id="list_alerts")(
    list_notifications
)


@router.post("/stop", response={**SWITCH_RESPONSES, **BAD_BODY})
def stop(request: UserRequest, body: StopBody) -> Status[object]:
    """Stops a live strategy: no signals at all, neither entries nor exits. Open positions keep their stops."""
    return stop_live_strategy(request, body.live_strategy_id)


@router.get("/status", response={200: DeskStatusSchema, **NO_USER})
def read_desk_status(request: UserRequest) -> DeskStatusSchema:
    """Whether the desk trades for you."""
    now, market = market_clock().now(), market_status()
    summary = read_account(request.user, request.user.mode, now)
    account = summary.account
    stopped = account is not None and account.entries_stopped
    active = count_active(request.user)
    return DeskStatusSchema(
        mode=request.user.mode,
        market=str(market),
        market_open=market.is_open,
        now=now,
        running=active > 0 and not stopped,
        entries_stopped=stopped,
        active_strategies=active,
        open_positions=len(summary.positions),
        account_state=account.state if account else None,
    )


@router.get("/trades", response={200: list[ModeTradeSchema], **BAD_QUERY})
@in_numbered_pages
def list_trades(request: UserRequest, chosen: Query[TradeQuery]) -> "MappedQuerySet[Any]":
    """The trades of your current mode, as /api/paper/trades and /api/live/trades have them."""
    return trades_in(request.user, request.user.mode, chosen)


@router.get("/chart-data", response={200: EquityColumnsSchema, **NO_USER})
def read_chart_data(request: UserRequest) -> EquityColumnsSchema:
    """The equity of your active account at the end of each day, the oldest first; the last ten years."""
    days = latest_days(find_account(request.user, request.user.mode))[::-1]
    return EquityColumnsSchema(times=[day.day for day in days], equities=[float(day.equity) for day in days])


@router.get("/export", response=BAD_QUERY, openapi_extra=CSV)
def export_trades(request: UserRequest, chosen: Query[TradeQuery]) -> StreamingHttpResponse:
    """The same trades as a CSV file, as the trades page has it."""
    mode = request.user.mode
    found = trades_in(request.user, mode, chosen)
    rows = trade_rows(request.user, mode, found.rows, market_clock().now())
    return csv_file(request, f"trades-{mode}.csv", rows)
