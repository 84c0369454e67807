"""Sorting a table: its columns, what ?sort= asks for, and what the database is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import F, FloatField
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast


@dataclass(frozen=True, slots=True)
class Column:
    """key: what ?sort= says of it. by: what the database compares. rising: read from the least to the greatest
    first. is_text: not set like figures. place: its class, for where it stands on a phone. order: "ascending",
    "descending", or "" when the rows are in another column's order."""

    key: str
    label: str
    by: F | Cast
    rising: bool = False
    is_text: bool = False
    place: str = ""
    order: str = ""

    @property
    def follows(self) -> str:
        """What ?sort= says for the next press: the other way round, or at first the way it is read."""
        falling = self.order == "ascending" if self.order else not self.rising
        return f"-{self.key}" if falling else self.key


def in_order(columns: Sequence[Column], sort: str, otherwise: str) -> tuple[list[Column], OrderBy]:
    """The columns, the one that sorts marked, and the order of the rows.

    sort: a column's key, with a "-" before it for the greatest first; what is none of them is read as `otherwise`.
    What has no value stands last either way.
    """
    if sort.removeprefix("-") not in {column.key for column in columns}:
        sort = otherwise
    key, falling = sort.removeprefix("-"), sort.startswith("-")
    order = "descending" if falling else "ascending"
    marked = [replace(column, order=order if column.key == key else "") for column in columns]
    by = next(column.by for column in columns if column.key == key)
    return marked, OrderBy(by, descending=falling, nulls_last=True)


def number_in(field: str, key: str) -> Cast:
    """A number within a JSON field, null where there is none, alike in SQLite and PostgreSQL."""
    return Cast(KeyTextTransform(key, field), FloatField())
