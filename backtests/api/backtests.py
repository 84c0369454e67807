"""The API of backtests."""

from django.db.models import QuerySet
from django.http import Http404, StreamingHttpResponse
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from backtests import services
from backtests.api.backtest_schemas import (
    BacktestSchema,
    BacktestSummarySchema,
    ComparisonSchema,
    QueuedSchema,
    compared,
    with_results,
)
from backtests.lists.filters import filter_backtests
from backtests.lists.selection import InvalidSelection, UnknownBacktest, selected
from backtests.lists.table import LARGE_FIELDS
from backtests.models import Backtest
from backtests.reports.comparison import comparison_of
from backtests.reports.trades import backtest_trade_rows
from backtests.services import InvalidBacktest
from backtests.services.defaults import CAPITAL, with_defaults
from strategies.kinds import rule_defaults_of
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import COSTS, RULES
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.rest.bodies import Body, Day, Id, Symbols, Text, Whole
from tradedesk.rest.csv_files import csv_file
from tradedesk.rest.pages import in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Refused, find
from tradedesk.rest.rule_fields import given_values, with_rules

CSV_RESPONSE = {"responses": {200: {"description": "OK", "content": {"text/csv": {"schema": {"type": "string"}}}}}}

router = Router(tags=["backtests"])
results = Router(tags=["backtests"])

RULES_AND_COSTS = [*COSTS.values(), *RULES.values()]
# Defaults that depend on the request: core.rules.fully_invested.
CAPITAL_TEXT = "Dollars. Default: that of your settings."
DEFAULT_TEXTS = {"position_size_pct": "0.95 / number of symbols", "max_positions": "the number of symbols"}


@with_rules(RULES_AND_COSTS, DEFAULT_TEXTS)
class BacktestBody(Body):
    """`*_pct` are fractions: 0.02 is 2%.

    A rule or cost that is left out has the default of your settings (Defaults), or the one stated
    here where you have none. Null switches off a rule that can be off; any other has the default stated here.
    """

    strategy_id: Id = Field(examples=[12])
    symbols: Symbols | None = Field(None, description="Default: the symbols of the strategy.", examples=[["AAPL"]])
    start_date: Day = Field(examples=["2005-01-03"])
    end_date: Day = Field(examples=["2010-12-31"])
    initial_capital: float = Field(CAPITAL, description=CAPITAL_TEXT, examples=[100_000])
    compare_with: Text | None = Field(
        None,
        description="The benchmark of the evidence. Default: that of your settings, else the symbols, held.",
        examples=["SPY"],
    )


@router.post("", response={202: QueuedSchema, **UNKNOWN, **BAD_BODY})
def start_backtest(request: UserRequest, backtest: BacktestBody) -> Status[Backtest]:
    """Queues a backtest of the strategy's current settings. Read the backtest until its status is completed."""
    strategy = find(request.user.strategies.all(), backtest.strategy_id)
    given = backtest.model_fields_set | rule_defaults_of(strategy.kind).keys()
    values = with_defaults(request.user, given_values(backtest), given)
    del values["strategy_id"]
    try:
        queued = services.create_backtest(request.user, strategy, **values, wall_now=timezone.now())
    except InvalidBacktest as refusal:
        raise Refused(refusal.errors, renamed={"strategy": "strategy_id"}) from None
    return Status(202, queued)


@router.get("", response={200: list[BacktestSummarySchema], **BAD_QUERY})
@in_pages
def list_backtests(
    request: UserRequest,
    strategy_id: Whole | None = None,
    symbol: str | None = None,
    status: Backtest.Status | None = None,
) -> "QuerySet[Backtest]":
    """Your backtests, newest first, without curves and trades. Filter by strategy, symbol or status."""
    return _listed(request, strategy_id, symbol, status or "")


def _listed(
    request: UserRequest, strategy_id: int | None, symbol: str | None, status: str
) -> "QuerySet[Backtest]":
    try:
        wanted = clean_symbol(symbol) if symbol else ""
    except InvalidSymbol as refusal:
        raise Refused({"symbol": str(refusal)}) from None
    backtests = filter_backtests(
        request.user.backtests.all(), strategy_id=strategy_id, symbol=wanted, status=status
    )
    return backtests.defer(*LARGE_FIELDS)


@router.get("/compare", response={200: ComparisonSchema, **UNKNOWN, **BAD_QUERY})
def compare_backtests(request: UserRequest, ids: str) -> ComparisonSchema:
    """Compares two to four completed backtests; ids: "3,7"."""
    try:
        return compared(comparison_of(selected(request.user, [ids])))
    except UnknownBacktest as refusal:
        raise Http404(str(refusal)) from None
    except InvalidSelection as refusal:
        raise Refused({"ids": str(refusal)}) from None


@router.get("/{int:backtest_id}", response={200: BacktestSchema, **UNKNOWN})
def read_backtest(request: UserRequest, backtest_id: int) -> BacktestSchema:
    """A backtest with its results."""
    return with_results(find(request.user.backtests.all(), backtest_id))


@results.get("", response={200: list[BacktestSummarySchema], **BAD_QUERY})
@in_pages
def list_backtest_results(
    request: UserRequest, strategy_id: Whole | None = None, symbol: str | None = None
) -> "QuerySet[Backtest]":
    """Your completed backtests, newest first, without curves and trades."""
    return _listed(request, strategy_id, symbol, Backtest.Status.COMPLETED)


# The same endpoint under the address of the results.
results.get("/{int:backtest_id}", response={200: BacktestSchema, **UNKNOWN}, operation_id="read_backtest_result")(
    read_backtest
)


@router.delete("/{int:backtest_id}", response={204: None, **UNKNOWN})
def delete_backtest(request: UserRequest, backtest_id: int) -> Status[None]:
    """Deletes a backtest and its results, and stops it if it is running. Deployments of it keep trading."""
    services.delete_backtest(find(request.user.backtests.all(), backtest_id))
    return Status(204, None)


@router.post("/{int:backtest_id}/cancel", response={200: QueuedSchema, **UNKNOWN})
def cancel_backtest(request: UserRequest, backtest_id: int) -> Backtest:
    """Cancels a queued or running backtest. A finished backtest does not change; see the status."""
    backtest = find(request.user.backtests.all(), backtest_id)
    services.cancel_backtest(backtest, timezone.now())
    backtest.refresh_from_db()
    return backtest


@router.get("/{int:backtest_id}/trades.csv", response=UNKNOWN, openapi_extra=CSV_RESPONSE)
def backtest_trades_csv(request: UserRequest, backtest_id: int) -> StreamingHttpResponse:
    """All closed trades in the order of their exits, then the open positions, without exit_time and valued at the
    last close."""
    backtest = find(request.user.backtests.all(), backtest_id)
    return csv_file(request, f"backtest-{backtest_id}-trades.csv", backtest_trade_rows(backtest))
