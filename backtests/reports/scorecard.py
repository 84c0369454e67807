"""The scorecard of a backtest or of an optimizer's row: its lines of evidence, as they are shown now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from backtests.models import Backtest, Candidate
from backtests.reports.trials import TrialCount, TrialScope, count_trials_each
from backtests.research.robustness.scorecard import Line, counts, lines, summary
from tradedesk.accounts.models import User


@dataclass(frozen=True, slots=True)
class Scorecard:
    """subject: whose evidence it is. lines: empty while pending, and where `error` says why there are none. trials:
    the number of trials on the same symbols and period."""

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
    def summary(self) -> str:
        return summary(self.lines)


def scorecards(user: User, subjects: Sequence[Backtest | Candidate]) -> dict[int, Scorecard]:
    """The scorecard of each subject by its id; one query. The subjects come with `evidence` joined, a candidate also
    with its run."""
    trials = count_trials_each(user, [_scope(subject) for subject in subjects])
    return {subject.pk: _scorecard(subject, found) for subject, found in zip(subjects, trials, strict=True)}


def has_evidence(subject: Backtest | Candidate) -> bool:
    return hasattr(subject, "evidence") and subject.evidence is not None


def _scorecard(subject: Backtest | Candidate, trials: TrialCount) -> Scorecard:
    evidence = subject.evidence if has_evidence(subject) else None
    if evidence is None or evidence.error:
        return Scorecard(subject, error=evidence.error if evidence else "", trials=trials.number)
    # The registry counts this one too; for a row whose search had a holdout, it counts the backtest of the row.
    others = max(trials.in_holdout - 1, 0)
    found = lines(evidence.report, max(trials.number, 1), trials.variance, others)
    return Scorecard(subject, found, trials=trials.number)


def _scope(subject: Backtest | Candidate) -> TrialScope:
    on = subject.run if isinstance(subject, Candidate) else subject
    out_of_sample = (subject.evidence.report.get("out_of_sample") or {}) if has_evidence(subject) else {}
    holdout_start = date.fromisoformat(out_of_sample["from"]) if out_of_sample else None
    return TrialScope(subject.symbols, on.timeframe, on.start_date, on.end_date, holdout_start)
