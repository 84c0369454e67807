"""What the API says of the trades, the positions and the account of one mode."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import AliasPath, Field

from backtests.api.backtest_schemas import TradeSchema
from livetrading.api.positions import PositionSchema
from livetrading.models.trade import LONG
from livetrading.summaries.account import AccountSummary
from livetrading.summaries.account_days import AccountHistoryDay
from livetrading.summaries.positions import Position
from tradedesk.core.rules import Costs
from tradedesk.rest.schemas import Percent, Schema

Side = Literal["long", "short"]
Result = Literal["win", "loss", "breakeven", "open"]
# The fields of a closed trade that are null while a trade is open, as the model names them.
OPEN = dict.fromkeys(("exit_price", "exit_reason", "return_fraction", "r_multiple"))


class ModeTradeSchema(TradeSchema):
    """While a trade is open, exit_*, return_pct and r_multiple are null and pnl is of the shares sold so far."""

    id: int
    live_strategy_id: int | None = Field(description="Null for a trade without a live strategy.")
    strategy: str | None = Field(description="Its name.", examples=["Live - Golden cross"])
    side: Side = Field(description="long: the desk sells nothing short.")
    outcome: Result
    stop_price: float | None = Field(description="The current or the last one.")
    target_price: float | None


class ModePositionSchema(PositionSchema):
    """The sum of the lots of a symbol. Prices and unrealized_* are null if it has no bars."""

    side: Side
    entry_price: float = Field(validation_alias="average_price", description="The mean of its lots.")
    current_price: float | None = Field(validation_alias="last_price", description="The last close.")
    stop_loss: float | None = Field(description="Null without one, and where its lots have different ones.")
    take_profit: float | None = Field(description="The same for the target.")
    entry_time: datetime = Field(description="Of its oldest lot.")


class CostsSchema(Schema):
    """The costs of each order, for entries and exits."""

    commission_per_order: float = Field(description="Dollars.")
    commission_per_share: float = Field(description="Dollars.")
    commission_bps: float = Field(description="Basis points of the order amount.")
    slippage_bps: float = Field(description="Basis points of the price, against the trader.")


class ModeAccountSchema(Schema):
    """Dollars, of the active account of the mode. Null before the broker's first report: cash, equity and
    buying_power."""

    mode: str = Field(examples=["paper"])
    account_id: int | None = Field(description="Null before the account is opened or connected.")
    starting_cash: float | None = Field(description="Null unless the desk simulates it.", examples=[100_000])
    cash: float | None
    equity: float | None = Field(description="Cash and the market value of the positions, at the last report.")
    buying_power: float | None
    snapshot_at: datetime | None = Field(
        description="Market time of the last report of cash and equity. Null before the first one."
    )
    market_value: float
    pnl_today: float = Field(validation_alias=AliasPath("performance", "today"))
    pnl_total: float = Field(validation_alias=AliasPath("performance", "total"))
    realized_pnl: float = Field(validation_alias=AliasPath("performance", "realized"))
    unrealized_pnl: float = Field(validation_alias=AliasPath("performance", "unrealized"))
    return_today_pct: Percent | None = Field(
        validation_alias="return_today", description="Percent of the equity at the start of the day."
    )
    return_total_pct: Percent | None = Field(
        validation_alias="total_return", description="Percent of the starting cash."
    )
    costs: CostsSchema | None = Field(description="Null unless the desk simulates it.")


class DayOfAccountSchema(Schema):
    """Dollars. The equity is that of the broker's last report of the day. realized_pnl and what follows are null
    on a day without a summary of the desk, which is written after the close of a session in which it traded."""

    day: date
    equity: float
    pnl: float = Field(description="Since the last report of the day before, without what was paid in or out.")
    pnl_pct: Percent | None = Field(
        validation_alias="return_fraction", description="Percent of the equity at the start of the day."
    )
    realized_pnl: float | None
    open_pnl: float | None = Field(description="Of what was held at the close.")
    positions: int | None
    fills: int | None
    refusals: int | None = Field(description="Orders that the desk held back or the broker refused.")
    halts: int | None


class DailySummarySchema(Schema):
    """The newest first."""

    items: list[DayOfAccountSchema]
    count: int


class EquityColumnsSchema(Schema):
    """The equity at the end of each day, the oldest first."""

    times: list[date]
    equities: list[float]


def trade_schemas(page: Sequence[Any]) -> list[ModeTradeSchema]:
    return [
        ModeTradeSchema.of(
            trade,
            strategy=trade.live_strategy.name if trade.live_strategy else None,
            side=LONG,
            **(OPEN if trade.is_open else {}),
        )
        for trade in page
    ]


def position_schemas(positions: Iterable[Position]) -> list[ModePositionSchema]:
    return [
        ModePositionSchema.of(
            position,
            side=LONG,
            stop_loss=_same(lot.trade.stop_price for lot in position.lots),
            take_profit=_same(lot.trade.target_price for lot in position.lots),
            entry_time=min(lot.trade.entry_time for lot in position.lots),
        )
        for position in positions
    ]


def account_schema(account: AccountSummary) -> ModeAccountSchema:
    own = account.account
    books = getattr(own, "paper_account", None)
    simulated = account.starting_cash is not None
    return ModeAccountSchema.of(
        account,
        account_id=own and own.pk,
        buying_power=own.buying_power if own else account.starting_cash,
        snapshot_at=own and own.snapshot_at,
        costs=books.costs() if books else Costs() if simulated else None,
    )


def day_schemas(days: Iterable[AccountHistoryDay]) -> DailySummarySchema:
    items = [_day_schema(day) for day in days]
    return DailySummarySchema(items=items, count=len(items))


def _day_schema(day: AccountHistoryDay) -> DayOfAccountSchema:
    names = {"realized_pnl": "realized", "open_pnl": "open_pnl", "positions": "positions"}
    names |= {name: name for name in ("fills", "refusals", "halts")}
    figures = {name: getattr(day.summary, own, None) for name, own in names.items()}
    return DayOfAccountSchema.of(day, **figures)


def _same(prices: Iterable[Decimal | None]) -> Decimal | None:
    """The price that all of them are, else None."""
    found = set(prices)
    return found.pop() if len(found) == 1 else None
