"""The scorecard of a backtest or of an optimizer row: its lines, rated with all that was tried until today."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.urls import reverse

from backtests.models import Backtest, Candidate
from backtests.reports.trials import TrialScope, read_trials
from backtests.research.robustness.report import Report
from backtests.research.robustness.scorecard import (
    ChanceFigures,
    Line,
    chance_figures,
    counts,
    lines,
    overall_line,
    rating_summary,
)
from backtests.research.robustness.tried import Tried
from tradedesk.accounts.models import User
from tradedesk.marketdata.findings import BarsUse, Doubt, read_doubts


@dataclass(frozen=True, slots=True)
class Scorecard:
    """lines: empty while the evidence is pending or failed. error: why it failed. tried: on the same
    symbols and period."""

    subject: Backtest | Candidate
    lines: list[Line] = field(default_factory=list)
    error: str = ""
    tried: Tried = field(default_factory=Tried)

    @property
    def status(self) -> str:
        return "failed" if self.error else "ready" if self.lines else "pending"

    @property
    def is_pending(self) -> bool:
        return self.status == "pending"

    @property
    def trials(self) -> int:
        """The number of distinct results that were tried."""
        return self.tried.number

    @property
    def chance(self) -> ChanceFigures | None:
        return chance_figures(self.subject.evidence.report, self.tried) if self.lines else None

    @property
    def counts(self) -> dict[str, int]:
        return counts(self.lines)

    @property
    def url(self) -> str:
        """The evidence page of the backtest or optimizer row."""
        return self._url("evidence")

    @property
    def retry_url(self) -> str:
        """Where a POST computes failed evidence again."""
        return self._url("evidence_retry")

    @property
    def overall(self) -> Line | None:
        """The evidence in one sentence; None without lines."""
        return overall_line(self.subject.evidence.report, self.lines) if self.lines else None

    @property
    def summary(self) -> str:
        return rating_summary(self.lines)

    def _url(self, page: str) -> str:
        subject = "backtest" if isinstance(self.subject, Backtest) else "candidate"
        return reverse(f"backtests:{subject}_{page}", args=[self.subject.pk])


def scorecards(user: User, subjects: Sequence[Backtest | Candidate]) -> dict[int, Scorecard]:
    """The scorecards by the subjects' ids; one query, and one for each timeframe. `evidence` is joined to the
    subjects, `run` also to candidates."""
    scopes = [_scope(subject) for subject in subjects]
    found = zip(subjects, read_trials(user, scopes), _read_doubts(user, scopes), strict=True)
    return {subject.pk: _scorecard(subject, tried, doubts) for subject, tried, doubts in found}


def rate(user: User, reports: Sequence[tuple[Report, TrialScope]]) -> list[list[Line]]:
    """The lines of reports that are kept apart from their results, in their order; one query, and one for each
    timeframe."""
    scopes = [scope for _, scope in reports]
    found = zip(reports, read_trials(user, scopes), _read_doubts(user, scopes), strict=True)
    return [_lines(report, tried, doubts) for (report, _), tried, doubts in found]


def scope_of(report: Report, symbols: Sequence[str], timeframe: str, start: date, end: date) -> TrialScope:
    """What the trials of a report are counted for. report: empty for a result without one."""
    out_of_sample = report.get("out_of_sample") or {}
    holdout_start = date.fromisoformat(out_of_sample["from"]) if out_of_sample else None
    return TrialScope(symbols, timeframe, start, end, holdout_start)


def has_evidence(subject: Backtest | Candidate) -> bool:
    return hasattr(subject, "evidence") and subject.evidence is not None


def _read_doubts(user: User, scopes: Sequence[TrialScope]) -> list[list[Doubt]]:
    return read_doubts(user.pk, [BarsUse(each.symbols, each.timeframe, each.start, each.end) for each in scopes])


def _lines(report: Report, tried: Tried, doubts: Sequence[Doubt]) -> list[Line]:
    opened = [str(doubt) for doubt in doubts if doubt.finding.is_open]
    return lines(report, tried, opened, [str(doubt) for doubt in doubts if not doubt.finding.is_open])


def _scorecard(subject: Backtest | Candidate, tried: Tried, doubts: Sequence[Doubt]) -> Scorecard:
    evidence = subject.evidence if has_evidence(subject) else None
    if evidence is None or evidence.error:
        return Scorecard(subject, error=evidence.error if evidence else "", tried=tried)
    return Scorecard(subject, _lines(evidence.report, tried, doubts), tried=tried)


def _scope(subject: Backtest | Candidate) -> TrialScope:
    source = subject.run if isinstance(subject, Candidate) else subject
    report = subject.evidence.report if has_evidence(subject) else {}
    return scope_of(report, subject.symbols, source.timeframe, source.start_date, source.end_date)
