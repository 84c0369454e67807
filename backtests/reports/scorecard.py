"""The scorecard of a backtest or of an optimizer row: its lines, rated with today's number of trials."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.urls import reverse

from backtests.models import Backtest, Candidate
from backtests.reports.trials import TrialCount, TrialScope, count_trials_each
from backtests.research.robustness.scorecard import Line, counts, lines, rating_summary
from tradedesk.accounts.models import User


@dataclass(frozen=True, slots=True)
class Scorecard:
    """lines: empty while the evidence is pending or failed. error: why it failed. trials: number of trials on
    the same symbols and period."""

    subject: Backtest | Candidate
    lines: list[Line] = field(default_factory=list)
    error: str = ""
    trials: int = 0

    @property
    def status(self) -> str:
        return "failed" if self.error else "ready" if self.lines else "pending"

    @property
    def is_pending(self) -> bool:
        return self.status == "pending"

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
    def summary(self) -> str:
        return rating_summary(self.lines)

    def _url(self, page: str) -> str:
        subject = "backtest" if isinstance(self.subject, Backtest) else "candidate"
        return reverse(f"backtests:{subject}_{page}", args=[self.subject.pk])


def scorecards(user: User, subjects: Sequence[Backtest | Candidate]) -> dict[int, Scorecard]:
    """The scorecards by the subjects' ids; one query. `evidence` is joined to the subjects, `run` also to
    candidates."""
    trials = count_trials_each(user, [_scope(subject) for subject in subjects])
    return {subject.pk: _scorecard(subject, found) for subject, found in zip(subjects, trials, strict=True)}


def has_evidence(subject: Backtest | Candidate) -> bool:
    return hasattr(subject, "evidence") and subject.evidence is not None


def _scorecard(subject: Backtest | Candidate, trials: TrialCount) -> Scorecard:
    evidence = subject.evidence if has_evidence(subject) else None
    if evidence is None or evidence.error:
        return Scorecard(subject, error=evidence.error if evidence else "", trials=trials.number)
    # The registry counts this trial, too. For a row of a search with a holdout it counts the backtest of the row.
    others = max(trials.in_holdout - 1, 0)
    found = lines(evidence.report, max(trials.number, 1), trials.variance, others)
    return Scorecard(subject, found, trials=trials.number)


def _scope(subject: Backtest | Candidate) -> TrialScope:
    source = subject.run if isinstance(subject, Candidate) else subject
    out_of_sample = (subject.evidence.report.get("out_of_sample") or {}) if has_evidence(subject) else {}
    holdout_start = date.fromisoformat(out_of_sample["from"]) if out_of_sample else None
    return TrialScope(subject.symbols, source.timeframe, source.start_date, source.end_date, holdout_start)
