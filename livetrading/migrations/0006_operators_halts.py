"""The halts in force that an operator had asked for before that was noted are an operator's."""

from typing import Any

from django.db import migrations
from django.db.models import Q


def mark(apps: Any, _: object) -> None:
    halts = apps.get_model("livetrading", "Halt").objects.filter(lifted_at=None)
    operators = Q(requested_by__startswith="the operator ") | Q(requested_by="manage.py halt_trading")
    halts.filter(operators).update(by_operator=True)


class Migration(migrations.Migration):
    dependencies = [("livetrading", "0005_ended_by_broker")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
