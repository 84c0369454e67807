"""Pages of a list that may be very long: of its first rows alone, so that no page counts or skips all of it."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

# What is further away is found with the filters.
MOST = 5000


class BoundedPaginator(Paginator[Any]):
    """A Paginator of the first MOST rows of a queryset."""

    @cached_property
    def _found(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # the stubs allow other lists
        return rows[: MOST + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self._found, MOST)

    @property
    def count_text(self) -> str:
        """For people: "5,000+" when there are more."""
        return f"{self.count:,}{'+' if self._found > MOST else ''}"
