"""Reading the evidence of a backtest or of a candidate as a page does."""

from typing import Any

from backtests.models import Backtest, Candidate
from backtests.reports.scorecard import Scorecard, scorecards
from tradedesk.accounts.models import User


def scorecard_of(user: User, subject: Backtest | Candidate) -> Scorecard:
    fresh: Backtest | Candidate
    if isinstance(subject, Candidate):
        fresh = Candidate.objects.select_related("run", "evidence").get(pk=subject.pk)
    else:
        fresh = Backtest.objects.select_related("evidence").get(pk=subject.pk)
    return scorecards(user, [fresh])[fresh.pk]


def on_other_bars(recorded: dict[str, Any], symbol: str) -> dict[str, Any]:
    """The provenance of a result on other bars of the symbol."""
    other = recorded["data"][symbol] | {"fingerprint": "0" * 64}
    return recorded | {"data": recorded["data"] | {symbol: other}}
