"""The API's calls on a user's backtests."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from backtests.api.backtest_payload import backtest_payload, comparison_payload
from backtests.api.backtest_schemas import BacktestInList, BacktestSchema, ComparisonSchema, Queued
from backtests.lists.filters import filter_backtests
from backtests.lists.selection import InvalidSelection, UnknownBacktest, selected
from backtests.lists.table import LARGE_FIELDS
from backtests.models import Backtest
from backtests.reports.comparison import comparison_of
from backtests.reports.trades import csv_rows
from backtests.services import InvalidBacktest, cancel_backtest, create_backtest, delete_backtest
from tradedesk.accounts.requests import UserRequest
from tradedesk.core.rules import COSTS, RULES
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol
from tradedesk.rest.bodies import Body, Day, Text, Whole
from tradedesk.rest.csv_files import csv_file
from tradedesk.rest.pages import Presented, in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Refused, find
from tradedesk.rest.rule_fields import with_rules

SENDS_CSV = {"responses": {200: {"description": "OK", "content": {"text/csv": {"schema": {"type": "string"}}}}}}

router = Router(tags=["backtests"])

SPLIT = {"position_size_pct": "0.95 / number of symbols", "max_positions": "the number of symbols"}


@with_rules([*COSTS.values(), *RULES.values()], SPLIT)
class BacktestBody(Body):
    """`*_pct` are fractions: 0.02 is 2%."""

    strategy_id: Whole = Field(examples=[12])
    symbols: list[Text] | None = Field(None, description="Left out: the strategy's own.", examples=[["AAPL"]])
    start_date: Day = Field(examples=["2005-01-03"])
    end_date: Day = Field(examples=["2010-12-31"])
    initial_capital: float = Field(description="Dollars.", examples=[100_000])


@router.post("", response={202: Queued, **UNKNOWN, **BAD_BODY})
def start_backtest(request: UserRequest, backtest: BacktestBody) -> Status[Backtest]:
    """Queues a backtest of a strategy as it is now. Read it again until its status is completed."""
    values = backtest.model_dump()
    strategy = find(request.user.strategies.all(), values.pop("strategy_id"))
    try:
        queued = create_backtest(request.user, strategy, **values, wall_now=timezone.now())
    except InvalidBacktest as refusal:
        # The service speaks of the strategy, the call of its id.
        named = {"strategy": "strategy_id"}
        raise Refused({named.get(field, field): text for field, text in refusal.errors.items()}) from None
    return Status(202, queued)


@router.get("", response={200: list[BacktestInList], **BAD_QUERY})
@in_pages
def list_backtests(
    request: UserRequest,
    strategy_id: Whole | None = None,
    symbol: str | None = None,
    status: Backtest.Status | None = None,
) -> Presented[Backtest]:
    """Your backtests, the newest first, without curves and trades; those of one strategy, symbol or status."""
    try:
        wanted = clean_symbol(symbol) if symbol else ""
    except InvalidSymbol as refusal:
        raise Refused({"symbol": str(refusal)}) from None
    found = filter_backtests(
        request.user.backtests.all(), strategy_id=strategy_id, symbol=wanted, status=status or ""
    )
    return Presented(found.defer(*LARGE_FIELDS), _in_list)


@router.get("/compare", response={200: ComparisonSchema, **UNKNOWN, **BAD_QUERY})
def compare_backtests(request: UserRequest, ids: str) -> dict[str, Any]:
    """Two to four completed backtests side by side; ids: "3,7"."""
    try:
        return comparison_payload(comparison_of(selected(request.user, [ids])))
    except UnknownBacktest as refusal:
        raise Http404(str(refusal)) from None
    except InvalidSelection as refusal:
        raise Refused({"ids": str(refusal)}) from None


@router.get("/{int:backtest_id}", response={200: BacktestSchema, **UNKNOWN})
def read_backtest(request: UserRequest, backtest_id: int) -> dict[str, Any]:
    """A backtest with everything it has found so far."""
    return backtest_payload(find(request.user.backtests.all(), backtest_id), full=True)


@router.delete("/{int:backtest_id}", response={204: None, **UNKNOWN})
def remove_backtest(request: UserRequest, backtest_id: int) -> Status[None]:
    """Deletes it with all it has found; one that is still running ends. What was deployed from it trades on."""
    delete_backtest(find(request.user.backtests.all(), backtest_id))
    return Status(204, None)


@router.post("/{int:backtest_id}/cancel", response={200: Queued, **UNKNOWN})
def stop_backtest(request: UserRequest, backtest_id: int) -> Backtest:
    """Ends it without a result. What has ended already stays as it is: the status says how."""
    backtest = find(request.user.backtests.all(), backtest_id)
    cancel_backtest(backtest, timezone.now())
    backtest.refresh_from_db()
    return backtest


@router.get("/{int:backtest_id}/trades.csv", response=UNKNOWN, openapi_extra=SENDS_CSV)
def backtest_trades_csv(request: UserRequest, backtest_id: int) -> StreamingHttpResponse:
    """Every trade as it was closed, then the open positions, which have no exit_time and are marked at the last
    close."""
    backtest = find(request.user.backtests.all(), backtest_id)
    return csv_file(request, f"backtest-{backtest_id}-trades.csv", csv_rows(backtest))


def _in_list(backtests: Sequence[Backtest]) -> list[dict[str, Any]]:
    return [backtest_payload(backtest, full=False) for backtest in backtests]
