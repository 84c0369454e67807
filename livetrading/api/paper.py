"""The paper account: its trades, what it holds, its cash."""

from collections.abc import Sequence

from ninja import Router
from pydantic import Field

from backtests.api.backtest_schemas import Trade
from livetrading.api.positions import PositionSchema, positions_of
from livetrading.models import PaperAccount, PaperTrade
from livetrading.summaries.account import read_account
from livetrading.summaries.trades import latest_trades
from tradedesk.accounts.models import Mode
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.fills import ExitReason
from tradedesk.marketdata.clock import market_clock
from tradedesk.rest.pages import Presented, in_pages
from tradedesk.rest.refusals import BAD_QUERY, NO_USER
from tradedesk.rest.schemas import Schema, number, percent

router = Router(tags=["paper"])


class DeskTrade(Trade):
    """While it is open, exit_*, return_pct and r_multiple are null; pnl is of what has been sold so far."""

    id: int
    live_strategy_id: int | None = Field(description="Null for a trade without a strategy.")


class CostsSchema(Schema):
    """Of each order, on both sides."""

    commission_per_order: float = Field(description="Dollars.")
    commission_per_share: float = Field(description="Dollars.")
    commission_bps: float = Field(description="Basis points of the amount.")
    slippage_bps: float = Field(description="Basis points of the price, against you.")


class PaperAccountSchema(Schema):
    """Dollars."""

    starting_cash: float = Field(examples=[100_000])
    cash: float
    equity: float = Field(description="Cash, and what is held at the last closes.")
    market_value: float
    pnl_today: float
    pnl_total: float
    return_total_pct: float | None = Field(description="Of the starting cash.")
    costs: CostsSchema


@router.get("/trades", response={200: list[DeskTrade], **BAD_QUERY})
@in_pages
def list_paper_trades(request: UserRequest) -> Presented[PaperTrade]:
    """Closed trades and open ones, by what happened to them last, the newest first."""
    return Presented(latest_trades(request.user, Mode.PAPER), _trades)


@router.get("/positions", response={200: list[PositionSchema], **BAD_QUERY})
@in_pages
def list_paper_positions(request: UserRequest) -> list[PositionSchema]:
    """What the paper account holds, by symbol."""
    return positions_of(request.user, Mode.PAPER)


@router.get("/account", response={200: PaperAccountSchema, **NO_USER})
def read_paper_account(request: UserRequest) -> PaperAccountSchema:
    """Before the first deployment, the account as it will be opened."""
    account = read_account(request.user, Mode.PAPER, market_clock().now())
    books = PaperAccount.objects.filter(user=request.user).first() or PaperAccount()
    return PaperAccountSchema.model_validate(
        {
            "starting_cash": account.starting_cash,
            "cash": account.cash,
            "equity": account.equity,
            "market_value": account.market_value,
            "pnl_today": account.performance.today,
            "pnl_total": account.performance.total,
            "return_total_pct": percent(account.total_return),
            "costs": books.costs(),
        }
    )


def _trades(page: Sequence[PaperTrade]) -> list[DeskTrade]:
    return [_trade(trade) for trade in page]


def _trade(trade: PaperTrade) -> DeskTrade:
    closed = not trade.is_open
    return DeskTrade(
        id=trade.pk,
        live_strategy_id=trade.live_strategy_id,
        symbol=trade.symbol,
        shares=float(trade.quantity),
        entry_time=trade.entry_time,
        entry_price=float(trade.entry_price),
        exit_time=trade.exit_time,
        exit_price=number(trade.exit_price) if closed else None,
        exit_reason=ExitReason(trade.exit_reason) if closed else None,
        pnl=float(trade.pnl),
        return_pct=percent(trade.return_fraction) if closed else None,
        commission=float(trade.commission),
        r_multiple=trade.r_multiple if closed else None,
    )
