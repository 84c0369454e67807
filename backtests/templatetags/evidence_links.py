"""Where evidence is found, and marks in words."""

from django import template
from django.urls import reverse

from backtests.models import Backtest
from backtests.robustness.panel import Mark
from backtests.services.evidence import Panel

register = template.Library()

WORDS = {Mark.GOOD: "green", Mark.FAIR: "amber", Mark.BAD: "red", Mark.NONE: "not known"}


@register.simple_tag
def evidence_url(panel: Panel, action: str = "") -> str:
    """The page of the evidence of a backtest or of an optimizer's row. action: "again" tries once more."""
    noun = "backtest" if isinstance(panel.subject, Backtest) else "candidate"
    name = f"{noun}_evidence_{action}" if action else f"{noun}_evidence"
    return reverse(f"backtests:{name}", args=[panel.subject.pk])


@register.filter
def mark_word(mark: str) -> str:
    """The mark for those who do not see its colour."""
    return WORDS[Mark(mark)]
