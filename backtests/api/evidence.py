"""The API's call on the evidence of a backtest or of an optimizer's row."""

from typing import Any

from ninja import Router
from pydantic import Field

from backtests.models import Backtest, Candidate
from backtests.reports.evidence import lines_as_json
from backtests.services import evidence
from tradedesk.accounts.requests import UserRequest
from tradedesk.rest.answers import Answer
from tradedesk.rest.refusals import BAD_QUERY, UNKNOWN, Refused, find

router = Router(tags=["evidence"])


class EvidenceLine(Answer):
    key: str = Field(examples=["luck"])
    label: str = Field(examples=["Luck"])
    mark: str = Field(description="good, fair, bad or none.", examples=["fair"])
    words: str
    asks: str = Field(description="What makes it green.")
    value: float | None


class EvidenceAnswer(Answer):
    backtest_id: int | None
    candidate_id: int | None
    status: str = Field(description="pending, ready or failed.")
    error: str | None
    tries: int = Field(description="So often you have tried something on this symbol and period.")
    lines: list[EvidenceLine]
    findings: dict[str, Any]


@router.get("", response={200: EvidenceAnswer, **UNKNOWN, **BAD_QUERY})
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
        evidence.ask_for(subject)
    panel = evidence.panels(request.user, [subject])[subject.pk]
    return {
        "backtest_id": backtest_id,
        "candidate_id": candidate_id,
        "status": panel.status,
        "error": panel.error or None,
        "tries": panel.tries,
        "lines": lines_as_json(panel),
        "findings": subject.evidence.findings if panel.status == "ready" else {},
    }
