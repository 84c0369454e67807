from django.db import migrations


def forget(apps, schema_editor):
    """What was found by other rules says something else: it goes, and the sweep has it gathered anew."""
    apps.get_model("backtests", "Evidence").objects.all().delete()
    apps.get_model("backtests", "OptimizerRun").objects.filter(status="completed").update(findings={})


class Migration(migrations.Migration):

    dependencies = [
        ('backtests', '0004_neighbours_of_a_row'),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
