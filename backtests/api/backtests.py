"""The API's calls on a user's backtests."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from backtests.answers import BacktestAnswer, BacktestInList, Queued
from backtests.models import Backtest
from backtests.payload import backtest_payload
from backtests.services import InvalidBacktest, create_backtest
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.bodies import Body, Day, Text, Whole
from tradedesk.rest.pages import Presented, in_pages
from tradedesk.rest.refusals import BAD_BODY, BAD_QUERY, UNKNOWN, Refused, find

# What a result weighs; no list shows it.
HEAVY = ("provenance", "buy_and_hold")

router = Router(tags=["backtests"])


class BacktestBody(Body):
    """`*_pct` are fractions: 0.02 is 2%."""

    strategy_id: Whole = Field(examples=[12])
    symbols: list[Text] | None = Field(None, description="Left out: the strategy's own.", examples=[["AAPL"]])
    start_date: Day = Field(examples=["2005-01-03"])
    end_date: Day = Field(examples=["2010-12-31"])
    initial_capital: float = Field(description="Dollars.", examples=[100_000])
    commission_bps: float = Field(0.0, description="Basis points of each order's amount.")
    slippage_bps: float = Field(0.0, description="Basis points of the price, against you.")
    position_size_pct: float | None = Field(
        None, description="Of the equity, for one position. Left out: 0.95 / number of symbols.", examples=[0.2]
    )
    max_positions: Whole | None = Field(None, description="At once. Left out: the number of symbols.")
    max_position_size: float | None = Field(None, description="Dollars. Left out: no limit.")
    stop_loss_pct: float | None = Field(None, description="Below the entry price. Left out: 0.10.")
    take_profit_pct: float | None = Field(None, description="Above the entry price. Left out: none.")
    signal_threshold: float = Field(0.6, description="The least strength of a signal that is traded, 0 to 1.")
    fractional: bool = Field(False, description="Whether parts of a share are bought.")


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
def list_backtests(request: UserRequest) -> Presented[Backtest]:
    """Your backtests, the newest first, without curves and trades."""
    return Presented(request.user.backtests.defer(*HEAVY), _in_list)


@router.get("/{int:backtest_id}", response={200: BacktestAnswer, **UNKNOWN})
def read_backtest(request: UserRequest, backtest_id: int) -> dict[str, Any]:
    """A backtest with everything it has found so far."""
    return backtest_payload(find(request.user.backtests.all(), backtest_id), full=True)


def _in_list(backtests: Sequence[Backtest]) -> list[dict[str, Any]]:
    return [backtest_payload(backtest, full=False) for backtest in backtests]
