"""A live strategy beside its backtest, and its decisions made again. On the router of live_strategies."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from livetrading.api.live_strategies import own, router
from livetrading.models import DecisionDifference, DecisionReplay
from livetrading.summaries.comparison import State, read_comparison
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.pages import MappedQuerySet, in_pages
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, find
from tradedesk.rest.schemas import EmptyAsNull, Schema


class MatchSchema(Schema):
    match: str = Field(examples=["late"], description="identical, late, missed, extra, price or sizes.")
    count: int
    effect: float = Field(description="Dollars that live has more than the backtest because of these fills.")


class ComparedSlippageSchema(Schema):
    """Of the fills that both made on the same bar. Dollars and basis points of what they traded."""

    fills: int
    paid: float
    assumed: float
    paid_bps: float | None
    assumed_bps: float | None


class ComparedCurvesSchema(Schema):
    """Columns with one value for each session. Those of the expected range are empty without one."""

    time: list[int] = Field(description="Unix seconds of the session's last bar.")
    live: list[float] = Field(description="Profit and loss in dollars.")
    backtest: list[float]
    difference: list[float]
    p5: list[float]
    p25: list[float]
    p50: list[float]
    p75: list[float]
    p95: list[float]


class ComparisonSchema(Schema):
    state: State
    error: Annotated[str | None, EmptyAsNull] = Field(description="Why the last computation failed.")
    computed_at: datetime | None = Field(description="Wall time.")
    as_of: datetime | None = Field(description="Market time.")
    sessions: int
    live: float | None = Field(
        description="Profit and loss in dollars since the deployment, open positions included."
    )
    backtest: float | None
    difference: float | None
    matches: list[MatchSchema]
    slippage: ComparedSlippageSchema | None
    closed_trades: int
    expected_range: list[float] | None = Field(
        description="The percentiles 5, 25, 50, 75 and 95 of the profit at the last session, in dollars."
    )
    place: Literal["below", "lower", "middle", "upper", "above"] | None = Field(
        description="Where the profit is in that range; null where it is too early to say."
    )
    place_text: str = Field(description="The same as a sentence, or why there is none.")
    notes: list[str]
    curves: ComparedCurvesSchema | None


class ComparedDifferenceSchema(Schema):
    symbol: str
    bar_time: datetime
    cause: DecisionDifference.Cause
    text: str
    evidence: dict[str, Any] = Field(description="Both sides by the same names: then and now.")


class DecisionReplaySchema(Schema):
    """The decisions of a session, repeated the night after from the bars as they were stored then."""

    session: date
    decisions: int
    identical: int
    fills: int
    fills_as_expected: int
    error: Annotated[str | None, EmptyAsNull]
    replayed_at: datetime = Field(description="Market time.")
    seconds: float
    differences: list[ComparedDifferenceSchema] = Field(description="At most 100.")


@router.get("/strategies/{int:live_strategy_id}/comparison", response={200: ComparisonSchema, **UNKNOWN})
def compare_live_strategy(request: UserRequest, live_strategy_id: int) -> ComparisonSchema:
    """Its profit beside the backtest of the same stretch and beside what its backtest led one to expect. It is
    computed after each session and each sale."""
    shown = read_comparison(find(own(request), live_strategy_id), columns=True)
    row, figures = shown.row, shown.figures
    return ComparisonSchema(
        state=shown.state,
        error=row.error if row else "",
        computed_at=row.computed_at if row else None,
        as_of=row.as_of if row else None,
        sessions=figures.get("sessions", 0),
        live=figures.get("live"),
        backtest=figures.get("backtest"),
        difference=figures.get("difference"),
        matches=[MatchSchema(match=each.match, count=each.count, effect=each.effect) for each in shown.matches],
        slippage=figures.get("slippage"),
        closed_trades=figures.get("closed_trades", 0),
        expected_range=figures.get("range"),
        place=figures.get("place") or None,
        place_text=shown.place,
        notes=shown.notes,
        curves=row.columns if row and row.columns else None,
    )


@router.get(
    "/strategies/{int:live_strategy_id}/decisions",
    response={200: list[DecisionReplaySchema], **UNKNOWN, **BAD_QUERY},
)
@in_pages
def list_decision_replays(request: UserRequest, live_strategy_id: int) -> MappedQuerySet[DecisionReplay]:
    """The nights in which its decisions were repeated, the newest first."""
    live = find(own(request), live_strategy_id)
    rows = DecisionReplay.objects.filter(live_strategy=live).prefetch_related("differences")
    return MappedQuerySet(rows, lambda page: [_replay(row) for row in page])


def _replay(row: DecisionReplay) -> DecisionReplaySchema:
    differences = [ComparedDifferenceSchema.of(each) for each in row.differences.all()]
    return DecisionReplaySchema.of(row, seconds=row.took.total_seconds(), differences=differences)
