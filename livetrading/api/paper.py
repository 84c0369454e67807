"""The paper account: trades, positions and cash."""

from collections.abc import Sequence
from datetime import datetime

from ninja import Router
from pydantic import AliasPath, Field

from backtests.api.backtest_schemas import TradeSchema
from livetrading.api.positions import PositionSchema, open_positions
from livetrading.models import PaperTrade
from livetrading.summaries.account import read_account
from livetrading.summaries.trades import latest_trades
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import Costs
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_QUERY, NO_USER
from tradedesk.rest.schemas import Percent, Schema

router = Router(tags=["paper"])


# The fields of a closed trade that are null while a trade is open, as the model names them.
OPEN = dict.fromkeys(("exit_price", "exit_reason", "return_fraction", "r_multiple"))


class PaperTradeSchema(TradeSchema):
    """While a trade is open, exit_*, return_pct and r_multiple are null and pnl is of the shares sold so far."""

    id: int
    live_strategy_id: int | None = Field(description="Null for a trade without a live strategy.")


class CostsSchema(Schema):
    """The costs of each order, for entries and exits."""

    commission_per_order: float = Field(description="Dollars.")
    commission_per_share: float = Field(description="Dollars.")
    commission_bps: float = Field(description="Basis points of the order amount.")
    slippage_bps: float = Field(description="Basis points of the price, against the trader.")


class PaperAccountSchema(Schema):
    """Dollars."""

    starting_cash: float | None = Field(description="Null unless the desk simulates it.", examples=[100_000])
    cash: float | None = Field(description="Null before the first report.")
    equity: float | None = Field(description="Cash and the market value of the positions, at the last report.")
    snapshot_at: datetime | None = Field(
        description="Market time of the last report of cash and equity. Null before the first one."
    )
    market_value: float
    pnl_today: float = Field(validation_alias=AliasPath("performance", "today"))
    pnl_total: float = Field(validation_alias=AliasPath("performance", "total"))
    return_total_pct: Percent | None = Field(
        validation_alias="total_return", description="Percent of the starting cash."
    )
    costs: CostsSchema


@router.get("/trades", response={200: list[PaperTradeSchema], **BAD_QUERY})
@in_pages
def list_paper_trades(request: UserRequest) -> MappedQuerySet[PaperTrade]:
    """Closed and open trades, by their last fill, newest first."""
    return MappedQuerySet(latest_trades(request.user, Mode.PAPER), _schemas)


@router.get("/positions", response={200: list[PositionSchema], **BAD_QUERY})
@in_pages
def list_paper_positions(request: UserRequest) -> list[PositionSchema]:
    """The open positions of the paper account, by symbol."""
    return open_positions(request.user, Mode.PAPER)


@router.get("/account", response={200: PaperAccountSchema, **NO_USER})
def read_paper_account(request: UserRequest) -> PaperAccountSchema:
    """The paper account. The first deployment opens it; before that, these are its starting values."""
    account = read_account(request.user, Mode.PAPER, market_clock().now())
    books = getattr(account.account, "paper_account", None)
    costs = books.costs() if books else Costs()
    snapshot_at = account.account and account.account.snapshot_at
    return PaperAccountSchema.of(account, costs=costs, snapshot_at=snapshot_at)


def _schemas(page: Sequence[PaperTrade]) -> list[PaperTradeSchema]:
    return [PaperTradeSchema.of(trade, **(OPEN if trade.is_open else {})) for trade in page]
