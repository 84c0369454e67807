"""Words and states of the components in templates/components/."""

from dataclasses import asdict
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradedesk.glossary import TERMS

register = template.Library()

# The state lights, each with its shape and its word.
STATES = {
    "running": "Running",
    "degraded": "Degraded",
    "error": "Error",
    "stopped": "Stopped",
    "closed": "Closed",
}
RATINGS = {"pass": "Pass", "caution": "Caution", "fail": "Fail", "none": "Not rated"}


@register.simple_tag
def term(key: str, label: str = "") -> SafeString:
    """A word of the glossary, which explains itself when pressed or pointed at. KeyError if it is unknown."""
    found = TERMS[key]
    shown = label or found.name
    return format_html('<button type="button" class="term" data-term="{}">{}</button>', key, shown)


@register.inclusion_tag("components/_state.html")
def state_light(state: str, label: str = "") -> dict[str, str]:
    """state: a key of STATES."""
    return {"state": state, "label": label or STATES[state]}


@register.inclusion_tag("components/_rating.html")
def rating(value: str) -> dict[str, str]:
    """value: a key of RATINGS."""
    return {"value": value, "label": RATINGS[value]}


def glossary() -> dict[str, dict[str, Any]]:
    """All terms as JSON has them."""
    return {key: asdict(found) for key, found in TERMS.items()}
