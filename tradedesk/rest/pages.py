"""Lists, a page at a time: {"items": [...], "count": n}, n being the length of the whole list."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from ninja import Field, Schema
from ninja.pagination import LimitOffsetPagination, paginate

PAGE, MAX_PAGE = 50, 200
# Databases count rows no further than this.
FURTHEST = 2**31 - 1
Row = TypeVar("Row", bound=Model)


class Pages(LimitOffsetPagination):
    class Input(Schema):
        limit: int = Field(PAGE, ge=1, le=MAX_PAGE, description="How many items at most.")
        offset: int = Field(0, ge=0, le=FURTHEST, description="How many items to skip.")

    def __init__(self) -> None:
        super().__init__(max_limit=MAX_PAGE)


# For a call that returns a list, a queryset or Presented.
in_pages = paginate(Pages)


@dataclass(frozen=True, slots=True)
class Presented(Generic[Row]):
    """Rows of which only the page asked for is read, and then presented, all of it at once."""

    rows: "QuerySet[Row]"
    present: Callable[[Sequence[Row]], Iterable[Any]]

    def __len__(self) -> int:
        return self.rows.count()

    def __getitem__(self, page: slice) -> list[Any]:
        return list(self.present(list(self.rows[page])))
