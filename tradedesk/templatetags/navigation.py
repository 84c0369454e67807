"""Links that mark the current page, and icons."""

import re
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.inclusion_tag("_nav_link.html", takes_context=True)
def nav_link(
    context: dict[str, Any],
    name: str,
    label: str,
    icon: str,
    *,
    exact: bool = False,
    also: str = "",
    count: str = "",
) -> dict[str, Any]:
    """A link to the page of a URL name, marked if the current page is that page or, unless `exact`, is below it.
    also: more addresses, separated by spaces, whose pages belong to it. count: the name of a number beside it,
    which the status refreshes.

    There is no link if the URL name does not exist, because its app is not installed.
    """
    link = _link(context, name, label, exact=exact, also=also)
    if not link:
        return {}
    number = getattr(context.get("bar"), count, 0) if count else 0
    return {**link, "icon": icon, "count": count, "number": number}


@register.inclusion_tag("components/_tab.html", takes_context=True)
def tab(context: dict[str, Any], name: str, label: str, *, exact: bool = False, also: str = "") -> dict[str, Any]:
    """An underlined tab that is a page of its own: inside <nav class="tabs-line">. See nav_link."""
    return _link(context, name, label, exact=exact, also=also)


def _link(context: dict[str, Any], name: str, label: str, *, exact: bool, also: str) -> dict[str, Any]:
    try:
        url = reverse(name)
    except NoReverseMatch:
        return {}
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    places = also.split() if exact else [url.rstrip("/"), *also.split()]
    below = any(path == place or path.startswith(place + "/") for place in places)
    return {"url": url, "label": label, "current": path == url or below}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of static/icons.svg, hidden from screen readers: the text next to it names it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name
    )


@register.filter
def initials(email: str) -> str:
    """Two letters of an address, for a round button: kim.meyer@example.com -> KM."""
    words = re.findall(r"[^\W\d_]+", email.partition("@")[0]) or [email]
    letters = [word[0] for word in words[:2]] if len(words) > 1 else list(words[0][:2])
    return "".join(letters).upper()


@register.simple_tag(takes_context=True)
def page_query(context: dict[str, Any], number: int) -> str:
    """The query string of another page of this list, with the same filters."""
    request: HttpRequest | None = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    query["page"] = str(number)
    return f"?{query.urlencode()}"
