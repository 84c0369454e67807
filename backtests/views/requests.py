"""Reading a page request: whether it wants a fragment, and the row that its address names."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from backtests.lists.selection import parse_id
from tradedesk.accounts.requests import PageRequest

Row = TypeVar("Row", bound=Model)


def wants_fragment(request: PageRequest) -> bool:
    """An htmx request, except that of the back button, which wants the whole page.

    A view that returns both must vary on HX-Request, otherwise the browser's cache shows the fragment as a page.
    """
    return bool(request.htmx) and not request.htmx.history_restore_request


def find_by_id(rows: QuerySet[Row], pk: str | None) -> Row | None:
    """The row with the id in the address, None without an id. Raises Http404 when `rows` has no such row."""
    if not pk:
        return None
    number = parse_id(pk)
    if number is None:
        raise Http404
    return get_object_or_404(rows, pk=number)
