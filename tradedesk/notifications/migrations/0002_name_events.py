from django.db import migrations
from django.db.models import Case, Q, Value, When

LOW, NORMAL, HIGH = 1, 2, 3
# A notification had a level and no event: its text tells which one it was.
WAS = (
    (Q(url="/dashboard/live-trading"), "deployed", LOW),
    (Q(url__startswith="/dashboard/optimizer/"), "research_finished", LOW),
    (Q(text__startswith="Bought ") | Q(text__startswith="Sold "), "order_filled", NORMAL),
    (Q(text__contains=" was not placed: "), "order_rejected", HIGH),
)


def name_events(apps, schema_editor):
    rows = apps.get_model("notifications", "Notification").objects.using(schema_editor.connection.alias)
    rows.update(
        event=Case(*(When(found, then=Value(event)) for found, event, _ in WAS), default=Value("difference")),
        priority=Case(*(When(found, then=priority) for found, _, priority in WAS), default=HIGH),
    )


def give_levels(apps, schema_editor):
    rows = apps.get_model("notifications", "Notification").objects.using(schema_editor.connection.alias)
    rows.filter(priority__gte=HIGH).update(level="error")


class Migration(migrations.Migration):
    """In a transaction of its own, because PostgreSQL does not change a table in the one that changed its rows."""

    dependencies = [("notifications", "0001_initial")]

    operations = [migrations.RunPython(name_events, give_levels)]
