"""Links that know where the reader is, and icons."""

from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.inclusion_tag("_nav_link.html", takes_context=True)
def nav_link(context: dict[str, Any], name: str, label: str, *, exact: bool = False) -> dict[str, Any]:
    """A link to the page of that URL name, marked when the reader is on it or, unless exact, below it.

    A page that the running desk does not have (its app is not installed) gives no link.
    """
    try:
        url = reverse(name)
    except NoReverseMatch:
        return {}
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    below = path.startswith(url.rstrip("/") + "/") and not exact
    return {"url": url, "label": label, "current": path == url or below}


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of the symbols in static/icons.svg, hidden from screen readers: the words beside it name it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def page_query(context: dict[str, Any], number: int) -> str:
    """The query string of another page of this list, its filters kept."""
    request: HttpRequest | None = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    query["page"] = str(number)
    return f"?{query.urlencode()}"
