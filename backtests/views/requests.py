"""The request of a page: whether it asks for a fragment of it, and which rows its address names."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from backtests.lists.selection import number_in
from tradedesk.accounts.requests import PageRequest

Row = TypeVar("Row", bound=Model)


def wants_fragment(request: PageRequest) -> bool:
    """An htmx request, but not that of the back button, which wants the whole page.

    A view that gives both varies on HX-Request: else the browser goes back to the fragment that it has kept.
    """
    return bool(request.htmx) and not request.htmx.history_restore_request


def chosen(rows: QuerySet[Row], pk: str | None) -> Row | None:
    """The row that the address names, None when it names none; 404 for one that is not the user's."""
    if not pk:
        return None
    number = number_in(pk)
    if number is None:
        raise Http404
    return get_object_or_404(rows, pk=number)
