"""Ratings as words."""

from django import template

from backtests.research.robustness.scorecard import Rating

register = template.Library()

LABELS = {Rating.PASS: "Pass", Rating.CAUTION: "Caution", Rating.FAIL: "Fail", Rating.NONE: "Not rated"}


@register.filter
def rating_label(rating: str) -> str:
    """The word that is always shown with the shape and colour of a rating."""
    return LABELS[Rating(rating)]
