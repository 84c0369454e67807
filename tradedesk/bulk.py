"""Write many rows in one statement, where Django's own costs more than all else that is done with the rows.

`bulk_update` builds a CASE of one branch for each row and column, and `bulk_create` adapts each value of a row
with a JSON column on its own: of a check of 200 live strategies that was more than half. PostgreSQL reads the rows
from one JSON document instead (`jsonb_populate_recordset`, which knows the types of the table). SQLite has neither
the function nor many rows.
"""

import json
import math
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model


def update_columns(rows: Sequence[Model], columns: Collection[str]) -> None:
    """Write these columns of these stored rows, all of one model. columns: names of fields."""
    if not rows or not columns:
        return
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if field.name in columns]
    table, key = map(_quoted, (meta.db_table, meta.pk.column))
    quoted = [_quoted(field.column) for field in fields]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            changes = ", ".join(f"{column} = changed.{column}" for column in quoted)
            update = f"UPDATE {table} SET {changes}"  # noqa: S608 - quoted names of the models
            source = f"jsonb_populate_recordset(NULL::{table}, %s) AS changed"
            document = _document(rows, [meta.pk, *fields])
            cursor.execute(f"{update} FROM {source} WHERE {table}.{key} = changed.{key}", [document])
        else:
            changes = ", ".join(f"{column} = %s" for column in quoted)
            values = [[_stored(row, field) for field in (*fields, meta.pk)] for row in rows]
            update = f"UPDATE {table} SET {changes}"  # noqa: S608 - quoted names of the models
            cursor.executemany(f"{update} WHERE {key} = %s", values)


def insert_new(rows: Sequence[Model]) -> None:
    """Insert these rows, all of one model, but those that break a unique constraint. Their ids stay unknown."""
    if not rows:
        return
    model = type(rows[0])
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(rows, ignore_conflicts=True)
        return
    meta = model._meta
    fields = [field for field in meta.concrete_fields if field is not meta.pk]
    table, columns = _quoted(meta.db_table), ", ".join(_quoted(field.column) for field in fields)
    insert = f"INSERT INTO {table} ({columns}) SELECT {columns}"
    source = f"jsonb_populate_recordset(NULL::{table}, %s)"
    with connection.cursor() as cursor:
        cursor.execute(f"{insert} FROM {source} ON CONFLICT DO NOTHING", [_document(rows, fields)])


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")


def _document(rows: Sequence[Model], fields: Sequence["Field[Any, Any]"]) -> str:
    names = [(field.attname, field.column) for field in fields]
    values = [{column: _plain(getattr(row, name)) for name, column in names} for row in rows]
    return json.dumps(values, default=_text, allow_nan=False)


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity; PostgreSQL reads the words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    if isinstance(value, date):  # or a datetime, with its microseconds
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not written in bulk")


def _stored(row: Model, field: "Field[Any, Any]") -> Any:
    return field.get_db_prep_save(getattr(row, field.attname), connection)
