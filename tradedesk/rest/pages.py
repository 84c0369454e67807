"""Lists in pages: {"items": [...], "count": n}, where n is the length of the whole list."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
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
