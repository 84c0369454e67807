"""Reading the pages of backtests and of the optimizer in tests."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.urls import reverse

from backtests.models import Backtest

LIST, NEW = "/dashboard/backtests", "/dashboard/backtests/new"
HTMX = {"HX-Request": "true"}
VOID_TAGS = {"br", "hr", "img", "input", "link", "meta"}


class _ElementText(HTMLParser):
    """Collects the text inside the element with an id."""

    def __init__(self, element_id: str) -> None:
        super().__init__()
        self.element_id, self.depth, self.found, self.parts = element_id, 0, False, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_start = dict(attrs).get("id") == self.element_id
        self.found |= is_start
        if tag not in VOID_TAGS and (self.depth or is_start):
            self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        if self.depth and tag not in VOID_TAGS:
            self.depth -= 1

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.parts.append(data)


def text_of(answer: Any) -> str:
    """The visible text of a page, on one line."""
    return _text(answer.content.decode())


def text_in(answer: Any, element_id: str) -> str:
    """The visible text of the element with this id, on one line."""
    parser = _ElementText(element_id)
    parser.feed(answer.content.decode())
    assert parser.found, element_id
    return " ".join(" ".join(parser.parts).split())


def tags_of(answer: Any) -> str:
    """The HTML of a page, on one line."""
    return " ".join(answer.content.decode().split())


def has_id(answer: Any, element_id: str) -> bool:
    return f'id="{element_id}"' in answer.content.decode()


def cells_of(answer: Any, row_id: str) -> list[str]:
    """The texts of the cells of the table row with this id."""
    found = re.search(rf'<tr id="{row_id}".*?</tr>', answer.content.decode(), re.DOTALL)
    assert found, row_id
    return _cells(found[0])


def row_of(answer: Any, heading: str) -> list[str]:
    """The texts of the cells after the heading of the first table row with this heading."""
    for row in re.findall(r"<tr.*?</tr>", answer.content.decode(), re.DOTALL):
        first, *others = _cells(row)
        if first == heading:
            return others
    raise AssertionError(heading)


def facts_of(answer: Any) -> dict[str, str]:
    """The values of the page's definition lists, by their terms."""
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", answer.content.decode(), re.DOTALL)
    return {_text(term): _text(value) for term, value in pairs}


def value_of(answer: Any, field: str) -> str:
    tag = re.search(rf'<input[^>]*name="{field}"[^>]*>', answer.content.decode())
    assert tag, field
    found = re.search(r'value="([^"]*)"', tag[0])
    return unescape(found[1]) if found else ""


def error_of(answer: Any, field: str) -> str:
    found = re.search(rf'<ul class="errorlist" id="id_{field}_error"><li>(.*?)</li>', answer.content.decode())
    return unescape(found[1]) if found else ""


def invalid_fields(answer: Any) -> set[str]:
    """The names of the form fields that are marked as invalid."""
    tags = re.findall(r"<(?:input|select)[^>]*>", answer.content.decode())
    return {tag.partition('name="')[2].partition('"')[0] for tag in tags if 'aria-invalid="true"' in tag}


def url_of(backtest: Backtest, name: str = "detail") -> str:
    return reverse(f"backtests:{name}", args=[backtest.pk])


def _cells(row: str) -> list[str]:
    return [_text(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)]


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
