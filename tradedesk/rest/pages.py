"""Lists in pages: {"items": [...], "count": n}, where n is the length of the whole list."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Field, Schema
from ninja.pagination import LimitOffsetPagination, paginate

PAGE, MAX_PAGE = 50, 200
# The largest offset that every database accepts.
MAX_OFFSET = 2**31 - 1
Row = TypeVar("Row", bound=Model)


class Pages(LimitOffsetPagination):
    class Input(Schema):
        limit: int = Field(PAGE, ge=1, le=MAX_PAGE, description="Maximum number of items.")
        offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Number of items to skip.")

    def __init__(self) -> None:
        super().__init__(max_limit=MAX_PAGE)


# A decorator for an endpoint that returns a list, a queryset or MappedQuerySet.
in_pages = paginate(Pages)


class NumberedPages(Pages):
    """The same with numbers of pages, for those who prefer them."""

    class Input(Pages.Input):
        page: int | None = Field(None, ge=1, le=MAX_OFFSET // MAX_PAGE, description="1 is the first page.")
        page_size: int | None = Field(None, ge=1, le=MAX_PAGE, description="Items of a page; instead of limit.")

    def paginate_queryset(self, queryset: Any, pagination: Any, request: HttpRequest, **params: Any) -> Any:
        size = pagination.page_size or pagination.limit
        if pagination.page is not None:
            pagination.offset = (pagination.page - 1) * size
        pagination.limit = size
        return super().paginate_queryset(queryset, pagination, request, **params)


in_numbered_pages = paginate(NumberedPages)


@dataclass(frozen=True, slots=True)
class MappedQuerySet(Generic[Row]):
    """A queryset of which only the requested page is read. to_responses: from the rows of a page to its
    responses."""

    rows: "QuerySet[Row]"
    to_responses: Callable[[Sequence[Row]], Iterable[Any]]

    def __len__(self) -> int:
        return self.rows.count()

    def __getitem__(self, page: slice) -> list[Any]:
        return list(self.to_responses(list(self.rows[page])))
