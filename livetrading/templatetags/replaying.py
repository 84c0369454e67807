"""The controls of the replay in the top bar."""

from django import template

from livetrading.services.replay_control import control_problem
from tradedesk.accounts.models import User

register = template.Library()


@register.simple_tag
def replay_problem(user: User) -> str:
    """Why this user may not control the replay; "" when they may. One query at most."""
    return control_problem(user)
