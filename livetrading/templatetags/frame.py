"""The frame of every page, read once for a request, by the templates that show it."""

from typing import Any

from django import template
from django.utils import timezone

from livetrading.summaries.account import AccountSummary
from livetrading.summaries.top_bar import TopBar, read_top_bar

register = template.Library()

READ = "_top_bar"


def _known(context: dict[str, Any]) -> AccountSummary | None:
    """The account that the page shows, in a DeskSummary, a StrategySummary or by itself."""
    shown = [context.get("account"), *(getattr(context.get(name), "account", None) for name in ("desk", "row"))]
    return next((each for each in shown if isinstance(each, AccountSummary)), None)


@register.simple_tag(takes_context=True)
def top_bar(context: dict[str, Any]) -> TopBar:
    """Of the user who asks, at the market time of the page's status."""
    request = context["request"]
    if not hasattr(request, READ):
        setattr(
            request,
            READ,
            read_top_bar(request.user, context["market_status"].now, timezone.now(), _known(context)),
        )
    found: TopBar = getattr(request, READ)
    return found
