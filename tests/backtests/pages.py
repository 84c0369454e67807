"""Reading a page as its reader does."""

import re
from html import unescape
from typing import Any

from django.urls import reverse

from backtests.models import Backtest

LIST, NEW = "/dashboard/backtests", "/dashboard/backtests/new"
HTMX = {"HX-Request": "true"}


def text_of(answer: Any) -> str:
    """What a reader sees, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def words_of_row(answer: Any, trade: int) -> set[str]:
    found = re.search(rf'<tr id="trade-{trade}"[^>]*>(.*?)</tr>', answer.content.decode(), re.DOTALL)
    assert found, trade
    return set(re.sub(r"<[^>]+>", " ", unescape(found[1])).split())


def value_of(answer: Any, field: str) -> str:
    tag = re.search(rf'<input[^>]*name="{field}"[^>]*>', answer.content.decode())
    assert tag, field
    found = re.search(r'value="([^"]*)"', tag[0])
    return unescape(found[1]) if found else ""


def error_of(answer: Any, field: str) -> str:
    found = re.search(rf'<ul class="errorlist" id="id_{field}_error"><li>(.*?)</li>', answer.content.decode())
    return unescape(found[1]) if found else ""


def url_of(backtest: Backtest, name: str = "detail") -> str:
    return reverse(f"backtests:{name}", args=[backtest.pk])
