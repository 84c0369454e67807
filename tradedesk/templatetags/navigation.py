"""Links that mark the current page, and icons."""

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
    """A link to the page of a URL name, marked if the current page is that page or, unless `exact`, is below it.

    There is no link if the URL name does not exist, because its app is not installed.
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
    """An icon of static/icons.svg, hidden from screen readers: the text next to it names it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def page_query(context: dict[str, Any], number: int) -> str:
    """The query string of another page of this list, with the same filters."""
    request: HttpRequest | None = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    query["page"] = str(number)
    return f"?{query.urlencode()}"
