from django.db import migrations


def forget(apps, schema_editor):
    """What was found by other rules says something else: it goes, and the sweep has it gathered anew."""
    apps.get_model("backtests", "Evidence").objects.all().delete()
    apps.get_model("backtests", "OptimizerRun").objects.filter(status="completed").update(findings={})


class Migration(migrations.Migration):

    dependencies = [
        ('backtests', '0006_parameters_may_be_empty'),
    ]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
