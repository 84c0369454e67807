"""The API of the evidence of a backtest or of a row of an optimizer run."""

from typing import Annotated, Any

from ninja import Router
from pydantic import Field

from backtests.models import Backtest, Candidate
from backtests.reports.scorecard import scorecards
from backtests.research.robustness.scorecard import Rating
from backtests.services import evidence
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Refused, find
from tradedesk.rest.schemas import EmptyAsNull, Schema

router = Router(tags=["evidence"])


class EvidenceLineSchema(Schema):
    key: str = Field(examples=["chance"])
    label: str = Field(examples=["Chance"])
    rating: Rating = Field(description="none: there is nothing to rate.", examples=["caution"])
    message: str = Field(description="The result in a sentence.")
    criterion: str = Field(description="The condition to pass.")
    value: float | None


class EvidenceSchema(Schema):
    backtest_id: int | None
    candidate_id: int | None
    status: str = Field(description="pending, ready or failed.")
    error: Annotated[str | None, EmptyAsNull] = Field(description="Why the evidence could not be computed.")
    trials: int = Field(description="Number of distinct results on the same symbols and period.")
    overall: EvidenceLineSchema | None = Field(description="All lines in one sentence; null until ready.")
    lines: list[EvidenceLineSchema]
    report: dict[str, Any] = Field(
        description="The robustness report that the lines are made from; empty until ready."
    )


@router.get("", response={200: EvidenceSchema, **UNKNOWN, **BAD_QUERY})
def read_evidence(
    request: UserRequest, backtest_id: int | None = None, candidate_id: int | None = None
) -> EvidenceSchema:
    """How much of a result may be chance: of a completed backtest or of one row of an optimizer run. Reading a row
    starts the computation if it has no evidence yet."""
    if (backtest_id is None) == (candidate_id is None):
        raise Refused({"backtest_id": "Send either backtest_id or candidate_id."})
    subject: Backtest | Candidate
    if backtest_id is not None:
        completed = request.user.backtests.filter(status=Backtest.Status.COMPLETED)
        subject = find(completed.select_related("evidence"), backtest_id)
    else:
        rows = Candidate.objects.filter(run__user=request.user).select_related("run", "evidence")
        subject = find(rows, candidate_id or 0)
        evidence.request_evidence(subject)
    scorecard = scorecards(request.user, [subject])[subject.pk]
    report = subject.evidence.report if scorecard.status == "ready" else {}
    return EvidenceSchema.of(scorecard, backtest_id=backtest_id, candidate_id=candidate_id, report=report)
