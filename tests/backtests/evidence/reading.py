"""Reading the evidence of a backtest or of a row as a page does."""

from typing import Any

from backtests.models import Backtest, Candidate
from backtests.reports.scorecard import scorecards
from backtests.services import evidence
from tradedesk.accounts.models import User


def panel_of(user: User, subject: Backtest | Candidate) -> evidence.Scorecard:
    again: Backtest | Candidate
    if isinstance(subject, Candidate):
        again = Candidate.objects.select_related("run", "evidence").get(pk=subject.pk)
    else:
        again = Backtest.objects.select_related("evidence").get(pk=subject.pk)
    return scorecards(user, [again])[again.pk]


def on_other_bars(recorded: dict[str, Any], symbol: str) -> dict[str, Any]:
    """A provenance as if the bars of the symbol had been others then."""
    other = recorded["data"][symbol] | {"fingerprint": "0" * 64}
    return recorded | {"data": recorded["data"] | {symbol: other}}
