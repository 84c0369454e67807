"""Where evidence is found, and marks in words."""

from django import template
from django.urls import reverse

from backtests.models import Backtest
from backtests.reports.scorecard import Scorecard
from backtests.research.robustness.scorecard import Rating

register = template.Library()

WORDS = {Rating.PASS: "Pass", Rating.CAUTION: "Caution", Rating.FAIL: "Fail", Rating.NONE: "Not known"}


@register.simple_tag
def evidence_url(scorecard: Scorecard, action: str = "") -> str:
    """The page of the evidence of a backtest or of an optimizer's row. action: "again" tries once more."""
    noun = "backtest" if isinstance(scorecard.subject, Backtest) else "candidate"
    name = f"{noun}_evidence_{action}" if action else f"{noun}_evidence"
    return reverse(f"backtests:{name}", args=[scorecard.subject.pk])


@register.filter
def rating_word(rating: str) -> str:
    """The mark for those who do not see its colour."""
    return WORDS[Rating(rating)]
