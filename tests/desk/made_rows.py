"""A row of any model: each column that must have a value gets one by its type."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import models
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from backtests.models import Backtest, Evidence
from livetrading.models import BrokerAccount

_numbers = count(1)
DAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
# What a constraint or a page asks for beyond the types: a value, or the model of a row.
NEEDED: dict[Any, dict[str, Any]] = {
    BrokerAccount: {"broker": "simulation"},
    Evidence: {"backtest": Backtest},
    PeriodicTask: {"interval": IntervalSchedule},
}


def make_row(model: Any, **given: Any) -> Any:
    number, values = next(_numbers), {}
    for name, needed in NEEDED.get(model, {}).items():
        values[name] = make_row(needed) if isinstance(needed, type) else needed
    for field in model._meta.concrete_fields:
        if field.name not in values | given and not (field.null or field.has_default() or field.auto_created):
            values[field.name] = _value(field, number)
    return model._base_manager.create(**(values | given))


def _value(field: Any, number: int) -> Any:
    if field.is_relation:
        return make_row(field.related_model)
    if field.choices and not field.unique:
        return field.flatchoices[0][0]
    match field:
        case models.EmailField():
            return f"user{number}@example.com"
        case models.CharField() | models.TextField():
            return f"{number}"[: field.max_length]
        case models.DateTimeField():
            return DAY + timedelta(days=number)
        case models.DateField():
            return date(2026, 1, 5) + timedelta(days=number + 100 * field.name.startswith("end"))
        case models.DecimalField():
            return Decimal(number)
        case models.BooleanField():
            return False
        case models.JSONField():
            return []
        case models.GenericIPAddressField():
            return "203.0.113.7"
        case _:
            return number
