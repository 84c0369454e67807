"""Sorting a table: its columns, the value of ?sort= and the order for the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import F, FloatField
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast


@dataclass(frozen=True, slots=True)
class Column:
    """key: its name in ?sort=. expression: the value the database sorts by. ascending_first: the first press
    sorts from the lowest value up. is_text: aligned as text. css_class: where it is shown on a phone. order:
    "ascending" or "descending" for the column that sorts the table, else ""."""

    key: str
    label: str
    expression: F | Cast
    ascending_first: bool = False
    is_text: bool = False
    css_class: str = ""
    order: str = ""

    @property
    def next_sort(self) -> str:
        """The value of ?sort= after the next press: the opposite order, or the column's first order."""
        descending = self.order == "ascending" if self.order else not self.ascending_first
        return f"-{self.key}" if descending else self.key


def sort_by(columns: Sequence[Column], sort: str, default: str) -> tuple[list[Column], OrderBy]:
    """The columns with the sorted one marked, and the order of the rows.

    sort: a column's key, "-" before it for descending order; any other value sorts by `default`. Rows without a
    value come last in both directions.
    """
    if sort.removeprefix("-") not in {column.key for column in columns}:
        sort = default
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    order = "descending" if descending else "ascending"
    marked = [replace(column, order=order if column.key == key else "") for column in columns]
    expression = next(column.expression for column in columns if column.key == key)
    return marked, OrderBy(expression, descending=descending, nulls_last=True)


def json_number(field: str, key: str) -> Cast:
    """A number in a JSON field, null where the key is missing; the same in SQLite and PostgreSQL."""
    return Cast(KeyTextTransform(key, field), FloatField())
