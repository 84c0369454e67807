"""The API's call on the evidence of a backtest or of an optimizer's row."""

from typing import Any

from ninja import Router
from pydantic import Field

from backtests.models import Backtest, Candidate
from backtests.reports.evidence import lines_as_json
from backtests.reports.scorecard import scorecards
from backtests.services import evidence
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Refused, find
from tradedesk.rest.schemas import Schema

router = Router(tags=["evidence"])


class EvidenceLine(Schema):
    key: str = Field(examples=["deflated_sharpe"])
    label: str = Field(examples=["Deflated Sharpe"])
    rating: str = Field(description="pass, caution, fail or none.", examples=["caution"])
    message: str
    criterion: str = Field(description="What it takes to pass.")
    value: float | None


class EvidenceSchema(Schema):
    backtest_id: int | None
    candidate_id: int | None
    status: str = Field(description="pending, ready or failed.")
    error: str | None
    trials: int = Field(description="Number of trials on the same symbols and period.")
    lines: list[EvidenceLine]
    report: dict[str, Any]


@router.get("", response={200: EvidenceSchema, **UNKNOWN, **BAD_QUERY})
def read_evidence(
    request: UserRequest, backtest_id: int | None = None, candidate_id: int | None = None
) -> dict[str, Any]:
    """How much of a result is luck: of a completed backtest or of one row of an optimizer run. A row below the
    best is examined when it is asked for."""
    if (backtest_id is None) == (candidate_id is None):
        raise Refused({"backtest_id": "Give either backtest_id or candidate_id."})
    subject: Backtest | Candidate
    if backtest_id is not None:
        completed = request.user.backtests.filter(status=Backtest.Status.COMPLETED)
        subject = find(completed.select_related("evidence"), backtest_id)
    else:
        rows = Candidate.objects.filter(run__user=request.user).select_related("run", "evidence")
        subject = find(rows, candidate_id or 0)
        evidence.request_evidence(subject)
    scorecard = scorecards(request.user, [subject])[subject.pk]
    return {
        "backtest_id": backtest_id,
        "candidate_id": candidate_id,
        "status": scorecard.status,
        "error": scorecard.error or None,
        "trials": scorecard.trials,
        "lines": lines_as_json(scorecard),
        "report": subject.evidence.report if scorecard.status == "ready" else {},
    }
