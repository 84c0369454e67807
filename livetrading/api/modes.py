"""Trades, positions, account and days of one mode, whatever your current mode is: /api/paper and /api/live."""

from typing import Annotated, Any

from ninja import Query, Router
from pydantic import Field

from livetrading.api.mode_schemas import (
    DailySummarySchema,
    ModeAccountSchema,
    ModePositionSchema,
    ModeTradeSchema,
    Result,
    Side,
    account_schema,
    day_schemas,
    position_schemas,
    trade_schemas,
)
from livetrading.summaries.account import find_account, read_account
from livetrading.summaries.account_days import history
from livetrading.summaries.trade_list import filter_trades
from livetrading.summaries.trades import latest_trades
from tradedesk.accounts.models import Mode, User
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.rest.bodies import Day, Whole
from tradedesk.rest.pages import MappedQuerySet, in_numbered_pages, in_pages
from tradedesk.rest.refusals import BAD_QUERY, NO_USER, Refused
from tradedesk.rest.schemas import Schema

DAYS, MOST_DAYS = 30, 366


class TradeQuery(Schema):
    """Which trades a list has; without a field, all."""

    strategy_id: Whole | None = None
    symbol: str | None = None
    side: Side | None = None
    result: Result | None = None
    start_date: Day | None = None
    end_date: Day | None = None


def trades_in(user: User, mode: str, chosen: TradeQuery) -> "MappedQuerySet[Any]":
    """The list of trades, the newest first. Raises Refused."""
    try:
        wanted = clean_symbol(chosen.symbol) if chosen.symbol else ""
    except InvalidSymbol as refusal:
        raise Refused({"symbol": str(refusal)}) from None
    found = filter_trades(
        latest_trades(user, mode),
        strategy_id=chosen.strategy_id,
        symbol=wanted,
        side=chosen.side or "",
        result=chosen.result or "",
        since=chosen.start_date,
        until=chosen.end_date,
    )
    return MappedQuerySet(found, trade_schemas)


def _router(mode: Mode) -> Router:
    router = Router(tags=[f"{mode.label.lower()} account"])

    @router.get(
        "/trades",
        response={200: list[ModeTradeSchema], **BAD_QUERY},
        operation_id=f"list_{mode}_trades",
        summary=f"List {mode.label} Trades",
    )
    @in_numbered_pages
    def list_trades(request: UserRequest, chosen: Query[TradeQuery]) -> "MappedQuerySet[Any]":
        """Closed and open trades, by their last fill, newest first. strategy_id: of one live strategy. start_date,
        end_date: New York days of the exit, or of the entry while open, both included."""
        return trades_in(request.user, mode, chosen)

    @router.get(
        "/positions",
        response={200: list[ModePositionSchema], **BAD_QUERY},
        operation_id=f"list_{mode}_positions",
        summary=f"List {mode.label} Positions",
    )
    @in_pages
    def list_positions(request: UserRequest) -> list[ModePositionSchema]:
        """The open positions of the account, by symbol, with their lots."""
        return position_schemas(read_account(request.user, mode, market_clock().now()).positions)

    @router.get(
        "/account",
        response={200: ModeAccountSchema, **NO_USER},
        operation_id=f"read_{mode}_account",
        summary=f"Read {mode.label} Account",
    )
    def read_one_account(request: UserRequest) -> ModeAccountSchema:
        """The active account of the mode. Before a paper account is opened, these are its starting values."""
        return account_schema(read_account(request.user, mode, market_clock().now()))

    @router.get(
        "/daily-summary",
        response={200: DailySummarySchema, **BAD_QUERY},
        operation_id=f"read_{mode}_daily_summary",
        summary=f"Read {mode.label} Daily Summary",
    )
    def read_daily_summary(
        request: UserRequest,
        days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="Days with a report.")] = DAYS,
    ) -> DailySummarySchema:
        """What the account did on each of its last days, newest first; today is as of the last report."""
        return day_schemas(history(find_account(request.user, mode), days))

    return router


paper, live = _router(Mode.PAPER), _router(Mode.LIVE)
