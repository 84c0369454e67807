from typing import Any

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from tradedesk.templatetags.navigation import initials, nav_link, tab


def link(path: str, name: str = "notifications:inbox", *, exact: bool = False) -> dict[str, Any]:
    return nav_link({"request": RequestFactory().get(path)}, name, "Notifications", "bell", exact=exact)


@pytest.mark.parametrize("path", ["/dashboard/notifications", "/dashboard/notifications/12"])
def test_a_page_and_the_pages_below_it_are_current(path: str) -> None:
    found = {"url": "/dashboard/notifications", "label": "Notifications", "current": True}
    assert link(path) == {**found, "icon": "bell", "count": "", "number": 0}
    assert tab({"request": RequestFactory().get(path)}, "notifications:inbox", "Notifications") == found


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/notifications-old", "/trades"])
def test_other_pages_are_not_current(path: str) -> None:
    assert link(path)["current"] is False


def test_an_exact_link_is_not_current_below_its_page() -> None:
    assert link("/dashboard/notifications", exact=True)["current"] is True
    assert link("/dashboard/notifications/12", exact=True)["current"] is False


def test_an_unknown_page_gives_no_link() -> None:
    assert link("/", name="nowhere:at_all") == {}


def test_a_link_without_a_request_is_not_current() -> None:
    assert nav_link({}, "notifications:inbox", "Notifications", "bell")["current"] is False


@pytest.mark.parametrize(
    ("email", "letters"),
    [
        ("kim.meyer@example.com", "KM"),
        ("demo@example.com", "DE"),
        ("x@example.com", "X"),
        ("42@example.com", "42"),
        ("a_b-c@example.com", "AB"),
    ],
)
def test_the_initials_of_an_address(email: str, letters: str) -> None:
    assert initials(email) == letters


def test_the_link_to_another_page_of_a_list_keeps_its_filters() -> None:
    template = Template("{% load navigation %}{% page_query 3 %}")
    request = RequestFactory().get("/trades?mode=paper&page=2&symbol=A%26B")
    assert template.render(Context({"request": request})) == "?mode=paper&amp;page=3&amp;symbol=A%26B"


def test_an_icon_escapes_its_name() -> None:
    shown = Template("{% load navigation %}{% icon name %}").render(Context({"name": '"><script>'}))
    assert "<script>" not in shown
