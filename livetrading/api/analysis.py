"""The analysis of the closed trades of one mode."""

from datetime import date

from ninja import Router
from pydantic import Field

from livetrading.summaries.analysis import Analysis, GroupTable, analyse
from livetrading.summaries.analysis_charts import equity_columns
from livetrading.summaries.closed_trades import TradeFilter
from tradedesk.accounts.models import Mode, User
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.trade_statistics import TradeFigures
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.rest.bodies import Day, Whole
from tradedesk.rest.refusals import BAD_QUERY, Refused
from tradedesk.rest.schemas import Percent, Schema

router = Router(tags=["analysis"])


class FiguresSchema(Schema):
    """Dollars where nothing else is said. A figure that is not defined is null."""

    trades: int
    wins: int
    losses: int
    pnl: float = Field(description="After commissions.")
    win_rate: Percent | None = Field(description="Percent.", examples=[55.0])
    profit_factor: float | None = Field(description="Dollars won / dollars lost; null without a loss.")
    expectancy: float | None = Field(description="Dollars a trade.")
    mean_r: float | None = Field(description="The mean R-multiple, of the trades that have one.")
    trades_with_r: int = Field(validation_alias="with_r")
    average_win: float | None
    average_loss: float | None
    payoff: float | None = Field(description="Average win / average loss.")
    largest_win: float | None
    largest_loss: float | None
    commission: float


class GroupSchema(FiguresSchema):
    key: str = Field(description="The group: a strategy's name, a symbol, a weekday, an hour and so on.")
    live_strategy_id: int | None = Field(None, description="Of a group by strategy.")


class MonthSchema(Schema):
    """Dollars by the month of the exit in New York, January first; null without a closed trade."""

    year: int
    months: list[float | None]
    total: float
    trades: int


class DrawdownSchema(Schema):
    """The max drawdown of the P&L of the closed trades."""

    depth: float = Field(description="Dollars.")
    peak: date | None = Field(description="Null when it began before the first trade.")
    bottom: date
    recovery: date | None = Field(description="Null when it has not recovered.")


class CurveSchema(Schema):
    """Columns: a row for each session with an exit."""

    time: list[date]
    equity: list[float] = Field(description="starting_equity, or 0 where that is unknown, plus the P&L so far.")
    drawdown: list[float] = Field(description="Percent, 0 or below; empty without a starting equity.")


class AnalysisSchema(Schema):
    """The newest closed trades that match; `older_trades` says whether there are older ones."""

    mode: Mode
    older_trades: bool = Field(description="Older trades match, too, and are not included: choose dates.")
    figures: FiguresSchema
    starting_equity: float | None = Field(description="Dollars of the accounts that traded; null when unknown.")
    max_drawdown: DrawdownSchema | None
    max_drawdown_pct: Percent | None = Field(description="Percent of the highest equity of the closed trades.")
    longest_wins: int
    longest_losses: int
    current_streak: int = Field(description="Trades in a row; negative for losses.")
    mean_holding_seconds: float | None
    median_holding_seconds: float | None
    slippage: float | None = Field(description="Dollars that entries paid above the close of their signal.")
    slippage_bps: float | None
    months: list[MonthSchema]
    by_strategy: list[GroupSchema]
    by_symbol: list[GroupSchema]
    by_weekday: list[GroupSchema]
    by_hour: list[GroupSchema]
    by_exit_reason: list[GroupSchema]
    by_holding_time: list[GroupSchema]
    curve: CurveSchema


@router.get("/paper/analysis", response={200: AnalysisSchema, **BAD_QUERY})
def analyse_paper_trades(
    request: UserRequest,
    strategy_id: Whole | None = None,
    symbol: str | None = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
) -> AnalysisSchema:
    """Your closed paper trades in figures. strategy_id: of one live strategy. start_date, end_date: New York days
    of the exit, both included."""
    return _analysis(request.user, Mode.PAPER, strategy_id, symbol, start_date, end_date)


@router.get("/live/analysis", response={200: AnalysisSchema, **BAD_QUERY})
def analyse_live_trades(
    request: UserRequest,
    strategy_id: Whole | None = None,
    symbol: str | None = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
) -> AnalysisSchema:
    """The same of your closed trades with real money."""
    return _analysis(request.user, Mode.LIVE, strategy_id, symbol, start_date, end_date)


def _analysis(
    user: User, mode: Mode, strategy_id: int | None, symbol: str | None, since: date | None, until: date | None
) -> AnalysisSchema:
    if since and until and until < since:
        raise Refused({"end_date": f"Send {since} or a later date."})
    try:
        wanted = TradeFilter(strategy_id, clean_symbol(symbol) if symbol else "", since, until)
    except InvalidSymbol as refusal:
        raise Refused({"symbol": str(refusal)}) from None
    found = analyse(user, mode, wanted)
    groups = {name: _groups(table) for name, table in found.tables.items()}
    return AnalysisSchema(
        mode=mode,
        older_trades=found.of.is_cut,
        figures=FiguresSchema.of(found.figures),
        starting_equity=found.starting,
        max_drawdown=None if found.drawdown is None else DrawdownSchema.of(found.drawdown),
        max_drawdown_pct=found.drawdown_fraction,
        longest_wins=found.streaks.wins,
        longest_losses=found.streaks.losses,
        current_streak=found.streaks.current,
        mean_holding_seconds=found.holding.mean,
        median_holding_seconds=found.holding.median,
        slippage=found.costs.slippage,
        slippage_bps=found.costs.slippage_bps,
        months=[MonthSchema.of(year) for year in found.months],
        by_strategy=groups["strategy"],
        by_symbol=groups["symbol"],
        by_weekday=groups["weekday"],
        by_hour=groups["hour"],
        by_exit_reason=groups["reason"],
        by_holding_time=groups["holding"],
        curve=_curve(found),
    )


def _groups(table: GroupTable) -> list[GroupSchema]:
    return [_group(row.key, row.figures) for row in table.rows]


def _group(key: object, figures: TradeFigures) -> GroupSchema:
    live_id, name = key if isinstance(key, tuple) else (None, key)
    return GroupSchema.of(figures, key=str(name), live_strategy_id=live_id)


def _curve(found: Analysis) -> CurveSchema:
    columns = equity_columns(found)
    sessions = found.curve.session.tolist()
    return CurveSchema(time=sessions, equity=columns["equity"], drawdown=columns.get("drawdown", []))
