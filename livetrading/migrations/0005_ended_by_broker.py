"""Exits that the broker rejected or let expire are marked as ended by it, unless they were cancelled by hand."""

from typing import Any

from django.db import migrations


def mark(apps: Any, _: object) -> None:
    orders = apps.get_model("livetrading", "Order").objects
    ended = orders.filter(purpose="exit", state__in=("rejected", "expired"))
    ended.exclude(reason="Cancelled by hand.").update(ended_by_broker=True)


class Migration(migrations.Migration):
    dependencies = [("livetrading", "0004_operators_halt_and_close_key")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
