"""The life line of a strategy in templates, and the states of its deployments."""

from typing import Any

from django import template

from livetrading.models import LiveStrategy
from livetrading.summaries.life_line import DEGRADED, Step, deployment_state, life_line, unsaved_life_line
from livetrading.templatetags.evidence import evidence_of
from strategies.activity import backtests_of, current_deployments_of
from strategies.models import Strategy

register = template.Library()


@register.simple_tag(takes_context=True)
def life_line_of(context: dict[str, Any], strategy: Strategy | None) -> list[Step]:
    """None: of a strategy that is not saved yet. Two queries, and those of the evidence."""
    if strategy is None:
        return unsaved_life_line()
    running: list[LiveStrategy] = list(current_deployments_of(strategy))
    return life_line(strategy, backtests_of(strategy).first(), evidence_of(context, strategy), running)


@register.filter
def state_of(live: LiveStrategy) -> str:
    """The state light of a deployment."""
    return deployment_state(live)


@register.filter
def state_word(live: LiveStrategy) -> str:
    """Its mode and its state: “Paper, active”."""
    word = "degraded" if deployment_state(live) == DEGRADED else live.get_status_display().lower()
    return f"{live.mode.capitalize()}, {word}"
